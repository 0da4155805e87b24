"""Unread records that a server no longer has become a gap, whatever removed them."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator

import nats
import pytest
from nats.js import JetStreamContext, JetStreamManager

from nova.sdk.transport.base import Batch, Gap, Record, Subscription
from nova.testkit.nats_process import NatsProcess
from nova.testkit.nats_server import NatsServer
from nova.testkit.record_reader import READ_TIMEOUT_S, ReadRecords, read_records, stream_positions
from nova.transport_nats.transport import NatsTransport
from tests.transport_nats.consuming import entity, numbered, numbers, take, until

pytestmark = pytest.mark.nats

MakeTransport = Callable[..., NatsTransport]


@pytest.fixture
def process() -> Iterator[NatsProcess]:
    """A server whose files the test may touch."""
    server = NatsProcess()
    try:
        server.start()
        yield server
    finally:
        server.close()


async def test_a_position_that_retention_has_passed_is_told_and_moved_at_once(
    nats_server: NatsServer, make_transport: MakeTransport, manager: JetStreamManager, scope: str
) -> None:
    """Records that went before they were read are a gap, and what is left is read."""
    stream = f"nova-{scope}"
    transport = make_transport(nats_server.url)
    await transport.publish(numbered(scope, 10))
    await manager.purge_stream(stream, seq=7)
    reading = await read_records(transport, scope, 4, {stream: 3})
    first = reading.batches[0]
    assert (list(first.records), stream_positions(first.positions)) == ([], {stream: 7})
    assert first.gaps == [Gap(stream, None, 3, 7, "retention", scope)]
    assert reading.values() == numbers(4, first=6)
    assert reading.gaps() == list(first.gaps)


async def test_a_stream_that_was_purged_whole_is_told_without_a_new_record(
    nats_server: NatsServer, make_transport: MakeTransport, manager: JetStreamManager, scope: str
) -> None:
    """Nothing has to arrive for a gap to be noticed."""
    stream = f"nova-{scope}"
    transport = make_transport(nats_server.url)
    await transport.publish(numbered(scope, 10))
    await manager.purge_stream(stream)
    (gap,) = (await take(transport.consume(Subscription(scope), {stream: 4}), 0, gaps=1)).gaps()
    assert gap == Gap(stream, None, 4, 11, "retention", scope)


async def test_records_removed_within_a_stream_are_a_gap_between_those_that_are_left(
    nats_server: NatsServer, make_transport: MakeTransport, manager: JetStreamManager, scope: str
) -> None:
    """The consumer's own count does not jump: the stream has nothing there any more."""
    stream = f"nova-{scope}"
    transport = make_transport(nats_server.url)
    await transport.publish(numbered(scope, 6))
    for sequence in (3, 4):
        await manager.delete_msg(stream, sequence)
    reading = await read_records(transport, scope, 4)
    assert reading.values() == [b"0", b"1", b"4", b"5"]
    assert reading.gaps() == [Gap(stream, None, 3, 5, "retention", scope)]
    place = next(n for n, batch in enumerate(reading.batches) if batch.gaps)
    assert [r.value for batch in reading.batches[:place] for r in batch.records] == [b"0", b"1"]


async def test_a_position_beyond_the_end_is_told_and_everything_is_read_again(
    nats_server: NatsServer, make_transport: MakeTransport, scope: str
) -> None:
    """Fault 13: a server that lost its tail may hold new records below: dedupe sorts them out."""
    stream = f"nova-{scope}"
    transport = make_transport(nats_server.url)
    await transport.publish(numbered(scope, 3))
    reading = await read_records(transport, scope, 3, {stream: 70})
    assert reading.batches[0].gaps == [Gap(stream, None, 70, 1, "truncated", scope)]
    assert stream_positions(reading.batches[0].positions) == {stream: 1}
    assert reading.values() == numbers(3)


@pytest.mark.parametrize("is_reading", [True, False])
async def test_a_tail_that_was_lost_and_grown_over_is_told(
    process: NatsProcess, make_transport: MakeTransport, is_reading: bool
) -> None:
    """Fault 13: the sequence is there again, but another record has it."""
    transport = make_transport(process.url)
    await transport.publish(numbered("s", 10))
    process.stop()
    await until(lambda: not transport.state().connected)
    shutil.copytree(process.data, process.data.with_name("older"))
    process.start()
    await transport.publish(numbered("s", 10, first=10))
    batches = transport.consume(Subscription("s"), {})
    before = await take(batches, 20)
    if not is_reading:
        await transport.close()
    process.kill()
    shutil.rmtree(process.data)
    process.data.with_name("older").rename(process.data)
    process.start()
    if not is_reading:
        transport = make_transport(process.url)
        await transport.publish(numbered("s", 30, first=100))
        batches = transport.consume(Subscription("s"), before.positions)
    after = await take(batches, 10 if is_reading else 40, gaps=1)
    assert after.batches[0].gaps == [Gap("nova-s", None, 21, 1, "truncated", "s")]
    assert after.values()[:10] == numbers(10)
    assert after.values()[10:] == numbers(len(after.records) - 10, first=100)


async def test_retention_that_overtakes_a_slow_reader_is_a_gap(
    nats_server: NatsServer, make_transport: MakeTransport, manager: JetStreamManager, scope: str
) -> None:
    """Every record was read or is part of a reported gap; back-pressure is what makes it slow."""
    stream, count = f"nova-{scope}", 60
    transport = make_transport(nats_server.url)
    value = os.urandom(1_000_000)
    await transport.publish([Record(entity(scope, "one"), value) for _ in range(count)])
    batches = transport.consume(Subscription(scope), {})
    first = await take(batches, 1)
    await manager.purge_stream(stream, seq=count - 1)
    rest = await take_until(batches, stream, count + 1)
    read_ones = [int(r.position.split("@")[1]) for r in first.records + rest.records]
    gaps = first.gaps() + rest.gaps()
    gone = [n for gap in gaps for n in range(gap.from_position, gap.to_position)]
    assert gone
    assert sorted(read_ones + gone) == list(range(1, count + 1))


