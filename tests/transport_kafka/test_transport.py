"""The Kafka transport on a real broker."""

from __future__ import annotations

import asyncio
import os
import random
import threading
from collections.abc import AsyncIterator, Callable

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions

from sdk import address
from sdk.errors import AddressError, TransportError
from sdk.testing.broker import KafkaBroker
from sdk.testing.reading import READ_TIMEOUT_S, Reading, read
from sdk.transport.base import Batch, Record, Subscription, connect
from transport_kafka.assignment import Gap
from transport_kafka.transport import KafkaTransport

pytestmark = pytest.mark.kafka

MIB = 1024 * 1024
MakeTransport = Callable[..., KafkaTransport]


def entity(scope: str, unique: object, lane: str = "parsed") -> str:
    return str(address.entity(scope, lane, "bus", "eps", str(unique)))


def numbered(scope: str, count: int, first: int = 0) -> list[Record]:
    return [Record(entity(scope, "one"), b"%d" % (first + n)) for n in range(count)]


async def take(batches: AsyncIterator[Batch], count: int) -> Reading:
    """Go on with a consumption that stays open."""
    reading = Reading()
    async with asyncio.timeout(READ_TIMEOUT_S):
        while len(reading.records) < count:
            reading.add(await anext(batches))
    return reading


def test_connect_finds_the_plug_in_by_its_scheme() -> None:
    """A-112: the scheme alone decides."""
    transport = connect("kafka://broker.example:9092")
    assert isinstance(transport, KafkaTransport)
    assert transport.link == "kafka://broker.example:9092"


async def test_every_address_shape_arrives_as_it_was_sent(
    kafka_broker: KafkaBroker, make_transport: MakeTransport, scope: str
) -> None:
    """A-105, A-107, A-186, A-187: topic and key hold all of the address."""
    sent = [
        *(Record(entity(scope, "u", lane), lane.encode()) for lane in address.LANES),
        Record(f"nova.{scope}.metadata.__scope__.__scope__.__scope__.v1", b"global"),
        Record(f"nova.{scope}.command.request-1.v1", b"dispatch"),
        Record(f"nova.{scope}.command.command-1:CommandResult.v1", b"feedback"),
        Record(f"nova.{scope}.raw.v1", b"lane only"),
    ]
    transport = make_transport(kafka_broker.url)
    await transport.publish(sent)
    reading = await read(transport, scope, len(sent))
    got = {(record.address, record.value) for record in reading.records}
    assert got == {(record.address, record.value) for record in sent}


async def test_an_entity_keeps_its_order_over_many_partitions(
    kafka_broker: KafkaBroker, make_transport: MakeTransport, scope: str
) -> None:
    """A-107: partition order is entity order."""
    names = [entity(scope, n % 17) for n in range(3_000)]
    sent = [Record(name, b"%d" % n) for n, name in enumerate(names)]
    transport = make_transport(f"{kafka_broker.url}?partitions=5")
    await asyncio.gather(*(transport.publish(sent[n : n + 100]) for n in range(0, 3_000, 100)))
    reading = await read(transport, scope, len(sent))
    for name in set(names):
        got = [record.value for record in reading.records if record.address == name]
        assert got == [record.value for record in sent if record.address == name]
    assert len(reading.positions) == 5
    assert len({record.position for record in reading.records}) == len(sent)


async def test_positions_resume_exactly(
    kafka_broker: KafkaBroker, make_transport: MakeTransport, scope: str
) -> None:
    """AMB-18: whatever batch was the last one stored, nothing is missed and nothing comes twice."""
    sent = [Record(entity(scope, n % 7), os.urandom(300) + b"%d" % n) for n in range(20_000)]
    transport = make_transport(f"{kafka_broker.url}?partitions=3")
    await transport.publish(sent)
    whole = Reading()
    chooser = random.Random(2)
    while len(whole.records) < len(sent):
        wanted = chooser.randint(1, len(sent) - len(whole.records))
        part = await read(transport, scope, wanted, whole.positions)
        for batch in part.batches:
            whole.add(batch)
    assert sorted(whole.values()) == sorted(record.value for record in sent)
    assert sum(whole.positions.values()) == len(sent)
    assert not transport.gaps


