"""Publishing to a real broker: acknowledged records are stored, others are reported."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from nova.sdk.errors import TransportError
from nova.sdk.transport.base import Receipt, Record
from nova.testkit.record_reader import read_records
from nova.testkit.test_server import BackendServer
from nova.transport_kafka.config import RECORD_MAX_BYTES
from nova.transport_kafka.transport import KafkaTransport
from tests.transport_kafka.records import numbered

pytestmark = pytest.mark.kafka

MakeTransport = Callable[..., KafkaTransport]


async def test_nothing_is_published_without_a_broker(make_transport: MakeTransport) -> None:
    """An empty publish is done at once, it needs nobody."""
    assert await make_transport("kafka://127.0.0.1:1").publish([]) == Receipt()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [(None, "record 1 .* no address"), ("nova.s.lane.v1", "record 1 .* lane 'lane'")],
)
async def test_a_record_without_an_address_is_named_and_nothing_is_sent(
    make_transport: MakeTransport, wrong: str | None, told: str
) -> None:
    """One clear error before anything leaves: no broker is asked for this one."""
    transport = make_transport("kafka://127.0.0.1:1")
    with pytest.raises(TransportError, match=told):
        await transport.publish([*numbered("s", 1), Record(wrong, b"")])


async def test_a_record_that_is_too_large_is_named(
    kafka_broker: BackendServer, make_transport: MakeTransport, scope: str
) -> None:
    """The limit is ours and named with the size; what comes after is not harmed."""
    transport = make_transport(kafka_broker.url)
    size_bytes = RECORD_MAX_BYTES + 1
    large = Record(f"nova.{scope}.parsed.bus.eps.one.v1", bytes(size_bytes))
    with pytest.raises(TransportError, match=f"record 0 of {size_bytes} bytes .* MSG_SIZE"):
        await transport.publish([large])
    await transport.publish(numbered(scope, 1))
    assert (await read_records(transport, scope, 1)).values() == [b"0"]


async def test_a_full_queue_slows_publishing_down_and_loses_nothing(
    kafka_broker: BackendServer, make_transport: MakeTransport, scope: str
) -> None:
    """Back-pressure: more records than the producer's queue holds, in order all the same."""
    transport = make_transport(kafka_broker.url, queue_buffering_max_messages="50")
    sent = numbered(scope, 2_000)
    await asyncio.gather(*(transport.publish(sent[n : n + 500]) for n in range(0, 2_000, 500)))
    reading = await read_records(transport, scope, len(sent))
    assert reading.values() == [record.value for record in sent]


async def test_what_cannot_be_delivered_is_an_error_and_later_publishes_work(
    own_kafka_broker: BackendServer, make_transport: MakeTransport, scope: str
) -> None:
    """Fault 12: unknown is reported as unknown, and a publisher outlives its broker."""
    transport = make_transport(own_kafka_broker.url, message_timeout_ms="5000")
    await transport.publish(numbered(scope, 1))
    own_kafka_broker.stop()
    with pytest.raises(TransportError, match="2 of 2 records were not acknowledged"):
        await transport.publish(numbered(scope, 2, first=1))
    own_kafka_broker.start()
    await transport.publish(numbered(scope, 2, first=1))
    reading = await read_records(transport, scope, 3)
    assert reading.values()[0] == b"0"
    assert set(reading.values()) == {b"0", b"1", b"2"}


async def test_a_producer_that_can_do_nothing_more_is_replaced(
    kafka_broker: BackendServer, make_transport: MakeTransport, admin: AdminClient, scope: str
) -> None:
    """A final error of librdkafka's ends a producer, not the transport."""
    topic, limit_bytes = f"nova.{scope}.parsed.v1", 1_000
    narrow = NewTopic(topic, 1, 1, config={"max.message.bytes": str(limit_bytes)})
    admin.create_topics([narrow])[topic].result()
    transport = make_transport(kafka_broker.url, enable_gapless_guarantee="true")
    large = Record(f"nova.{scope}.parsed.bus.eps.one.v1", os.urandom(2 * limit_bytes))
    with pytest.raises(TransportError, match="1 of 1 records"):
        await transport.publish([large])
    await transport.publish(numbered(scope, 1))
    assert (await read_records(transport, scope, 1)).values() == [b"0"]


async def test_closing_flushes_what_is_being_published(
    kafka_broker: BackendServer, make_transport: MakeTransport, scope: str
) -> None:
    """A publish that close meets under way still ends with its acknowledgement."""
    transport = make_transport(kafka_broker.url)
    await transport.publish(numbered(scope, 1))
    under_way = asyncio.create_task(transport.publish(numbered(scope, 5_000, first=1)))
    await asyncio.sleep(0)
    await transport.close()
    assert await under_way == Receipt()
    assert (
        len((await read_records(make_transport(kafka_broker.url), scope, 5_001)).records) == 5_001
    )
