"""Converts Kafka messages to records, in batches of limited size with their positions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from confluent_kafka import Message

from nova.sdk.transport.base import Batch, Positions, Record
from nova.transport_kafka.naming import address_of, stream_name

BATCH_MAX_BYTES = 2 * 1024 * 1024


def to_batches(messages: Iterable[Message]) -> Iterator[Batch]:
    """Batches in order; each ends with the record that reaches BATCH_MAX_BYTES."""
    records: list[Record] = []
    positions: Positions = {}
    size_bytes = 0
    for message in messages:
        topic, partition, offset = message.topic(), message.partition(), message.offset()
        assert topic is not None and partition is not None and offset is not None
        name = stream_name(topic, partition)
        # A tombstone has no value; as an empty record it gets an entry in the reject log.
        value = message.value() or b""
        records.append(Record(address_of(topic, message.key()), value, f"{name}@{offset}"))
        positions[name] = offset + 1
        size_bytes += len(value)
        if size_bytes >= BATCH_MAX_BYTES:
            yield Batch(records, positions)
            records, positions, size_bytes = [], {}, 0
    if records:
        yield Batch(records, positions)
