"""A real Kafka broker for tests and benchmarks, found or started; without one, an error.

In this order: the broker of NOVA_TEST_KAFKA=host:port, Redpanda in a container if an engine
responds and has the image, Apache Kafka from Maven as a process. Tests that need Kafka are never
skipped because a broker is missing.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from nova.testkit import redpanda
from nova.testkit.apache_kafka import ApacheKafka
from nova.testkit.broker import wait_until_ready
from nova.testkit.test_server import BackendServer, ExternalServer, given_or_own, running

BROKER_VARIABLE = "NOVA_TEST_KAFKA"


def shared_broker() -> AbstractContextManager[BackendServer]:
    """A shared broker. It may hold data of others, so use unique names."""
    return given_or_own(BROKER_VARIABLE, _given, wait_until_ready, own_broker)


def _given(address: str) -> BackendServer:
    return ExternalServer(f"kafka://{address}", BROKER_VARIABLE)


def own_broker() -> AbstractContextManager[BackendServer]:
    """A broker for the caller alone, which may be stopped, killed and restarted."""
    broker: BackendServer = ApacheKafka() if redpanda.unavailable_reason() else redpanda.Redpanda()
    return running(broker)
