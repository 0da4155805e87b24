"""Publishing in batches: stored as a whole or not at all, where server and stream take them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext, JetStreamManager

from nova.sdk.errors import TransportError
from nova.sdk.transport.base import Record
from nova.testkit.nats_process import NatsProcess
from nova.testkit.nats_server import NatsServer
from nova.testkit.record_reader import read_records
from nova.transport_nats.jetstream import create_stream
from nova.transport_nats.publisher import BATCH_ID, BATCH_MIN_RECORDS, BATCH_RECORDS
from nova.transport_nats.transport import NatsTransport
from tests.transport_nats.consuming import entity, numbered, numbers

pytestmark = pytest.mark.nats

MakeTransport = Callable[..., NatsTransport]


async def batch_of(manager: JetStreamManager, stream: str, sequence: int) -> str | None:
    """The id of the batch in which a record was stored."""
    found = await manager.get_msg(stream, sequence)
    return (found.headers or {}).get(BATCH_ID)


async def test_many_records_are_stored_in_batches_and_few_alone(
    nats_server: NatsServer, make_transport: MakeTransport, manager: JetStreamManager, scope: str
) -> None:
    transport, stream = make_transport(nats_server.url), f"nova-{scope}"
    few, many = BATCH_MIN_RECORDS - 1, 2 * BATCH_RECORDS + BATCH_MIN_RECORDS - 1
    await transport.publish(numbered(scope, few))
    await transport.publish(numbered(scope, many, first=few))
    assert (await read_records(transport, scope, few + many)).values() == numbers(few + many)
    assert await batch_of(manager, stream, few) is None
    first = await batch_of(manager, stream, few + 1)
    assert first is not None
    assert await batch_of(manager, stream, few + BATCH_RECORDS) == first
    assert await batch_of(manager, stream, few + BATCH_RECORDS + 1) not in (None, first)
    assert await batch_of(manager, stream, few + many) is None


async def test_long_records_fill_several_batches(
    nats_server: NatsServer, make_transport: MakeTransport, manager: JetStreamManager, scope: str
) -> None:
    """None of them is stored alone."""
    transport, stream, count = make_transport(nats_server.url), f"nova-{scope}", 600
    await transport.publish([one._replace(value=bytes(10_000)) for one in numbered(scope, count)])
    found = [await batch_of(manager, stream, number) for number in (1, count // 2, count)]
    assert None not in found
    assert found[0] != found[2]


async def test_streams_that_take_no_batches_or_part_of_a_lane_get_records_alone(
    nats_server: NatsServer,
    make_transport: MakeTransport,
    manager: JetStreamManager,
    jetstream: JetStreamContext,
    client: Client,
    scope: str,
) -> None:
    """Such as those of earlier versions, and those that somebody else has divided."""
    await jetstream.add_stream(name=scope, subjects=[f"nova.{scope}.>"])
    transport = make_transport(nats_server.url)
    await transport.publish(numbered(scope, 50))
    assert await batch_of(manager, scope, 25) is None
    assert (await read_records(transport, scope, 50)).values() == numbers(50)

    other = f"{scope}x"
    for unique in ("one", "two"):
        await create_stream(
            client,
            {
                "name": f"{other}-{unique}",
                "subjects": [entity(other, unique)],
                "allow_atomic": True,
            },
        )
    sent = [Record(entity(other, ("one", "two")[n % 2]), b"%d" % n) for n in range(100)]
    await transport.publish(sent)
    assert sorted((await read_records(transport, other, 100)).values()) == sorted(numbers(100))


async def test_a_batch_that_the_server_refuses_stores_nothing_and_the_next_are_smaller(
    make_transport: MakeTransport,
) -> None:
    """The server does not report its limit. The caller publishes again, as after every error."""
    server = NatsProcess(jetstream="limits { batch { max_msgs: 100 } }")
    server.start()
    try:
        transport = make_transport(server.url)
        refused = 0
        while True:
            try:
                await transport.publish(numbered("s", BATCH_RECORDS))
                break
            except TransportError as error:
                assert "batch" in str(error)
                refused += 1
        assert 0 < refused < 5
        assert (await read_records(transport, "s", BATCH_RECORDS)).values() == numbers(
            BATCH_RECORDS
        )
    finally:
        server.close()
