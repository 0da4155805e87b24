"""A real MQTT broker for tests, found or started; without one, an error.

In this order: the broker of NOVA_TEST_MQTT=host:port, a container if an engine responds and has the
image, Mosquitto of this machine as a process. Tests that need MQTT are never skipped because a
broker is missing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from nova.testkit import mosquitto_container
from nova.testkit.mosquitto_container import MosquittoContainer
from nova.testkit.mosquitto_process import MosquittoProcess
from nova.testkit.mqtt_broker import wait_until_ready
from nova.testkit.test_server import BackendServer, ExternalServer

BROKER_VARIABLE = "NOVA_TEST_MQTT"


@contextmanager
def shared_broker() -> Iterator[BackendServer]:
    """A shared broker. It may hold data of others, so use unique names."""
    broker = os.environ.get(BROKER_VARIABLE)
    if broker:
        given = ExternalServer(f"mqtt://{broker}", BROKER_VARIABLE)
        wait_until_ready(given.url)
        yield given
        return
    with own_broker() as own:
        yield own


@contextmanager
def own_broker() -> Iterator[BackendServer]:
    """A broker for the caller alone, which may be stopped, killed and restarted."""
    broker: BackendServer = (
        MosquittoProcess() if mosquitto_container.unavailable_reason() else MosquittoContainer()
    )
    try:
        broker.start()
        yield broker
    finally:
        broker.close()
