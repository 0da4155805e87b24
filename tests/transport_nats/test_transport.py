"""The NATS transport on a real server."""

from __future__ import annotations

import asyncio
import gc
import os
import random
from collections.abc import AsyncGenerator, Callable

import nats
import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext, JetStreamManager

from nova.sdk import address
from nova.sdk.errors import AddressError, TransportError
from nova.sdk.transport.base import Record, Subscription, connect
from nova.testkit.nats_server import NatsServer
from nova.testkit.record_reader import ReadRecords, read_records, stream_positions
from nova.transport_nats import cancellation
from nova.transport_nats.consumer import BATCH_MAX_BYTES, BATCH_MAX_RECORDS
from nova.transport_nats.transport import NatsTransport
from tests.transport_nats.consuming import entity, numbered, numbers, take

pytestmark = pytest.mark.nats

MIB = 1024 * 1024
MakeTransport = Callable[..., NatsTransport]


def test_connect_finds_the_plug_in_by_its_scheme() -> None:
    """A-112: the scheme alone decides."""
    transport = connect("nats://server.example")
    assert isinstance(transport, NatsTransport)
    assert transport.link == "nats://server.example:4222"
    assert not transport.state().connected


async def test_every_address_shape_arrives_as_it_was_sent(
    nats_server: NatsServer, make_transport: MakeTransport, scope: str
) -> None:
    """A-105, A-186, A-187: the subject is the address, `:` included."""
    sent = [
        *(Record(entity(scope, "u", lane), lane.encode()) for lane in address.LANES),
        Record(f"nova.{scope}.metadata.__scope__.__scope__.__scope__.v1", b"global"),
        Record(f"nova.{scope}.command.request-1.v1", b"dispatch"),
        Record(f"nova.{scope}.command.command-1:CommandResult.v1", b"feedback"),
        Record(f"nova.{scope}.raw.v1", b"lane only"),
    ]
    transport = make_transport(nats_server.url)
    await transport.publish(sent)
    reading = await read_records(transport, scope, len(sent))
    assert [(r.address, r.value) for r in reading.records] == [(r.address, r.value) for r in sent]
    assert [r.position for r in reading.records] == [
        f"nova-{scope}@{n + 1}" for n in range(len(sent))
    ]


async def test_positions_resume_exactly(
    nats_server: NatsServer, make_transport: MakeTransport, scope: str
) -> None:
    """AMB-18: whatever batch was the last one stored, nothing is missed and nothing comes twice."""
    sent = [Record(entity(scope, n % 7), os.urandom(300) + b"%d" % n) for n in range(20_000)]
    transport = make_transport(nats_server.url)
    await asyncio.gather(*(transport.publish(sent[n : n + 500]) for n in range(0, 20_000, 500)))
    whole = ReadRecords()
    chooser = random.Random(2)
    while len(whole.records) < len(sent):
        wanted = chooser.randint(1, len(sent) - len(whole.records))
        for batch in (await read_records(transport, scope, wanted, whole.positions)).batches:
            whole.add(batch)
    assert whole.values() == [record.value for record in sent]
    assert stream_positions(whole.positions) == {f"nova-{scope}": len(sent) + 1}
    assert not whole.gaps()


async def test_batches_are_bounded_and_carry_their_own_positions(
    nats_server: NatsServer, make_transport: MakeTransport, scope: str
) -> None:
    """AMB-18: each resumes behind its own last record; none outgrows a commit."""
    transport = make_transport(nats_server.url)
    many = [Record(entity(scope, n), b"x") for n in range(3 * BATCH_MAX_RECORDS)]
    large = [Record(entity(scope, n), os.urandom(MIB)) for n in range(8)]
    await transport.publish(many + large)
    reading = await read_records(transport, scope, len(many) + len(large))
    for batch in reading.batches:
        assert len(batch.records) <= BATCH_MAX_RECORDS
        assert sum(len(r.value) for r in batch.records[:-1]) < BATCH_MAX_BYTES
        stream, sequence = batch.records[-1].position.split("@")
        assert stream_positions(batch.positions) == {stream: int(sequence) + 1}


