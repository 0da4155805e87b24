"""Redpanda in a container, if a container engine responds and can get the image."""

from __future__ import annotations

from testcontainers.community.kafka import RedpandaContainer

from nova.testkit import container_engine
from nova.testkit.broker import wait_until_ready
from nova.testkit.container_server import ContainerServer
from nova.testkit.ports import LOOPBACK, free_port

IMAGE = "redpandadata/redpanda:v24.3.6"
KAFKA_PORT = 9092
START_TIMEOUT_S = 90


def unavailable_reason() -> str | None:
    """Why Redpanda cannot run here; None if it can."""
    return container_engine.unavailable_reason(IMAGE)


class Redpanda(ContainerServer):
    """One container for the caller alone; it keeps its port over restarts."""

    kind = f"Redpanda container, {IMAGE}"
    STOP_GRACE_S = 15

    def __init__(self) -> None:
        port = free_port()
        self.url = f"kafka://{LOOPBACK}:{port}"
        self._redpanda = RedpandaContainer(IMAGE).with_bind_ports(KAFKA_PORT, port)
        super().__init__(self._redpanda)

    def start_first(self) -> None:
        """Create the container, start it and learn its address."""
        self._redpanda.start(START_TIMEOUT_S)
        self.url = f"kafka://{self._redpanda.get_bootstrap_server()}"

    def wait_until_ready(self) -> None:
        """Return when it answers."""
        wait_until_ready(self.url)
