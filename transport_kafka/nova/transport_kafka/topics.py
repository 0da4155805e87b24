"""Creates topics before their first record is sent, with room for records of every size."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from nova.sdk.errors import TransportError
from nova.transport_kafka import client_log
from nova.transport_kafka.config import RECORD_MAX_BYTES, KafkaConfig
from nova.transport_kafka.errors import TOPIC_EXISTS, FailureCause, error_name, error_text

ADMIN_TIMEOUT_S = 15.0

log = logging.getLogger(__name__)


def ensure_topics(
    config: KafkaConfig, topics: Iterable[str], timeout_s: float = ADMIN_TIMEOUT_S
) -> None:
    """Create missing topics; blocks, raises TransportError on failure."""
    cause = FailureCause()
    try:
        with AdminClient(
            config.producer_properties(), logger=client_log.log, error_cb=cause.on_error
        ) as admin:
            missing = set(topics) - _existing_topics(admin, timeout_s)
            _create(config, admin, sorted(missing), timeout_s)
    except KafkaException as error:
        reason = config.redact(cause.describe(error))
        raise TransportError(f"{config.link} cannot list its topics: {reason}") from None


def _existing_topics(admin: AdminClient, timeout_s: float) -> set[str]:
    try:
        return set(admin.list_topics(timeout=timeout_s).topics)
    finally:
        admin.poll(0)  # Serves the error callback, which may know why there was no reply.


def _create(config: KafkaConfig, admin: AdminClient, topics: list[str], timeout_s: float) -> None:
    if not topics:
        return
    wanted = [_new_topic(config, topic) for topic in topics]
    for topic, future in admin.create_topics(wanted, operation_timeout=timeout_s).items():
        try:
            future.result()
        except KafkaException as error:
            if error_name(error) == TOPIC_EXISTS:
                continue  # Another client created it first.
            raise TransportError(
                f"{config.link} refuses to create topic {topic}: {error_text(error)}; "
                f"create it yourself with max.message.bytes={RECORD_MAX_BYTES}"
            ) from None
        log.info("kafka topic created: topic=%s link=%s", topic, config.link)


def _new_topic(config: KafkaConfig, topic: str) -> NewTopic:
    return NewTopic(
        topic,
        num_partitions=config.partitions,
        replication_factor=config.replication,
        config={"max.message.bytes": str(RECORD_MAX_BYTES)},
    )
