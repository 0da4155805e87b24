"""Commands: checked, recorded before they are sent, sent once, and what each repeat is answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from copy import copy
from pathlib import Path

import pytest

from sdk.client import Client
from sdk.settings import Settings
from sdk.transport.base import Transport, connect
from tests.core.commanding import (
    HEATER,
    SCOPE,
    Ears,
    command,
    command_lane,
    descriptor,
    listening,
)
from tests.core.running import Core, running_core


@pytest.fixture
async def core(data: Path) -> AsyncIterator[Core]:
    """A payload that takes one scope, with a heater that can be commanded."""
    async with running_core(Settings(data=str(data), scope=SCOPE)) as core:
        await core.publish([descriptor()])
        yield core


@pytest.fixture
async def client(core: Core) -> AsyncIterator[Client]:
    """Somebody on this machine."""
    async with await Client.to_core(core.data) as client:
        yield client


@pytest.fixture
async def transport(core: Core) -> AsyncIterator[Transport]:
    """The way that devices come."""
    transport = connect(f"local://{core.data}")
    yield transport
    await transport.close()


@pytest.fixture
async def ears(transport: Transport) -> AsyncIterator[Ears]:
    """A device that listens."""
    async with listening(transport) as ears:
        yield ears


async def test_a_command_is_recorded_and_then_sent(client: Client, ears: Ears) -> None:
    """A-173, A-186, AMB-27: the ids are the descriptor's, and what is sent is the record."""
    asked = command(payload={"on": True, "power": 4.5})
    ack = await client.submit_command(asked)
    await ears.until(asked.request_id)
    (recorded,) = await command_lane(client)
    assert (ack.request_id, ack.command_id) == (asked.request_id, asked.command_id)
    assert (ack.event_id, ack.time) == (recorded["eventId"], recorded["canonicalTruthTime"])
    assert not ack.duplicate and not ack.mismatch
    ids = [recorded[name] for name in ("systemId", "containerId", "uniqueId")]
    assert ids == list(HEATER)
    assert recorded["payload"] == asked.payload
    assert ears.addresses == [f"nova.{SCOPE}.command.{asked.request_id}.v1"]
    del recorded["canonicalTruthTime"]
    assert ears.heard == [recorded]


async def test_eight_at_once_are_one_command(core: Core, ears: Ears) -> None:
    """A-172, A-189, pitfalls row 32: one record, one dispatch, eight answers."""
    asked = command()
    clients = [await Client.to_core(core.data) for _ in range(8)]
    try:
        acks = await asyncio.gather(*(client.submit_command(copy(asked)) for client in clients))
        assert len({(ack.event_id, ack.time, ack.command_id) for ack in acks}) == 1
        assert sorted(ack.duplicate for ack in acks) == [False, *[True] * 7]
        last = command()
        await clients[0].submit_command(last)
        await ears.until(last.request_id)
        assert ears.requests() == [asked.request_id, last.request_id]
        assert len(await command_lane(clients[0])) == 2
    finally:
        for client in clients:
            await client.close()
