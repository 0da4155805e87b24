"""A NATS server in a container, if a container engine responds and can get the image."""

from __future__ import annotations

from testcontainers.core.container import DockerContainer

from nova.testkit import container_engine
from nova.testkit.container_server import ContainerServer
from nova.testkit.nats_server import NatsServer, wait_until_ready
from nova.testkit.ports import LOOPBACK, free_port

IMAGE = "nats:2.11.4-alpine"
CLIENT_PORT = 4222
MONITOR_PORT = 8222
CONFIGURATION_PATH = "/etc/nats/nova.conf"

_CONFIGURATION = """port: 4222
http: 8222
max_payload: 8MB
jetstream { store_dir: "/data", sync_interval: always }
"""


def unavailable_reason() -> str | None:
    """Why the container cannot run here; None if it can."""
    return container_engine.unavailable_reason(IMAGE)


class NatsContainer(ContainerServer, NatsServer):
    """One container for the caller alone; it keeps its ports over restarts."""

    kind = f"NATS container, {IMAGE}"
    STOP_GRACE_S = 10

    def __init__(self) -> None:
        port, monitor_port = free_port(), free_port()
        self.url = f"nats://{LOOPBACK}:{port}"
        self.monitor = f"{LOOPBACK}:{monitor_port}"
        # The container's shell writes the file, so that nothing of this machine has to be mounted.
        start = (
            f"printf '%s' '{_CONFIGURATION}' > {CONFIGURATION_PATH} "
            f"&& exec nats-server -c {CONFIGURATION_PATH}"
        )
        super().__init__(
            DockerContainer(IMAGE)
            .with_kwargs(entrypoint=["sh", "-c", start])
            .with_bind_ports(CLIENT_PORT, port)
            .with_bind_ports(MONITOR_PORT, monitor_port)
        )

    def wait_until_ready(self) -> None:
        """Return when it offers JetStream."""
        wait_until_ready(self.url)
