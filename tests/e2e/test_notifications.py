"""A whole NOVA notifies of alarms: each raising once, however often the notifier is killed."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from nova.sdk import timestamps
from nova.sdk.alarms.sent_notification import NOTIFICATION_SENT
from nova.sdk.client.client import Client
from nova.sdk.errors import NovaError
from nova.sdk.events.event import Event
from nova.sdk.events.observation import Entity
from nova.sdk.producer.producer import Producer
from nova.sdk.protocol.messages import Filters, Query
from nova.sdk.transport.base import connect
from nova.testkit.running_nova import PASSWORD, RunningNova, nova_command, running_nova
from tests.core.commanding import SCOPE
from tests.core.notifications.receiving import SECRET, ReceivedMessages, receiving_webhook

RULES = """
[[rules]]
ruleId = "watts-high"
messageType = "Heater"
field = "watts"
ranges.critical = { high = 100.0 }
"""
NOTIFICATIONS = """
[[targets]]
name = "hook"
webhook = "%s"
secret = "%s"

[[rules]]
name = "all"
targets = ["hook"]
groupS = 0.3
"""
WAIT_S = 120.0
SETTLE_S = 3.0
DELAY_S = 0.2
"""So long that kills come while a message is sent: it has arrived, and is not recorded as sent."""

HOUR_NS = 3_600 * 10**9


def settings_of(folder: Path, received: ReceivedMessages) -> Path:
    """A nova.toml with one rule, and one web hook."""
    rules = folder / "rules"
    rules.mkdir()
    (rules / "heaters.toml").write_text(RULES)
    notifications = folder / "notifications.toml"
    notifications.write_text(NOTIFICATIONS % (received.url, SECRET))
    config = folder / "nova.toml"
    config.write_text(
        f'scope = "{SCOPE}"\nalarm_rules = "{rules}"\nnotifications = "{notifications}"\n'
    )
    return config


def kill_notifier(nova: RunningNova) -> bool:
    """Kill it, unless it is being restarted."""
    with suppress(NovaError, ProcessLookupError):
        os.kill(nova.child("notifier"), signal.SIGKILL)
        return True
    return False


async def command(nova: RunningNova, *words: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command of the instance beside the web hook."""
    return await asyncio.to_thread(nova_command, *words, "--data", str(nova.data))


async def notifier_is_up(nova: RunningNova) -> None:
    async with asyncio.timeout(WAIT_S):
        while not (nova.data / "notifications" / "ledger.sqlite-wal").exists():
            await asyncio.sleep(0.1)
    await asyncio.sleep(1)


def raised(producer: Producer, number: int, at_ns: int | None = None) -> Event:
    """A value that raises the alarm of one heater."""
    heater = producer.observe(Entity("bus", "thermal", f"heater-{number}"), at_ns)
    return heater.parsed("Heater", {"watts": 150.0 + number})


async def until_received(received: ReceivedMessages, count: int) -> None:
    async with asyncio.timeout(WAIT_S):
        while len(set(received.alarm_ids())) < count:
            await asyncio.sleep(0.1)
    await asyncio.sleep(SETTLE_S)


async def sent_alarms(nova: RunningNova) -> int:
    """The alarms in the events of what was sent."""
    async with await Client.log_in(nova.url, "admin", PASSWORD) as client:
        filters = Filters(message_types=[NOTIFICATION_SENT])
        events = [event async for event in client.query(Query(filters=filters))]
    payloads = [msgspec.json.decode(event)["payload"] for event in events]
    assert {payload["outcome"] for payload in payloads} == {"sent"}
    return sum(len(payload["alarms"]) for payload in payloads)


@pytest.mark.parametrize(
    ("raisings", "kills"), [(20, 2), pytest.param(200, 12, marks=pytest.mark.slow)]
)
async def test_each_raising_is_sent_once_and_none_of_the_past(
    tmp_path: Path, raisings: int, kills: int
) -> None:
    draw = random.Random(raisings)
    async with receiving_webhook() as received:
        received.delay_s = DELAY_S
        config = settings_of(tmp_path, received)
        with running_nova(tmp_path / "data", "--config", str(config)) as nova:
            await notifier_is_up(nova)
            events: list[Event] = []
            async with Producer(connect(nova.publish), SCOPE) as producer:
                kill_at = set(draw.sample(range(raisings), kills))
                killed = 0
                for number in range(raisings):
                    events.append(raised(producer, number))
                    await producer.send(events[-1:])
                    if number in kill_at:
                        await asyncio.sleep(draw.random())
                        killed += kill_notifier(nova)
                await until_received(received, raisings)
                late_ns = timestamps.now() - HOUR_NS
                late = [raised(producer, raisings + number, late_ns) for number in range(10)]
                await producer.send(late)
                assert (await producer.send(events)).new == 0
            assert killed
            past = ("--from", timestamps.text(late_ns), "--rate", "max", "--types", "Heater")
            replayed = await command(nova, "play", *past)
            assert replayed.stdout.count(b"\n") == raisings + len(late)
            assert (await command(nova, "rebuild", "alarms")).returncode == 0
            await asyncio.sleep(SETTLE_S)
            assert len(received.alarm_ids()) == len(set(received.alarm_ids())) == raisings
            assert await sent_alarms(nova) == raisings
            assert not received.faults
            nova.kill()
