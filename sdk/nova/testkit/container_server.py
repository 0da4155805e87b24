"""A server in a container, on ports that it keeps over restarts."""

from __future__ import annotations

from abc import abstractmethod

from testcontainers.core.container import DockerContainer

from nova.testkit.test_server import BackendServer


class ContainerServer(BackendServer):
    """One container for the caller alone. Its data last until `close`."""

    STOP_GRACE_S: int

    def __init__(self, container: DockerContainer) -> None:
        self._container = container
        self._has_run = False

    def start(self) -> None:
        """Start or restart on the same ports and data; returns when it responds."""
        if self._has_run:
            self._container.get_wrapped_container().start()
        else:
            self.start_first()
            self._has_run = True
        self.wait_until_ready()

    def start_first(self) -> None:
        self._container.start()

    @abstractmethod
    def wait_until_ready(self) -> None:
        """Return when it responds."""

    def stop(self) -> None:
        """Send SIGTERM, then SIGKILL after STOP_GRACE_S."""
        self._container.get_wrapped_container().stop(timeout=self.STOP_GRACE_S)

    def kill(self) -> None:
        self._container.get_wrapped_container().kill()

    def close(self) -> None:
        """Stop it and remove its data."""
        self._container.stop()
