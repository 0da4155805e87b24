"""Topic ids and end offsets, from the cluster."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from confluent_kafka import OFFSET_END, Consumer, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient

from nova.transport_kafka.naming import stream_name

REQUEST_TIMEOUT_S = 2.0
ID_DROPPED_BITS = 12
"""A topic id has two 64-bit halves; we keep 52 bits of one, which every JSON number can hold."""

Partition = tuple[str, int]


def topic_ids(admin: AdminClient, topics: Collection[str]) -> dict[str, int]:
    """A number per topic that differs after the topic was recreated, if the cluster has ids."""
    if not topics:
        return {}
    collection = TopicCollection(sorted(topics))
    described = admin.describe_topics(collection, request_timeout=REQUEST_TIMEOUT_S)
    found: dict[str, int] = {}
    for topic, answer in described.items():
        try:
            half: int = answer.result().topic_id.get_most_significant_bits()
        except KafkaException:
            continue  # Deleted meanwhile, or we may not describe it: its id stays unknown.
        if half:
            found[topic] = half % 2**64 >> ID_DROPPED_BITS
    return found


def end_offsets(consumer: Consumer, partitions: Iterable[Partition]) -> dict[str, int]:
    """The end offset of each partition that the broker can report now."""
    # OFFSET_END instead of a time makes ListOffsets return the latest offset.
    requests = [TopicPartition(*partition, OFFSET_END) for partition in partitions]
    found = consumer.offsets_for_times(requests, timeout=REQUEST_TIMEOUT_S) if requests else []
    return {stream_name(p.topic, p.partition): p.offset for p in found if p.error is None}
