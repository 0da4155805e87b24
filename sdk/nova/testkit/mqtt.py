"""A real MQTT broker for tests, found or started; without one, an error.

In this order: the broker of NOVA_TEST_MQTT=host:port, a container if an engine responds and has the
image, Mosquitto of this machine as a process. Tests that need MQTT are never skipped because a
broker is missing.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from nova.testkit import mosquitto_container
from nova.testkit.mosquitto_container import MosquittoContainer
from nova.testkit.mosquitto_process import MosquittoProcess
from nova.testkit.mqtt_broker import wait_until_ready
from nova.testkit.test_server import BackendServer, ExternalServer, given_or_own, running

BROKER_VARIABLE = "NOVA_TEST_MQTT"


def shared_broker() -> AbstractContextManager[BackendServer]:
    """A shared broker. It may hold data of others, so use unique names."""
    return given_or_own(BROKER_VARIABLE, _given, wait_until_ready, own_broker)


def _given(address: str) -> BackendServer:
    return ExternalServer(f"mqtt://{address}", BROKER_VARIABLE)


def own_broker() -> AbstractContextManager[BackendServer]:
    """A broker for the caller alone, which may be stopped, killed and restarted."""
    broker: BackendServer = (
        MosquittoProcess() if mosquitto_container.unavailable_reason() else MosquittoContainer()
    )
    return running(broker)
