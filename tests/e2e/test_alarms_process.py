"""Alarms have a process of their own once there are rules, and are answered without it."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from nova.sdk.alarms import own_process
from nova.sdk.client.client import Client
from nova.sdk.events.observation import Entity
from nova.sdk.producer.producer import Producer
from nova.sdk.protocol.alarm_messages import Alarms
from nova.sdk.transport.base import connect
from nova.testkit.running_nova import PASSWORD, RunningNova, running_nova
from tests.core.commanding import SCOPE

RULES = """
[[rules]]
ruleId = "watts-high"
messageType = "Heater"
field = "watts"
ranges.critical = { high = 100.0 }
"""
WAIT_S = 120.0
HEATERS = ("heater-1", "heater-2")


async def processes(client: Client) -> dict[str, str]:
    return {one.name: one.state for one in (await client.status()).processes}


async def until_raised(client: Client, count: int) -> None:
    async with asyncio.timeout(WAIT_S):
        while len((await client.alarms(Alarms(listing="active"))).alarms) < count:
            await asyncio.sleep(0.1)


async def heat(nova: RunningNova, name: str) -> None:
    async with Producer(connect(nova.publish), SCOPE) as producer:
        heater = producer.observe(Entity("bus", "thermal", name))
        await producer.send([heater.parsed("Heater", {"watts": 150.0})])


async def test_the_process_starts_with_the_first_rule_and_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "heaters.toml").write_text(RULES)
    config = tmp_path / "nova.toml"
    config.write_text(f'scope = "{SCOPE}"\nalarm_rules = "{tmp_path}"\n')
    with running_nova(tmp_path / "data", "--scope", SCOPE) as nova:
        async with await Client.log_in(nova.url, "admin", PASSWORD) as client:
            await heat(nova, HEATERS[0])
            async with asyncio.timeout(WAIT_S):
                while (await client.alarms(Alarms())).behind:  # The sampler is up.
                    await asyncio.sleep(0.1)
            assert "alarms" not in await processes(client)
            assert not own_process.is_needed(nova.data)
    with running_nova(tmp_path / "data", "--config", str(config)) as nova:
        async with await Client.log_in(nova.url, "admin", PASSWORD) as client:
            await heat(nova, HEATERS[0])
            await until_raised(client, 1)
            async with asyncio.timeout(WAIT_S):
                while (await processes(client)).get("alarms") != "ready":
                    await asyncio.sleep(0.1)
            judging = nova.child("alarms")
            os.kill(judging, signal.SIGSTOP)
            await heat(nova, HEATERS[1])
            assert len((await client.alarms(Alarms(listing="active"))).alarms) == 1
            os.kill(judging, signal.SIGKILL)
            await until_raised(client, 2)
            assert nova.child("alarms") != judging