async def test_positions_name_the_next_record_of_each_partition_in_the_batch(
    kafka_broker: KafkaBroker, make_transport: MakeTransport, scope: str
) -> None:
    """AMB-18: a batch moves the positions of its own partitions only."""
    transport = make_transport(f"{kafka_broker.url}?partitions=3")
    await transport.publish([Record(entity(scope, n), b"x") for n in range(100)])
    reading = await read(transport, scope, 100)
    for batch in reading.batches:
        ends: dict[str, int] = {}
        for record in batch.records:
            stream, offset = record.position.split("@")
            ends[stream] = int(offset) + 1
        assert batch.positions == ends


async def test_a_topic_made_while_consuming_is_found(
    kafka_broker: KafkaBroker, make_transport: MakeTransport, scope: str
) -> None:
    """A-108: new lanes of the scope are read without a restart."""
    transport = make_transport(kafka_broker.url)
    batches = transport.consume(Subscription(scope), {})
    for lane in ("raw", "ui"):
        name = entity(scope, "u", lane)
        await transport.publish([Record(name, lane.encode())])
        assert [r.address for r in (await take(batches, 1)).records] == [name]


async def test_a_partition_added_while_consuming_is_found(
    kafka_broker: KafkaBroker, make_transport: MakeTransport, admin: AdminClient, scope: str
) -> None:
    """A-108: a topic that grows is read whole."""
    transport = make_transport(kafka_broker.url)
    batches = transport.consume(Subscription(scope), {})
    await transport.publish(numbered(scope, 1))
    await take(batches, 1)
    topic = f"nova.{scope}.parsed.v1"
    admin.create_partitions([NewPartitions(topic, 4)])[topic].result()
    grown = make_transport(kafka_broker.url)
    await grown.publish([Record(entity(scope, n), b"x") for n in range(50)])
    reading = await take(batches, 50)
    assert {f"{topic}/{n}" for n in range(4)} == reading.positions.keys()


async def test_one_scope_gets_its_own_and_all_scopes_get_everything(
    kafka_broker: KafkaBroker, make_transport: MakeTransport, scope: str
) -> None:
    """A-108, AMB-17: a payload reads its scope, the ground every scope."""
    other = f"{scope}x"
    transport = make_transport(kafka_broker.url)
    await transport.publish([Record(entity(name, "u"), name.encode()) for name in (scope, other)])
    assert (await read(transport, scope, 1)).values() == [scope.encode()]
    wanted = {scope.encode(), other.encode()}
    everything = transport.consume(Subscription(None), {})
    while wanted:
        wanted -= set((await take(everything, 1)).values())


async def test_records_of_every_size_arrive(
    kafka_broker: KafkaBroker, make_transport: MakeTransport, scope: str
) -> None:
    """What is too large for an envelope has to reach the reject log."""
    sent = [os.urandom(size) for size in (0, 1, MIB, MIB + 1, 5 * MIB)]
    transport = make_transport(kafka_broker.url)
    await transport.publish([Record(entity(scope, "u"), value) for value in sent])
    assert (await read(transport, scope, len(sent))).values() == sent


async def test_garbage_keys_become_addresses_that_ingest_refuses(
    kafka_broker: KafkaBroker,
    make_transport: MakeTransport,
    foreign_producer: Producer,
    scope: str,
) -> None:
    """Nothing crashes and nothing is lost: the records arrive, their addresses are none."""
    keys = (b"\xff\xfe", b"a.b", b"a.b.c.d", b"a..c", b"x" * 100_000, b"\x00.b.c", b"a.b.c/", b".")
    transport = make_transport(kafka_broker.url)
    await transport.publish(numbered(scope, 1))
    for key in keys:
        foreign_producer.produce(f"nova.{scope}.parsed.v1", key[:9], key)
    foreign_producer.flush()
    records = (await read(transport, scope, 1 + len(keys))).records[1:]
    assert [record.value for record in records] == [key[:9] for key in keys]
    for record in records:
        with pytest.raises(AddressError):
            address.parse(record.address or "")


