"""A real Kafka broker for tests and benchmarks, found or started: there is always one, or an error.

In this order: the broker that NOVA_TEST_KAFKA=host:port names; Redpanda in a container where an
engine answers and has the image; Apache Kafka from Maven as a process. A test that needs Kafka is
never skipped for want of one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from sdk.testing import redpanda
from sdk.testing.apache_kafka import ApacheKafka
from sdk.testing.broker import KafkaBroker, wait_until_ready

BROKER_VARIABLE = "NOVA_TEST_KAFKA"


class GivenBroker(KafkaBroker):
    """A broker that somebody else runs; tests use it and do not stop it."""

    def __init__(self, servers: str) -> None:
        self.url = f"kafka://{servers}"
        self.kind = f"given by {BROKER_VARIABLE}"

    def start(self) -> None:
        """Make sure that it answers."""
        wait_until_ready(self.url)

    def stop(self) -> None:
        """Refused: it is not ours."""
        raise RuntimeError(f"the broker of {BROKER_VARIABLE} is not the tests' to stop")

    def kill(self) -> None:
        """Refused: it is not ours."""
        self.stop()

    def close(self) -> None:
        """Leave it as it is."""


@contextmanager
def any_broker() -> Iterator[KafkaBroker]:
    """A broker to share: what is on it may be others', so use names of your own."""
    servers = os.environ.get(BROKER_VARIABLE)
    if servers:
        given = GivenBroker(servers)
        given.start()
        yield given
        return
    with own_broker() as own:
        yield own


@contextmanager
def own_broker() -> Iterator[KafkaBroker]:
    """A broker of one's own, which may be stopped, killed and started again."""
    broker: KafkaBroker = ApacheKafka() if redpanda.why_not() else redpanda.Redpanda()
    try:
        broker.start()
        yield broker
    finally:
        broker.close()
