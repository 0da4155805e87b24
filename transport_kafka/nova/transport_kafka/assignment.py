"""A consumer's partitions and start offsets; positions that the broker has lost become gaps."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from nova.sdk.transport.base import Batch, Gap, GapReason, Positions, Subscription
from nova.transport_kafka import topic_facts
from nova.transport_kafka.naming import is_subscribed, scope_of, stream_name
from nova.transport_kafka.topic_facts import Partition

if TYPE_CHECKING:  # The client exports these types from no public module.
    from confluent_kafka.admin._metadata import ClusterMetadata, TopicMetadata

METADATA_TIMEOUT_S = 2.0
UNKNOWN_TOPIC = "UNKNOWN_TOPIC_OR_PART"
ID_SUFFIX = "#id"

log = logging.getLogger(__name__)


def resume_offset(position: int, low: int, high: int) -> tuple[int, GapReason | None]:
    """The offset to resume at, and the reason if it is not `position`.

    A position beyond the end means that the broker lost its tail or that the topic is another one.
    Reading restarts at the beginning: the records may be new, and the store drops duplicates.
    """
    if position < low:
        return low, "retention"
    if position > high:
        return low, "truncated"
    return position, None


class PartitionAssignment:
    """The partitions of one consumer. Its methods call the broker and may raise KafkaException."""

    def __init__(
        self,
        consumer: Consumer,
        admin: AdminClient,
        subscription: Subscription,
        positions: Positions,
    ) -> None:
        self._consumer = consumer
        self._admin = admin
        self._subscription = subscription
        self._positions = positions
        self._assigned: dict[Partition, int] = {}
        self._moved: Positions = {}
        self._gaps: list[Gap] = []

    def refresh(self) -> None:
        """Add new partitions, drop vanished ones, and restart recreated topics."""
        metadata: ClusterMetadata = self._consumer.list_topics(timeout=METADATA_TIMEOUT_S)
        topics = [t for t in metadata.topics.values() if self._is_wanted(t)]
        present = {(str(t.topic), number) for t in topics for number in t.partitions}
        unsettled = {str(t.topic) for t in topics if t.error is not None}
        ids = topic_facts.topic_ids(self._admin, {topic for topic, _ in present} - unsettled)
        vanished = {key for key in self._assigned.keys() - present if key[0] not in unsettled}
        self._drop(vanished | self._recreated(ids))
        for topic, partition in sorted(present - self._assigned.keys()):
            self._assign(topic, partition, ids.get(topic, 0))

    def end_offsets(self) -> Positions:
        """The end offset of every assigned partition."""
        return topic_facts.end_offsets(self._consumer, self._assigned)

    def take_gaps(self) -> Batch | None:
        """The gaps since the last call with the positions that they moved, as a batch; else None.

        Deliver it at once: if the broker grew past the old position before the new one is stored,
        nothing would show any more that the records between them were never read.
        """
        if not self._gaps:
            return None
        gaps, self._gaps = self._gaps, []
        return Batch([], self.take_moved_positions(), gaps)

    def take_moved_positions(self) -> Positions:
        """Positions changed without a record, such as topic ids; for the next batch."""
        moved, self._moved = self._moved, {}
        return moved

    def release(self, topic: str, partition: int) -> None:
        """Stop reading a partition; the next refresh assigns it again if it exists."""
        self._drop({(topic, partition)} & self._assigned.keys())

    def _is_wanted(self, topic: TopicMetadata) -> bool:
        is_gone = topic.error is not None and topic.error.name() == UNKNOWN_TOPIC
        return not is_gone and is_subscribed(str(topic.topic), self._subscription)

    def _recreated(self, ids: dict[str, int]) -> set[Partition]:
        return {
            key
            for key, known in self._assigned.items()
            if known and ids.get(key[0], known) != known
        }

    def _drop(self, keys: set[Partition]) -> None:
        if keys:
            self._consumer.incremental_unassign([TopicPartition(*key) for key in sorted(keys)])
            for key in keys:
                del self._assigned[key]
            log.info("kafka partitions released: %s", sorted(keys))

    def _assign(self, topic: str, partition: int, topic_id: int) -> None:
        name = stream_name(topic, partition)
        start = self._start(topic, partition, topic_id)
        self._consumer.incremental_assign([TopicPartition(topic, partition, start)])
        self._assigned[topic, partition] = topic_id
        if topic_id:
            self._move(name + ID_SUFFIX, topic_id)
        log.info("kafka partition assigned: %s from %d", name, start)

    def _start(self, topic: str, partition: int, topic_id: int) -> int:
        """The offset from which to read a partition; may call the broker."""
        position = self._position(topic, partition)
        if position is None:
            return OFFSET_BEGINNING
        return self._checked_start(topic, partition, position, topic_id)

    def _position(self, topic: str, partition: int) -> int | None:
        return self._positions.get(stream_name(topic, partition))

    def _is_another(self, topic: str, partition: int, topic_id: int) -> bool:
        """Whether the topic's id is known to differ from the stored one."""
        known_id = self._positions.get(stream_name(topic, partition) + ID_SUFFIX, topic_id)
        return bool(topic_id) and known_id != topic_id

    def _checked_start(self, topic: str, partition: int, position: int, topic_id: int) -> int:
        """The position if the broker still holds it, else the end of the gap that it records."""
        low, high = self._consumer.get_watermark_offsets(
            TopicPartition(topic, partition), timeout=METADATA_TIMEOUT_S
        )
        name = stream_name(topic, partition)
        start, reason = resume_offset(position, low, high)
        if self._is_another(topic, partition, topic_id):
            start, reason = low, "recreated"
        if reason is None:
            return start
        self._gaps.append(Gap(topic, partition, position, start, reason, scope_of(topic)))
        log.error(
            "kafka gap: the broker no longer has the stored position: "
            "topic=%s partition=%d from=%d to=%d low=%d high=%d reason=%s",
            *(topic, partition, position, start, low, high, reason),
        )
        self._move(name, start)
        return start

    def _move(self, name: str, position: int) -> None:
        if self._positions.get(name) != position:
            self._positions[name] = position
            self._moved[name] = position
