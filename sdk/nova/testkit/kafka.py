"""A real Kafka broker for tests and benchmarks, found or started; without one, an error.

In this order: the broker of NOVA_TEST_KAFKA=host:port, Redpanda in a container if an engine
responds and has the image, Apache Kafka from Maven as a process. Tests that need Kafka are never
skipped because a broker is missing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from nova.testkit import redpanda
from nova.testkit.apache_kafka import ApacheKafka
from nova.testkit.broker import wait_until_ready
from nova.testkit.test_server import BackendServer, ExternalServer

BROKER_VARIABLE = "NOVA_TEST_KAFKA"


@contextmanager
def shared_broker() -> Iterator[BackendServer]:
    """A shared broker. It may hold data of others, so use unique names."""
    servers = os.environ.get(BROKER_VARIABLE)
    if servers:
        given = ExternalServer(f"kafka://{servers}", BROKER_VARIABLE)
        wait_until_ready(given.url)
        yield given
        return
    with own_broker() as own:
        yield own


@contextmanager
def own_broker() -> Iterator[BackendServer]:
    """A broker for the caller alone, which may be stopped, killed and restarted."""
    broker: BackendServer = ApacheKafka() if redpanda.unavailable_reason() else redpanda.Redpanda()
    try:
        broker.start()
        yield broker
    finally:
        broker.close()
