"""Mosquitto in a container, if a container engine responds and can get the image."""

from __future__ import annotations

from testcontainers.core.container import DockerContainer

from nova.testkit import container_engine
from nova.testkit.container_server import ContainerServer
from nova.testkit.mosquitto_process import CONFIGURATION
from nova.testkit.mqtt_broker import wait_until_ready
from nova.testkit.ports import LOOPBACK, free_port

IMAGE = "eclipse-mosquitto:2.0.21"
PORT = 1883
CONFIGURATION_PATH = "/mosquitto/config/nova.conf"
_LISTENER = """listener 1883
allow_anonymous true
persistence_location /mosquitto/data/
"""


def unavailable_reason() -> str | None:
    """Why the container cannot run here; None if it can."""
    return container_engine.unavailable_reason(IMAGE)


class MosquittoContainer(ContainerServer):
    """One container for the caller alone; it keeps its port over restarts."""

    kind = f"Mosquitto container, {IMAGE}"
    STOP_GRACE_S = 10

    def __init__(self) -> None:
        port = free_port()
        self.url = f"mqtt://{LOOPBACK}:{port}"
        # The container's shell writes the file, so that nothing of this machine has to be mounted.
        start = (
            f"printf '%s' '{CONFIGURATION.replace(chr(39), '')}{_LISTENER}' > {CONFIGURATION_PATH} "
            f"&& exec mosquitto -c {CONFIGURATION_PATH}"
        )
        super().__init__(
            DockerContainer(IMAGE)
            .with_kwargs(entrypoint=["sh", "-c", start])
            .with_bind_ports(PORT, port)
        )

    def wait_until_ready(self) -> None:
        """Return when it answers."""
        wait_until_ready(self.url)
