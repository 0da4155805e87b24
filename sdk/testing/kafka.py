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
from sdk.testing.broker import wait_until_ready
from sdk.testing.server import GivenServer, Server

BROKER_VARIABLE = "NOVA_TEST_KAFKA"


@contextmanager
def any_broker() -> Iterator[Server]:
    """A broker to share: what is on it may be others', so use names of your own."""
    servers = os.environ.get(BROKER_VARIABLE)
    if servers:
        given = GivenServer(f"kafka://{servers}", BROKER_VARIABLE)
        wait_until_ready(given.url)
        yield given
        return
    with own_broker() as own:
        yield own


@contextmanager
def own_broker() -> Iterator[Server]:
    """A broker of one's own, which may be stopped, killed and started again."""
    broker: Server = ApacheKafka() if redpanda.why_not() else redpanda.Redpanda()
    try:
        broker.start()
        yield broker
    finally:
        broker.close()
