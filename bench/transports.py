"""The cost of our layer over a client library: publishing and draining, beside the bare library
that does the same on the same server in the same run.
"""

from __future__ import annotations

import asyncio
import statistics
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

import nats as nats_client
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from bench.table import Row
from bench.work import Work
from nova.sdk.transport.base import Record, connect
from nova.testkit import kafka, nats
from nova.testkit.record_reader import read_records
from nova.transport_kafka import topics
from nova.transport_kafka.config import parse_url
from nova.transport_kafka.naming import topic_and_key

ROUNDS = 3
PUBLISH_RECORDS = 500
PUBLISHES_IN_FLIGHT = 16
CONSUME_MAX = 2_000
FETCH_MAX = 1_000
NATS_PENDING_MAX = 1_000
POLL_S = 0.1

Task = Callable[[str, Sequence[Record]], Awaitable[float]]
"""Does it, and returns the seconds it took once everything was open and warm."""


class TransportPeer(NamedTuple):
    """A backend: its server's kind, and the bare library's way of doing each task."""

    name: str
    library: str
    kind: str
    url: str
    publish: Task
    drain: Task


async def own_publish(url: str, records: Sequence[Record]) -> float:
    """Publish as a busy producer does, some calls at once."""
    transport = connect(url)
    room = asyncio.Semaphore(PUBLISHES_IN_FLIGHT)

    async def one(start: int) -> None:
        async with room:
            await transport.publish(records[start : start + PUBLISH_RECORDS])

    try:
        await transport.publish(records[:1])
        started = time.perf_counter()
        await asyncio.gather(*(one(start) for start in range(1, len(records), PUBLISH_RECORDS)))
        return time.perf_counter() - started
    finally:
        await transport.close()


async def own_drain(url: str, records: Sequence[Record]) -> float:
    """Consume everything from the beginning."""
    transport = connect(url)
    try:
        started = time.perf_counter()
        await read_records(transport, scope_of(records), len(records))
        return time.perf_counter() - started
    finally:
        await transport.close()


async def bare_kafka_publish(url: str, records: Sequence[Record]) -> float:
    """One producer with the same settings, its delivery reports counted."""
    producer = Producer(parse_url(url).producer_properties())
    done = 0

    def report(error: object, _: object) -> None:
        nonlocal done
        done += error is None

    started = 0.0
    for index, record in enumerate(records):
        topic, key = topic_and_key(record.address)
        while True:
            try:
                producer.produce(topic, record.value, key, on_delivery=report)
                break
            except BufferError:
                producer.poll(POLL_S)
        producer.poll(0)
        if index == 0:
            producer.flush()
            started = time.perf_counter()
    producer.flush()
    assert done == len(records)
    return time.perf_counter() - started


async def bare_kafka_drain(url: str, records: Sequence[Record]) -> float:
    """One consumer with the same settings, from the beginning of the same topics."""
    started = time.perf_counter()
    consumer = Consumer(parse_url(url).consumer_properties())
    names = {topic_and_key(record.address)[0] for record in records}
    consumer.assign([TopicPartition(name, 0, OFFSET_BEGINNING) for name in names])
    found: list[tuple[object, ...]] = []
    while len(found) < len(records):
        for m in consumer.consume(CONSUME_MAX, POLL_S):
            found.append((m.topic(), m.partition(), m.offset(), m.key(), m.value()))
    took = time.perf_counter() - started
    consumer.close()
    return took


async def bare_nats_publish(url: str, records: Sequence[Record]) -> float:
    """One connection, a window of publishes that wait for their acknowledgements."""
    connection = await nats_client.connect(url)
    stream = connection.jetstream(publish_async_max_pending=NATS_PENDING_MAX)
    started = time.perf_counter()
    waiting = [
        await stream.publish_async(record.address or "", record.value, wait_stall=60.0)
        for record in records
    ]
    await asyncio.gather(*waiting)
    took = time.perf_counter() - started
    await connection.close()
    return took


async def bare_nats_drain(url: str, records: Sequence[Record]) -> float:
    """One pull consumer without acknowledgements, from the beginning of the same stream."""
    started = time.perf_counter()
    connection = await nats_client.connect(url)
    config = ConsumerConfig(deliver_policy=DeliverPolicy.ALL, ack_policy=AckPolicy.NONE)
    subscription = await connection.jetstream().pull_subscribe(
        f"nova.{scope_of(records)}.>", stream=f"nova-{scope_of(records)}", config=config
    )
    found: list[tuple[object, ...]] = []
    while len(found) < len(records):
        for m in await subscription.fetch(FETCH_MAX):
            found.append((m.subject, m.data, m.metadata.sequence.stream))
    took = time.perf_counter() - started
    await connection.close()
    return took


def scope_of(records: Sequence[Record]) -> str:
    """The scope that all of them are of."""
    return (records[0].address or "").split(".")[1]


async def compared(peer: TransportPeer, work: Work) -> list[Row]:
    """Both tasks by both, turn and turn about, each round on a scope of its own; the medians."""
    rates: dict[str, list[float]] = {
        "publish": [],
        "drain": [],
        "bare publish": [],
        "bare drain": [],
    }
    for _ in range(ROUNDS):
        for prefix, publish, drain in (
            ("bare ", peer.publish, peer.drain),
            ("", own_publish, own_drain),
        ):
            records = work._replace(scope=f"bench-{uuid.uuid4().hex[:8]}").records()
            await prepare(peer, records)
            rates[f"{prefix}publish"].append(work.events / await publish(peer.url, records[1:]))
            rates[f"{prefix}drain"].append(work.events / await drain(peer.url, records))
    rows = []
    for task in ("publish", "drain"):
        own, bare = statistics.median(rates[task]), statistics.median(rates[f"bare {task}"])
        note = (
            f"{peer.kind}; bare {peer.library} {bare:,.0f}/s, so our layer costs {bare / own:.2f} ×"
        )
        rows.append(Row(f"{task}, {peer.name} alone", own, "events/s", note=note))
    return rows


async def prepare(peer: TransportPeer, records: Sequence[Record]) -> None:
    """Create topics or the stream and publish the first record, outside of the measurement."""
    if peer.name == "kafka":
        topics.ensure_topics(parse_url(peer.url), {topic_and_key(r.address)[0] for r in records})
    await own_publish(peer.url, records[:1])


def measured(work: Work) -> list[Row]:
    """Every transport that has a library underneath."""
    rows: list[Row] = []
    with kafka.shared_broker() as broker:
        peer = TransportPeer(
            *("kafka", "confluent-kafka", broker.kind, broker.url),
            *(bare_kafka_publish, bare_kafka_drain),
        )
        rows += asyncio.run(compared(peer, work))
    with nats.shared_server() as server:
        peer = TransportPeer(
            *("nats", "nats-py", server.kind, server.url), *(bare_nats_publish, bare_nats_drain)
        )
        rows += asyncio.run(compared(peer, work))
    return rows
