"""Positions that a real broker no longer has are reported as gaps, whatever removed the
records.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from nova.sdk.transport.base import Batch, Gap, Record, Subscription
from nova.testkit.record_reader import READ_TIMEOUT_S, ReadRecords, read_records, stream_positions
from nova.testkit.test_server import BackendServer
from nova.transport_kafka.transport import KafkaTransport
from tests.transport_kafka.records import entity, numbered, take

pytestmark = pytest.mark.kafka

MIB = 1024 * 1024
MakeTransport = Callable[..., KafkaTransport]


async def test_a_position_beyond_the_end_is_told_and_everything_is_read_again(
    kafka_broker: BackendServer, make_transport: MakeTransport, scope: str
) -> None:
    """A broker that lost its tail may hold new records below it: dedupe sorts them out."""
    topic = f"nova.{scope}.parsed.v1"
    transport = make_transport(kafka_broker.url)
    await transport.publish(numbered(scope, 3))
    reading = await read_records(transport, scope, 3, {f"{topic}/0": 70})
    assert reading.batches[0].records == []
    assert stream_positions(reading.batches[0].positions) == {f"{topic}/0": 0}
    assert reading.values() == [b"0", b"1", b"2"]
    assert reading.gaps() == [Gap(topic, 0, 70, 0, "truncated", scope)]


async def test_a_position_that_retention_has_passed_is_told_and_moved_at_once(
    kafka_broker: BackendServer, make_transport: MakeTransport, admin: AdminClient, scope: str
) -> None:
    """Records that went before they were read are a gap, and what is left is read."""
    topic = f"nova.{scope}.parsed.v1"
    transport = make_transport(kafka_broker.url)
    await transport.publish(numbered(scope, 10))
    delete_before(admin, topic, 6)
    reading = await read_records(transport, scope, 4, {f"{topic}/0": 2})
    assert reading.batches[0].records == []
    assert stream_positions(reading.batches[0].positions) == {f"{topic}/0": 6}
    assert reading.values() == [b"6", b"7", b"8", b"9"]
    assert reading.gaps() == [Gap(topic, 0, 2, 6, "retention", scope)]


async def test_retention_that_overtakes_a_slow_reader_is_a_gap(
    kafka_broker: BackendServer, make_transport: MakeTransport, admin: AdminClient, scope: str
) -> None:
    """Every offset was read or is part of a reported gap; back-pressure is what makes it slow."""
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
    gone = [n for gap in rest.gaps() for n in range(gap.from_position, gap.to_position)]
    assert gone
    assert sorted(read_offsets + gone) == list(range(count))


async def take_until(batches: AsyncIterator[Batch], stream: str, position: int) -> ReadRecords:
    reading = ReadRecords()
    async with asyncio.timeout(READ_TIMEOUT_S):
        while reading.positions.get(stream, 0) < position:
            reading.add(await anext(batches))
    return reading


def delete_before(admin: AdminClient, topic: str, offset: int) -> None:
    for done in admin.delete_records([TopicPartition(topic, 0, offset)]).values():
        done.result()


async def test_a_topic_that_was_made_anew_is_told_and_read_from_its_beginning(
    kafka_broker: BackendServer, make_transport: MakeTransport, admin: AdminClient, scope: str
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
    assert again.gaps() == [Gap(topic, 0, 5, 0, "recreated", scope)]


async def test_a_topic_made_anew_that_has_outgrown_the_old_one_is_told(
    kafka_broker: BackendServer, make_transport: MakeTransport, admin: AdminClient, scope: str
) -> None:
    """Its offsets fit and mean other records, so only the topic's id shows it."""
    topic = f"nova.{scope}.parsed.v1"
    await make_transport(kafka_broker.url).publish(numbered(scope, 5))
    before = await read_records(make_transport(kafka_broker.url), scope, 5)
    admin.delete_topics([topic])[topic].result()
    publisher = make_transport(kafka_broker.url)
    async with asyncio.timeout(READ_TIMEOUT_S):
        while topic in admin.list_topics().topics:
            await asyncio.sleep(0.05)
    await publisher.publish(numbered(scope, 9, first=100))
    after = await read_records(make_transport(kafka_broker.url), scope, 9, before.positions)
    assert after.values() == [b"%d" % n for n in range(100, 109)]
    assert after.gaps() == [Gap(topic, 0, 5, 0, "recreated", scope)]
    resumed = await read_records(make_transport(kafka_broker.url), scope, 0, after.positions)
    assert not resumed.gaps()
