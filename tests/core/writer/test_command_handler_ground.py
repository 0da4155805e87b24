"""A ground archive commands the target of a payload: both have the record, one sends."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest

from nova.sdk.client.client import Client
from nova.sdk.producer.producer import Producer
from nova.sdk.protocol.messages import Filters, Query
from nova.sdk.settings import Settings
from nova.sdk.transport.base import connect
from nova.testkit.nats_server import NatsServer
from tests.core.commanding import WAIT_S, command, descriptor, listening
from tests.core.running import running_core


async def lane(client: Client, count: int) -> list[bytes]:
    """The events of the command lane without their receive times, once there are that many."""
    query = Query(timebase="canonical", filters=Filters(lanes=["command"]))
    async with asyncio.timeout(WAIT_S):
        while len(found := [event async for event in client.query(query)]) < count:
            await asyncio.sleep(0.02)
    return [event.partition(b',"canonicalTruthTime"')[0] for event in found]


async def known(client: Client, scope_id: str) -> None:
    """Return once the descriptor is there."""
    query = Query(filters=Filters(scope_ids=[scope_id], message_types=["ProducerDescriptor"]))
    async with asyncio.timeout(WAIT_S):
        while not [event async for event in client.query(query)]:
            await asyncio.sleep(0.02)


@pytest.mark.nats
async def test_ground_commands_a_payload(
    data: Path, own_nats_server: NatsServer, scope_id: str
) -> None:
    """AMB-66: ground records and dispatches on the payload's address; the payload's Core records
    that it came and sends nothing, and neither takes the request a second time.
    """
    url = own_nats_server.url
    device = connect(url)
    with tempfile.TemporaryDirectory(prefix="nova-") as other:
        ground = Settings(data=str(data), mode="ground", transports=(url,))
        payload = Settings(data=other, scope=scope_id, transports=(url,))
        async with (
            running_core(ground),
            running_core(payload),
            await Client.to_core(data) as on_ground,
            await Client.to_core(Path(other)) as on_board,
            listening(device, scope_id) as ears,
        ):
            await Producer(device, scope_id).publish([descriptor(scope_id=scope_id)])
            await known(on_ground, scope_id)
            await known(on_board, scope_id)
            asked = command(scope_id=scope_id)
            ack = await on_ground.submit_command(asked)
            assert await lane(on_ground, 1) == await lane(on_board, 1)
            again = await on_board.submit_command(asked)
            assert (again.duplicate, again.event_id) == (True, ack.event_id)
            own = command(scope_id=scope_id)
            await on_board.submit_command(own)
            await ears.until(own.request_id)
            assert ears.requests() == [asked.request_id, own.request_id]
            assert await lane(on_ground, 2) == await lane(on_board, 2)
    await device.close()