async def test_a_stream_made_while_consuming_is_found(
    nats_server: NatsServer, make_transport: MakeTransport, scope: str
) -> None:
    """A-108: new scopes are read without a restart, and the end of each stream is known."""
    transport = make_transport(nats_server.url)
    batches = transport.consume(Subscription(None), {})
    for name in (scope, f"{scope}x"):
        await transport.publish(numbered(name, 3))
        got: list[str | None] = []
        while entity(name, "one") not in got:
            got += [r.address for r in (await take(batches, 1)).records]
        assert transport.state().ends[f"nova-{name}"] == 4


async def test_one_scope_gets_its_own_also_from_a_stream_of_all(
    own_nats_server: NatsServer, make_transport: MakeTransport
) -> None:
    """A-108, AMB-17: an integrator's `nova.>` is used as it is, and filtered by the server."""
    transport = make_transport(own_nats_server.url)
    async with await nats.connect(own_nats_server.url) as client:
        await client.jetstream().add_stream(name="everything", subjects=["nova.>"])
    sent = [Record(entity(f"s{n % 3}", n), b"%d" % n) for n in range(300)]
    await transport.publish(sent)
    batches = transport.consume(Subscription("s1"), {})
    reading = await take(batches, 100)
    assert reading.values() == [b"%d" % n for n in range(1, 300, 3)]
    assert transport.state().ends == {"everything": 300}  # s1's last is the one before
    assert not reading.gaps()
    assert (await read_records(transport, None, 300)).values() == [record.value for record in sent]
    assert (await read_records(transport, "s1", 1, {"everything": 100})).values()[0] == b"100"


async def test_records_of_every_size_arrive(
    nats_server: NatsServer, make_transport: MakeTransport, scope: str
) -> None:
    """What is too large for an envelope has to reach the reject log."""
    sent = [os.urandom(size) for size in (0, 1, MIB, MIB + 1, 8_000_000, 3)]
    transport = make_transport(nats_server.url)
    await transport.publish([Record(entity(scope, "u"), value) for value in sent])
    assert (await read_records(transport, scope, len(sent))).values() == sent


async def test_a_record_larger_than_the_window_of_many_streams_arrives(
    own_nats_server: NatsServer, make_transport: MakeTransport
) -> None:
    """The more streams there are, the less is asked of each; one large record must not stall."""
    transport = make_transport(own_nats_server.url)
    value = os.urandom(8_000_000)
    await transport.publish([Record(entity(f"s{n}", "u"), b"x") for n in range(130)])
    await transport.publish([Record(entity("s7", "u"), value)])
    reading = await read_records(transport, None, 131)
    assert value in reading.values()


async def test_foreign_subjects_become_addresses_that_ingest_refuses(
    nats_server: NatsServer,
    make_transport: MakeTransport,
    jetstream: JetStreamContext,
    scope: str,
) -> None:
    """Nothing crashes and nothing is lost: the records arrive, their addresses are none."""
    transport = make_transport(nats_server.url)
    await transport.publish(numbered(scope, 1))
    for tail in ("x", "raw.a.b.v1", "raw.a.b.c.v2", "parsed.a.b.c.d.e", "raw.ü.b.c.v1"):
        await jetstream.publish(f"nova.{scope}.{tail}", tail.encode(), headers={"Some": "header"})
    records = (await read_records(transport, scope, 6)).records[1:]
    assert [r.address for r in records] == [f"nova.{scope}.{r.value.decode()}" for r in records]
    for record in records:
        with pytest.raises(AddressError):
            address.parse(record.address or "")


async def test_two_consumers_read_the_same(
    nats_server: NatsServer, make_transport: MakeTransport, scope: str
) -> None:
    """Nothing on the server is shared between readers."""
    transport = make_transport(nats_server.url)
    await transport.publish(numbered(scope, 5_000))
    readings = await asyncio.gather(*(read_records(transport, scope, 5_000) for _ in range(2)))
    assert all(reading.values() == numbers(5_000) for reading in readings)


async def test_a_reader_that_stops_for_long_is_sent_no_more_than_its_window(
    nats_server: NatsServer, make_transport: MakeTransport, manager: JetStreamManager, scope: str
) -> None:
    """Back-pressure reaches the server, and nothing is lost when reading continues."""
    transport = make_transport(nats_server.url)
    value = os.urandom(100_000)
    await transport.publish([Record(entity(scope, n), value + b"%d" % n) for n in range(400)])
    batches = transport.consume(Subscription(scope), {})
    first = await take(batches, 1)
    await asyncio.sleep(1)  # Long enough for a server that is not held back to send all.
    (consumer,) = await manager.consumers_info(f"nova-{scope}")
    assert consumer.num_pending is not None and consumer.num_pending > 200
    rest = await take(batches, 400 - len(first.records))
    got = [int(v[len(value) :]) for v in first.values() + rest.values()]
    assert got == list(range(400))


