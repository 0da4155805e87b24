"""Commands over the local transport while hosts come and go: each has a recorded outcome."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nova.sdk.protocol.messages import Filters, Query
from nova.sdk.transport.local import LocalTransport
from tests.core.commanding import WAIT_S, descriptor
from tests.core.writer.commanded import Commanded, commanded

NOBODY = "not dispatched: no command listener for {} on {}"
HOST = Path(__file__).with_name("taking_host.py")


async def results(found: Commanded) -> dict[str, dict[str, Any]]:
    """The results of all commands in the archive, by commandId."""
    query = Query(timebase="canonical", filters=Filters(message_types=["CommandResult"]))
    events = [msgspec.json.decode(event) async for event in found.client.query(query)]
    return {event["commandId"]: event for event in events}


async def test_a_command_that_nobody_hears_ends_as_a_failure(data: Path, scope_id: str) -> None:
    """Before, it was recorded, answered as sent, and that was all."""
    url = f"local://{data}"
    async with commanded(data, url, scope_id) as found:
        await found.device.close()
        asked = found.command()
        await found.client.submit_command(asked)
        result = (await results(found))[asked.command_id]
        assert result["status"] == "failure"
        assert result["errorMessage"] == NOBODY.format(scope_id, url)


async def test_hosts_that_are_killed_leave_no_command_unaccounted_for(
    data: Path, scope_id: str
) -> None:
    """Each of them is on a host's record, or has a result that says what is known of it."""
    await run_killed_hosts(data, scope_id, commands=60, seed=1)


@pytest.mark.slow
async def test_840_commands_while_hosts_are_killed(data: Path, scope_id: str) -> None:
    """As above, as many as once lost 32."""
    await run_killed_hosts(data, scope_id, commands=840, seed=2)


async def run_killed_hosts(data: Path, scope_id: str, *, commands: int, seed: int) -> None:
    """Send commands while the only host is killed at random and started again."""
    url, noted = f"local://{data}", data / "noted"
    chance = random.Random(seed)
    async with commanded(data, url, scope_id) as found:
        await found.device.close()
        killing = asyncio.create_task(_kill_hosts(url, scope_id, noted, chance))
        asked = [found.command() for _ in range(commands)]
        try:
            for part in range(0, commands, 20):
                await asyncio.gather(
                    *(found.client.submit_command(one) for one in asked[part : part + 20])
                )
        finally:
            killing.cancel()
            await asyncio.wait((killing,))
        taken = set(noted.read_text().split()) if noted.exists() else set()
        told = await results(found)
        for one in asked:
            assert one.command_id in taken or one.command_id in told, "it vanished"
            if one.command_id in taken and one.command_id in told:
                assert "it may have been sent or not" in told[one.command_id]["errorMessage"]
        assert taken, "no host ever took a command"


async def _kill_hosts(url: str, scope_id: str, noted: Path, chance: random.Random) -> None:
    while True:
        host = await asyncio.create_subprocess_exec(
            sys.executable, str(HOST), url, scope_id, str(noted), stdout=subprocess.PIPE
        )
        try:
            assert host.stdout is not None
            async with asyncio.timeout(WAIT_S):
                await host.stdout.readline()
            await asyncio.sleep(chance.random() * 0.2)
        finally:
            host.kill()
            await host.wait()


async def test_a_descriptor_alone_makes_no_listener(data: Path, scope_id: str) -> None:
    """Who publishes what it can do, and does not listen, is not taken for one who does."""
    url = f"local://{data}"
    async with commanded(data, url, scope_id) as found:
        await found.device.close()
        other = LocalTransport(url)
        await other.publish([descriptor(scope_id=scope_id)])
        asked = found.command()
        await found.client.submit_command(asked)
        assert (await results(found))[asked.command_id]["status"] == "failure"
        await other.close()