async def take_until(batches: AsyncIterator[Batch], stream: str, position: int) -> ReadRecords:
    """Go on with a consumption until a position is reached."""
    reading = ReadRecords()
    async with asyncio.timeout(READ_TIMEOUT_S):
        while reading.positions.get(stream, 0) < position:
            reading.add(await anext(batches))
    return reading


async def test_a_stream_that_was_made_anew_is_told_and_read_from_its_beginning(
    nats_server: NatsServer, make_transport: MakeTransport, manager: JetStreamManager, scope: str
) -> None:
    """A stream of the same name is another one, even where it has more records than the old."""
    stream = f"nova-{scope}"
    transport = make_transport(nats_server.url)
    batches = transport.consume(Subscription(scope), {})
    await transport.publish(numbered(scope, 5))
    before = await take(batches, 5)
    await manager.delete_stream(stream)
    await make_transport(nats_server.url).publish(numbered(scope, 9, first=5))
    for again in (
        await take(batches, 9, gaps=1),
        await read_records(make_transport(nats_server.url), scope, 9, before.positions),
    ):
        assert again.batches[0].gaps == [Gap(stream, None, 6, 1, "recreated", scope)]
        assert again.values() == numbers(9, first=5)
        assert again.gaps() == list(again.batches[0].gaps)


async def test_others_records_that_retention_removed_are_no_gap(
    own_nats_server: NatsServer, make_transport: MakeTransport
) -> None:
    """Of a stream of all scopes only what is wanted counts; its place moves with the others'."""
    async with await nats.connect(own_nats_server.url) as client:
        await client.jetstream().add_stream(name="everything", subjects=["nova.>"])
        transport = make_transport(own_nats_server.url)
        await transport.publish(numbered("mine", 2) + numbered("other", 100))
        batches = transport.consume(Subscription("mine"), {})
        reading = await take(batches, 2)
        async with asyncio.timeout(30):
            moved = await anext(batches)
        assert (list(moved.records), stream_positions(moved.positions)) == ([], {"everything": 103})
        await client.jsm().purge_stream("everything")
        await transport.publish(numbered("mine", 2, first=2))
        assert (await take(batches, 2)).values() == numbers(2, first=2)
        again = await read_records(transport, "mine", 2, reading.positions | moved.positions)
        assert again.values() == numbers(2, first=2)
        assert not again.gaps()


async def test_wanted_records_that_retention_removed_of_a_shared_stream_are_a_gap(
    own_nats_server: NatsServer, make_transport: MakeTransport
) -> None:
    """With a filter nobody can say whose they were: a gap that may be is reported as one."""
    async with await nats.connect(own_nats_server.url) as client:
        await client.jetstream().add_stream(name="everything", subjects=["nova.>"])
        transport = make_transport(own_nats_server.url)
        await transport.publish(numbered("mine", 10))
        await client.jsm().purge_stream("everything", seq=6)
        reading = await read_records(transport, "mine", 5, {"everything": 3})
    assert reading.gaps() == [Gap("everything", None, 3, 6, "retention", None)]
    assert reading.values() == numbers(5, first=5)


async def test_a_consumer_that_somebody_removes_is_replaced(
    nats_server: NatsServer, make_transport: MakeTransport, manager: JetStreamManager, scope: str
) -> None:
    """Behind the last record that was read, without a gap and without a repeat."""
    stream = f"nova-{scope}"
    transport = make_transport(nats_server.url)
    batches = transport.consume(Subscription(scope), {})
    await transport.publish(numbered(scope, 3))
    await take(batches, 3)
    (consumer,) = await manager.consumers_info(stream)
    await manager.delete_consumer(stream, consumer.name)
    await transport.publish(numbered(scope, 3, first=3))
    assert (await take(batches, 3)).values() == numbers(3, first=3)


async def test_a_consumer_that_stalls_is_replaced(
    own_nats_server: NatsServer, make_transport: MakeTransport, caplog: pytest.LogCaptureFixture
) -> None:
    """nats-server#4736, #5839: it lives, sends heartbeats and no records; here it is paused."""
    transport = make_transport(own_nats_server.url)
    batches = transport.consume(Subscription("s"), {})
    await transport.publish(numbered("s", 3))
    await take(batches, 3)
    async with await nats.connect(own_nats_server.url) as client:
        (consumer,) = await client.jsm().consumers_info("nova-s")
        await client.jsm().pause_consumer("nova-s", consumer.name, "2999-01-01T00:00:00Z")
    await transport.publish(numbered("s", 3, first=3))
    assert (await take(batches, 3)).values() == numbers(3, first=3)
    assert "owes 3 records" in caplog.text


async def test_a_stream_that_reading_would_empty_is_left_alone_and_told(
    nats_server: NatsServer,
    make_transport: MakeTransport,
    jetstream: JetStreamContext,
    manager: JetStreamManager,
    scope: str,
) -> None:
    """A work queue hands each record to one reader only."""
    await jetstream.add_stream(
        name=f"queue-{scope}", subjects=[f"nova.{scope}.>"], retention="workqueue"
    )
    transport = make_transport(nats_server.url)
    batches = transport.consume(Subscription(scope), {})
    reading = asyncio.ensure_future(anext(batches))
    await until(lambda: f"queue-{scope} is not read" in "".join(transport.state().warnings))
    reading.cancel()
    assert (await manager.stream_info(f"queue-{scope}")).state.consumer_count == 0