async def test_a_tombstone_is_an_empty_record(
    kafka_broker: KafkaBroker,
    make_transport: MakeTransport,
    foreign_producer: Producer,
    scope: str,
) -> None:
    """A record without a value is told to ingest like any other that is no envelope."""
    transport = make_transport(kafka_broker.url)
    await transport.publish(numbered(scope, 1))
    foreign_producer.produce(f"nova.{scope}.parsed.v1", None, "bus.eps.one")
    foreign_producer.flush()
    record = (await read(transport, scope, 2)).records[1]
    assert record == (entity(scope, "one"), b"", f"nova.{scope}.parsed.v1/0@1")


async def test_a_position_beyond_the_end_is_told_and_everything_is_read_again(
    kafka_broker: KafkaBroker, make_transport: MakeTransport, scope: str
) -> None:
    """A broker that lost its tail may hold new records below it: dedupe sorts them out."""
    topic = f"nova.{scope}.parsed.v1"
    transport = make_transport(kafka_broker.url)
    await transport.publish(numbered(scope, 3))
    reading = await read(transport, scope, 3, {f"{topic}/0": 70})
    assert reading.batches[0] == Batch([], {f"{topic}/0": 0})
    assert reading.values() == [b"0", b"1", b"2"]
    assert list(transport.gaps) == [Gap(topic, 0, 70, 0)]


async def test_a_position_that_retention_has_passed_is_told_and_moved_at_once(
    kafka_broker: KafkaBroker, make_transport: MakeTransport, admin: AdminClient, scope: str
) -> None:
    """Records that went before they were read are a gap, and what is left is read."""
    topic = f"nova.{scope}.parsed.v1"
    transport = make_transport(kafka_broker.url)
    await transport.publish(numbered(scope, 10))
    delete_before(admin, topic, 6)
    reading = await read(transport, scope, 4, {f"{topic}/0": 2})
    assert reading.batches[0] == Batch([], {f"{topic}/0": 6})
    assert reading.values() == [b"6", b"7", b"8", b"9"]
    assert list(transport.gaps) == [Gap(topic, 0, 2, 6)]


async def test_retention_that_overtakes_a_slow_reader_is_a_gap(
    kafka_broker: KafkaBroker, make_transport: MakeTransport, admin: AdminClient, scope: str
) -> None:
    """Every offset was read or is part of a told gap; back-pressure is what makes it slow."""
    topic, count = f"nova.{scope}.parsed.v1", 100
    transport = make_transport(kafka_broker.url)
    batches = transport.consume(Subscription(scope), {})
    value = os.urandom(MIB)
    for _ in range(count):
        await transport.publish([Record(entity(scope, "one"), value)])
    first = await take(batches, 1)
    delete_before(admin, topic, count - 2)
    rest = await take_until(batches, f"{topic}/0", count)
    read_offsets = [int(r.position.split("@")[1]) for r in first.records + rest.records]
    gone = [n for gap in transport.gaps for n in range(gap.from_offset, gap.to_offset)]
    assert gone
    assert sorted(read_offsets + gone) == list(range(count))


async def take_until(batches: AsyncIterator[Batch], stream: str, position: int) -> Reading:
    reading = Reading()
    async with asyncio.timeout(READ_TIMEOUT_S):
        while reading.positions.get(stream, 0) < position:
            reading.add(await anext(batches))
    return reading


def delete_before(admin: AdminClient, topic: str, offset: int) -> None:
    for done in admin.delete_records([TopicPartition(topic, 0, offset)]).values():
        done.result()


async def test_a_topic_that_was_made_anew_is_told_and_read_from_its_beginning(
    kafka_broker: KafkaBroker, make_transport: MakeTransport, admin: AdminClient, scope: str
) -> None:
    """A topic of the same name is another one, and its offsets mean something else."""
    topic = f"nova.{scope}.parsed.v1"
    batches = make_transport(kafka_broker.url).consume(Subscription(scope), {})
    await make_transport(kafka_broker.url).publish(numbered(scope, 5))
    await take(batches, 5)
    admin.delete_topics([topic])[topic].result()
    publisher = make_transport(kafka_broker.url)
    await publisher.publish([Record(f"nova.{scope}.raw.v1", b"so that it is seen to be gone")])
    await take(batches, 1)
    await publisher.publish(numbered(scope, 2, first=5))
    again = await take(batches, 2)
    assert again.values() == [b"5", b"6"]
    assert again.batches[0] == Batch([], {f"{topic}/0": 0})


