"""Redpanda in a container, if a container engine responds and can get the image."""

from __future__ import annotations

from testcontainers.community.kafka import RedpandaContainer

from nova.testkit import container_engine
from nova.testkit.broker import wait_until_ready
from nova.testkit.ports import LOOPBACK, free_port
from nova.testkit.test_server import BackendServer

IMAGE = "redpandadata/redpanda:v24.3.6"
KAFKA_PORT = 9092
START_TIMEOUT_S = 90
STOP_GRACE_S = 15


def unavailable_reason() -> str | None:
    """Why Redpanda cannot run here; None if it can."""
    return container_engine.unavailable_reason(IMAGE)


class Redpanda(BackendServer):
    """One container for the caller alone; it keeps its port over restarts."""

    kind = f"Redpanda container, {IMAGE}"

    def __init__(self) -> None:
        port = free_port()
        self.url = f"kafka://{LOOPBACK}:{port}"
        self._container = RedpandaContainer(IMAGE).with_bind_ports(KAFKA_PORT, port)
        self._has_run = False

    def start(self) -> None:
        """Start or restart on the same port and data; returns when it responds."""
        if self._has_run:
            self._container.get_wrapped_container().start()
        else:
            self._container.start(START_TIMEOUT_S)
            self._has_run = True
            self.url = f"kafka://{self._container.get_bootstrap_server()}"
        wait_until_ready(self.url)

    def stop(self) -> None:
        """Send SIGTERM, then SIGKILL after STOP_GRACE_S."""
        self._container.get_wrapped_container().stop(timeout=STOP_GRACE_S)

    def kill(self) -> None:
        self._container.get_wrapped_container().kill()

    def close(self) -> None:
        """Stop it and remove its data."""
        self._container.stop()
