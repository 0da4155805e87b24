"""What the cluster says of topics beyond their partitions: which topic it is, how far it goes."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from confluent_kafka import OFFSET_END, Consumer, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient

from transport_kafka.naming import stream

REQUEST_TIMEOUT_S = 2.0
ID_DROPPED_BITS = 12
"""A topic's id has two halves of 64 bits; 52 bits of one pass unharmed through every JSON."""

Partition = tuple[str, int]


def topic_ids(admin: AdminClient, topics: Collection[str]) -> dict[str, int]:
    """A number that tells a topic from another one of the same name, where the cluster has one."""
    if not topics:
        return {}
    asked = TopicCollection(sorted(topics))
    described = admin.describe_topics(asked, request_timeout=REQUEST_TIMEOUT_S)
    found: dict[str, int] = {}
    for topic, answer in described.items():
        try:
            half: int = answer.result().topic_id.get_most_significant_bits()
        except KafkaException:
            continue  # It has gone meanwhile, or may not be described: then it stays unknown.
        if half:
            found[topic] = half % 2**64 >> ID_DROPPED_BITS
    return found


def ends(consumer: Consumer, partitions: Iterable[Partition]) -> dict[str, int]:
    """The position behind the newest record of each partition that can be asked at the moment."""
    # In the place of a time, "the end" is what Kafka's ListOffsets calls the latest offset.
    asked = [TopicPartition(*partition, OFFSET_END) for partition in partitions]
    found = consumer.offsets_for_times(asked, timeout=REQUEST_TIMEOUT_S) if asked else []
    return {stream(p.topic, p.partition): p.offset for p in found if p.error is None}
