"""Receives commands: reads the command topic of one scope from its end.

Whatever the broker has lost or recreated, reading continues at the end: executing a command twice
does more harm than losing one, whose sender sees that no feedback arrives.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from nova.sdk.transport.base import Positions, Subscription
from nova.transport_kafka.assignment import METADATA_TIMEOUT_S, PartitionAssignment
from nova.transport_kafka.naming import command_topic, stream_name

if TYPE_CHECKING:  # The client exports this type from no public module.
    from confluent_kafka.admin._metadata import ClusterMetadata, TopicMetadata

log = logging.getLogger(__name__)


class CommandAssignment(PartitionAssignment):
    """The partitions of a command topic; records from before the first refresh are skipped."""

    def __init__(
        self,
        consumer: Consumer,
        admin: AdminClient,
        subscription: Subscription,
        positions: Positions,
    ) -> None:
        super().__init__(consumer, admin, subscription, positions)
        assert subscription.scope_id is not None
        self._topic = command_topic(subscription.scope_id)
        # With positions a previous client has started already: keep to them.
        self._skipped_partitions: frozenset[int] | None = frozenset() if positions else None

    def refresh(self) -> None:
        """Assign the topic; one that is created later is read from its beginning."""
        if self._skipped_partitions is None:
            self._skipped_partitions = self._existing_partitions()
        super().refresh()

    def _existing_partitions(self) -> frozenset[int]:
        metadata: ClusterMetadata = self._consumer.list_topics(timeout=METADATA_TIMEOUT_S)
        topic = metadata.topics.get(self._topic)
        if topic is None or not super()._is_wanted(topic):
            return frozenset()
        if topic.error is not None:
            raise KafkaException(topic.error)
        return frozenset(topic.partitions)

    def _is_wanted(self, topic: TopicMetadata) -> bool:
        return str(topic.topic) == self._topic and super()._is_wanted(topic)

    def _start(self, topic: str, partition: int, topic_id: int) -> int:
        low, high = self._consumer.get_watermark_offsets(
            TopicPartition(topic, partition), timeout=METADATA_TIMEOUT_S
        )
        position = self._position(topic, partition)
        if position is None:
            position = high if partition in (self._skipped_partitions or ()) else low
        elif position > high or self._is_another(topic, partition, topic_id):
            log.error("kafka commands may be lost: topic=%s from=%d to=%d", topic, position, high)
            position = high
        position = max(position, low)
        self._move(stream_name(topic, partition), position)
        return position