async def test_closing_leaves_nothing(
    own_nats_server: NatsServer, make_transport: MakeTransport
) -> None:
    """Neither tasks nor sockets outlive close, in whatever state consumption is."""
    tasks, files = asyncio.all_tasks(), set(os.listdir("/proc/self/fd"))
    transport = make_transport(own_nats_server.url)
    await transport.publish(numbered("s", 10))
    read_to_the_end = transport.consume(Subscription("s"), {})
    await take(read_to_the_end, 10)
    waiting = asyncio.create_task(anext(read_to_the_end, None))
    stuck = transport.consume(Subscription("s"), {})
    await take(stuck, 1)
    await transport.close()
    assert await waiting is None
    assert asyncio.all_tasks() == tasks
    assert set(os.listdir("/proc/self/fd")) <= files


@pytest.mark.parametrize("is_up", [True, False])
async def test_a_cancelled_consumption_leaves_nothing(
    own_nats_server: NatsServer, make_transport: MakeTransport, is_up: bool
) -> None:
    """Cancelling the reader is enough, nothing else has to be called."""
    if not is_up:
        own_nats_server.stop()
    tasks, files = asyncio.all_tasks(), set(os.listdir("/proc/self/fd"))
    transport = make_transport(own_nats_server.url)
    reader = asyncio.create_task(read_records(transport, "s", 1))
    await asyncio.sleep(0.3)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert asyncio.all_tasks() == tasks
    assert set(os.listdir("/proc/self/fd")) <= files


async def test_an_abandoned_consumption_removes_its_consumer(
    nats_server: NatsServer, make_transport: MakeTransport, manager: JetStreamManager, scope: str
) -> None:
    """The server is left as it was."""
    transport = make_transport(nats_server.url)
    await transport.publish(numbered(scope, 1))
    batches = transport.consume(Subscription(scope), {})
    await take(batches, 1)
    assert len(await manager.consumers_info(f"nova-{scope}")) == 1
    assert isinstance(batches, AsyncGenerator)
    await batches.aclose()
    assert await manager.consumers_info(f"nova-{scope}") == []


async def test_a_closed_transport_refuses_to_work(make_transport: MakeTransport) -> None:
    """Use after close is an error with words, twice closing is none."""
    transport = make_transport("nats://127.0.0.1:1")
    await transport.close()
    await transport.close()
    with pytest.raises(TransportError, match="closed"):
        await transport.publish(numbered("s", 1))
    with pytest.raises(TransportError, match="closed"):
        await anext(transport.consume(Subscription(None), {}))


async def test_closing_waits_for_a_consumption_that_is_being_stopped(
    nats_server: NatsServer,
    make_transport: MakeTransport,
    scope: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who cancels a reader and closes the transport at once leaves nothing behind either."""
    close, closed, delays_s = Client.close, 0, iter((0.6,))

    async def close_slowly(client: Client) -> None:
        nonlocal closed
        await asyncio.sleep(next(delays_s, 0.0))  # The first is the consumption's.
        await close(client)
        closed += 1

    monkeypatch.setattr(Client, "close", close_slowly)
    transport = make_transport(nats_server.url)
    await transport.publish(numbered(scope, 1))
    batches = transport.consume(Subscription(scope), {})
    await take(batches, 1)
    reading = asyncio.ensure_future(anext(batches))
    await asyncio.sleep(0)
    reading.cancel()
    await asyncio.sleep(0.05)
    await transport.close()
    assert closed == 2


async def test_a_busy_machine_leaves_no_socket_open(
    nats_server: NatsServer,
    make_transport: MakeTransport,
    scope: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Cancelling is repeated while it has no effect; closing the connection must not meet that."""
    close = Client.close

    async def close_slowly(client: Client) -> None:
        await asyncio.sleep(3 * cancellation.REPEAT_INTERVAL_S)
        await close(client)

    monkeypatch.setattr(Client, "close", close_slowly)
    transport = make_transport(nats_server.url)
    await transport.publish(numbered(scope, 1))
    await take(transport.consume(Subscription(scope), {}), 1)
    await transport.close()
    gc.collect()  # What was left open is reported here, and is an error.
