"""The Kafka transport on a real broker."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions

from nova.sdk import address
from nova.sdk.errors import AddressError, TransportError
from nova.sdk.transport.base import Record, Subscription, connect
from nova.testkit.record_reader import READ_TIMEOUT_S, ReadRecords, read_records, stream_positions
from nova.testkit.test_server import BackendServer
from nova.transport_kafka.transport import KafkaTransport
from tests.transport_kafka.records import entity, numbered, take

pytestmark = pytest.mark.kafka

MIB = 1024 * 1024
MakeTransport = Callable[..., KafkaTransport]


def test_connect_finds_the_plug_in_by_its_scheme() -> None:
    """A-112: the scheme alone decides."""
    transport = connect("kafka://broker.example:9092")
    assert isinstance(transport, KafkaTransport)
    assert transport.link == "kafka://broker.example:9092"


async def test_an_entity_keeps_its_order_over_many_partitions(
    kafka_broker: BackendServer, make_transport: MakeTransport, scope: str
) -> None:
    """A-107: partition order is entity order."""
    names = [entity(scope, n % 17) for n in range(3_000)]
    sent = [Record(name, b"%d" % n) for n, name in enumerate(names)]
    transport = make_transport(f"{kafka_broker.url}?partitions=5")
    await asyncio.gather(*(transport.publish(sent[n : n + 100]) for n in range(0, 3_000, 100)))
    reading = await read_records(transport, scope, len(sent))
    for name in set(names):
        got = [record.value for record in reading.records if record.address == name]
        assert got == [record.value for record in sent if record.address == name]
    assert len(stream_positions(reading.positions)) == 5
    assert len({record.position for record in reading.records}) == len(sent)


async def test_positions_resume_exactly(
    kafka_broker: BackendServer, make_transport: MakeTransport, scope: str
) -> None:
    """AMB-18: whatever batch was the last one stored, nothing is missed and nothing comes twice."""
    sent = [Record(entity(scope, n % 7), os.urandom(300) + b"%d" % n) for n in range(20_000)]
    transport = make_transport(f"{kafka_broker.url}?partitions=3")
    await transport.publish(sent)
    whole = ReadRecords()
    chooser = random.Random(2)
    while len(whole.records) < len(sent):
        wanted = chooser.randint(1, len(sent) - len(whole.records))
        part = await read_records(transport, scope, wanted, whole.positions)
        for batch in part.batches:
            whole.add(batch)
    assert sorted(whole.values()) == sorted(record.value for record in sent)
    assert sum(stream_positions(whole.positions).values()) == len(sent)
    assert not whole.gaps()


async def test_positions_name_the_next_record_of_each_partition_in_the_batch(
    kafka_broker: BackendServer, make_transport: MakeTransport, scope: str
) -> None:
    """AMB-18: a batch moves the positions of its own partitions only."""
    transport = make_transport(f"{kafka_broker.url}?partitions=3")
    await transport.publish([Record(entity(scope, n), b"x") for n in range(100)])
    reading = await read_records(transport, scope, 100)
    for batch in reading.batches:
        ends: dict[str, int] = {}
        for record in batch.records:
            stream, offset = record.position.split("@")
            ends[stream] = int(offset) + 1
        assert stream_positions(batch.positions) == ends


async def test_a_partition_added_while_consuming_is_found(
    kafka_broker: BackendServer, make_transport: MakeTransport, admin: AdminClient, scope: str
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
    assert {f"{topic}/{n}" for n in range(4)} == stream_positions(reading.positions).keys()


async def test_records_of_every_size_arrive(
    kafka_broker: BackendServer, make_transport: MakeTransport, scope: str
) -> None:
    """What is too large for an envelope has to reach the reject log."""
    sent = [os.urandom(size) for size in (0, 1, MIB, MIB + 1, 5 * MIB)]
    transport = make_transport(kafka_broker.url)
    await transport.publish([Record(entity(scope, "u"), value) for value in sent])
    assert (await read_records(transport, scope, len(sent))).values() == sent


async def test_garbage_keys_become_addresses_that_ingest_refuses(
    kafka_broker: BackendServer,
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
    records = (await read_records(transport, scope, 1 + len(keys))).records[1:]
    assert [record.value for record in records] == [key[:9] for key in keys]
    for record in records:
        with pytest.raises(AddressError):
            address.parse(record.address or "")


async def test_a_tombstone_is_an_empty_record(
    kafka_broker: BackendServer,
    make_transport: MakeTransport,
    foreign_producer: Producer,
    scope: str,
) -> None:
    """A record without a value is given to ingest like any other that is no envelope."""
    transport = make_transport(kafka_broker.url)
    await transport.publish(numbered(scope, 1))
    foreign_producer.produce(f"nova.{scope}.parsed.v1", None, "bus.eps.one")
    foreign_producer.flush()
    record = (await read_records(transport, scope, 2)).records[1]
    assert record == (entity(scope, "one"), b"", f"nova.{scope}.parsed.v1/0@1")


async def test_the_state_tells_how_far_the_partitions_go(
    kafka_broker: BackendServer, make_transport: MakeTransport, scope: str
) -> None:
    """A consumer that takes nothing knows how much waits for it: its lag per partition."""
    await make_transport(f"{kafka_broker.url}?partitions=2").publish(
        [Record(entity(scope, n), b"x") for n in range(500)]
    )
    transport = make_transport(kafka_broker.url)
    assert not transport.state().connected
    batches = transport.consume(Subscription(scope), {})
    await take(batches, 1)
    async with asyncio.timeout(READ_TIMEOUT_S):
        while sum(transport.state().ends.values()) < 500:
            await asyncio.sleep(0.05)
    assert transport.state().ends.keys() == {f"nova.{scope}.parsed.v1/{n}" for n in range(2)}
    assert transport.state().connected
    assert transport.state().outages == 0


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
