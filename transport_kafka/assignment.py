"""Which partitions a consumer reads and from where; what the broker no longer has becomes a gap."""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from sdk.transport.base import Positions, Subscription
from transport_kafka.naming import is_subscribed, stream

if TYPE_CHECKING:  # The client exports these types from no public module.
    from confluent_kafka.admin._metadata import ClusterMetadata, TopicMetadata

METADATA_TIMEOUT_S = 2.0
GAPS_MAX = 1_000
TOPIC_GONE = "UNKNOWN_TOPIC_OR_PART"

log = logging.getLogger(__name__)


class Gap(NamedTuple):
    """A stored position that the broker did not have, and where reading went on instead."""

    topic: str
    partition: int
    from_offset: int
    to_offset: int


Gaps = deque[Gap]


def new_gaps() -> Gaps:
    """The latest gaps, oldest first; all of them are in the log."""
    return deque(maxlen=GAPS_MAX)


def resume_offset(position: int, low: int, high: int) -> int:
    """Where a partition is read on: where it was left, or at the beginning of what there is.

    At the beginning also for a position beyond the end: the broker lost its tail or the topic is
    another one, so what it holds may be new, and what it is not, the store knows as duplicates.
    """
    return position if low <= position <= high else low


class Assignment:
    """The partitions of one consumer; every method asks the broker and may raise KafkaException."""

    def __init__(
        self, consumer: Consumer, subscription: Subscription, positions: Positions, gaps: Gaps
    ) -> None:
        self._consumer = consumer
        self._subscription = subscription
        self._positions = positions
        self._gaps = gaps
        self._assigned: set[tuple[str, int]] = set()
        self._moved: Positions = {}

    def refresh(self) -> None:
        """Take up new partitions and let vanished ones go."""
        metadata: ClusterMetadata = self._consumer.list_topics(timeout=METADATA_TIMEOUT_S)
        topics = [t for t in metadata.topics.values() if self._wants(t)]
        present = {(str(t.topic), number) for t in topics for number in t.partitions}
        unsettled = {str(t.topic) for t in topics if t.error is not None}
        self._drop({key for key in self._assigned - present if key[0] not in unsettled})
        for topic, partition in sorted(present - self._assigned):
            self._take(topic, partition)

    def take_moved(self) -> Positions:
        """The positions that gaps have moved since the last call.

        They have to be stored at once: once the broker has grown past the old position, nothing
        would show any more that the records between were never read.
        """
        moved, self._moved = self._moved, {}
        return moved

    def release(self, topic: str, partition: int) -> None:
        """Stop reading a partition; the next refresh looks where it can be taken up again."""
        self._drop({(topic, partition)} & self._assigned)

    def _wants(self, topic: TopicMetadata) -> bool:
        is_gone = topic.error is not None and topic.error.name() == TOPIC_GONE
        return not is_gone and is_subscribed(str(topic.topic), self._subscription)

    def _drop(self, keys: set[tuple[str, int]]) -> None:
        if keys:
            self._consumer.incremental_unassign([TopicPartition(*key) for key in sorted(keys)])
            self._assigned -= keys
            log.info("kafka partitions released: %s", sorted(keys))

    def _take(self, topic: str, partition: int) -> None:
        start = OFFSET_BEGINNING
        position = self._positions.get(stream(topic, partition))
        if position is not None:
            start = self._checked(topic, partition, position)
        self._consumer.incremental_assign([TopicPartition(topic, partition, start)])
        self._assigned.add((topic, partition))
        log.info("kafka partition taken up: %s/%d from %s", topic, partition, position)

    def _checked(self, topic: str, partition: int, position: int) -> int:
        """The position if the broker has it; otherwise the gap is told before anything is read."""
        low, high = self._consumer.get_watermark_offsets(
            TopicPartition(topic, partition), timeout=METADATA_TIMEOUT_S
        )
        start = resume_offset(position, low, high)
        if start != position:
            self._gaps.append(Gap(topic, partition, position, start))
            log.error(
                "kafka gap: the broker no longer has the stored position: "
                "topic=%s partition=%d from=%d to=%d low=%d high=%d",
                *(topic, partition, position, start, low, high),
            )
            self._positions[stream(topic, partition)] = start
            self._moved[stream(topic, partition)] = start
        return start