async def test_a_broker_that_is_down_at_the_start_is_waited_for(
    own_kafka_broker: KafkaBroker,
    make_transport: MakeTransport,
    scope: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Fault 12: consuming begins when the broker comes up."""
    transport = make_transport(own_kafka_broker.url)
    await transport.publish(numbered(scope, 3))
    own_kafka_broker.stop()
    waiting = asyncio.create_task(read(make_transport(own_kafka_broker.url), scope, 3))
    async with asyncio.timeout(READ_TIMEOUT_S):
        while "kafka unreachable" not in caplog.text:
            await asyncio.sleep(0.05)
    own_kafka_broker.start()
    assert (await waiting).values() == [b"0", b"1", b"2"]


async def test_a_broker_killed_in_flight_is_resumed_exactly(
    own_kafka_broker: KafkaBroker, make_transport: MakeTransport, scope: str
) -> None:
    """Fault 12: nothing is missed and nothing comes twice over the broker's restart."""
    transport = make_transport(own_kafka_broker.url)
    batches = transport.consume(Subscription(scope), {})
    await transport.publish(numbered(scope, 50))
    before = await take(batches, 50)
    own_kafka_broker.kill()
    own_kafka_broker.start()
    await transport.publish(numbered(scope, 50, first=50))
    after = await take(batches, 50)
    assert before.values() + after.values() == [b"%d" % n for n in range(100)]
    assert not transport.gaps


async def test_closing_leaves_no_thread(
    kafka_broker: KafkaBroker, make_transport: MakeTransport, scope: str
) -> None:
    """Neither ours nor librdkafka's outlive close, in whatever state consumption is."""
    threads, tasks = set(threading.enumerate()), set(os.listdir("/proc/self/task"))
    transport = make_transport(kafka_broker.url)
    await transport.publish(numbered(scope, 10))
    read_to_the_end = transport.consume(Subscription(scope), {})
    await take(read_to_the_end, 10)
    waiting = asyncio.create_task(anext(read_to_the_end, None))
    stuck = transport.consume(Subscription(scope), {})
    await take(stuck, 1)
    await transport.close()
    assert await waiting is None
    assert set(threading.enumerate()) == threads
    assert set(os.listdir("/proc/self/task")) <= tasks


async def test_a_cancelled_consumption_ends_its_thread(
    kafka_broker: KafkaBroker, make_transport: MakeTransport, scope: str
) -> None:
    """Cancelling the reader is enough, nothing else has to be called."""
    threads = set(threading.enumerate())
    transport = make_transport(kafka_broker.url)
    reader = asyncio.create_task(read(transport, scope, 1))
    async with asyncio.timeout(READ_TIMEOUT_S):
        while set(threading.enumerate()) == threads:
            await asyncio.sleep(0)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert set(threading.enumerate()) == threads


async def test_a_closed_transport_refuses_to_work(make_transport: MakeTransport) -> None:
    """Use after close is an error with words, twice closing is none."""
    transport = make_transport("kafka://127.0.0.1:1")
    await transport.close()
    await transport.close()
    with pytest.raises(TransportError, match="closed"):
        await transport.publish(numbered("s", 1))
    with pytest.raises(TransportError, match="closed"):
        await anext(transport.consume(Subscription(None), {}))


async def test_a_configuration_that_librdkafka_refuses_is_told_without_its_values(
    make_transport: MakeTransport,
) -> None:
    """Secrets stay out of errors, whichever operation meets them first."""
    transport = make_transport("kafka://127.0.0.1:1", security_protocol="hunter2")
    with pytest.raises(TransportError, match=r"security\.protocol") as publishing:
        await transport.publish(numbered("s", 1))
    with pytest.raises(TransportError, match=r"security\.protocol") as consuming:
        await anext(transport.consume(Subscription(None), {}))
    assert "hunter2" not in f"{publishing.value} {consuming.value} {transport.link}"
