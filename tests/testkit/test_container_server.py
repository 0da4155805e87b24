"""The life of a server in a container, as far as it shows without a container engine."""

from __future__ import annotations

from typing import cast

from testcontainers.core.container import DockerContainer

from nova.testkit.container_server import ContainerServer


class WrittenLog:
    """Stands for a container: writes down what is asked of it and of the engine's own object."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def start(self) -> None:
        """Created and started."""
        self.asked.append("create")

    def stop(self) -> None:
        """Stopped and removed."""
        self.asked.append("remove")

    def get_wrapped_container(self) -> WrittenByEngine:
        """The engine's object."""
        return WrittenByEngine(self.asked)


class WrittenByEngine:
    """The same of the engine's object."""

    def __init__(self, asked: list[str]) -> None:
        self._asked = asked

    def start(self) -> None:
        """Started again, with its data."""
        self._asked.append("start again")

    def stop(self, timeout: int) -> None:
        """Asked to end, and killed later."""
        self._asked.append(f"stop within {timeout} s")

    def kill(self) -> None:
        """Killed."""
        self._asked.append("kill")


class ContainerizedServer(ContainerServer):
    """A server that responds at once."""

    STOP_GRACE_S = 3

    def __init__(self, written: WrittenLog) -> None:
        super().__init__(cast("DockerContainer", written))
        self._written = written

    def wait_until_ready(self) -> None:
        self._written.asked.append("wait")


def test_a_container_keeps_its_data_until_it_is_closed() -> None:
    """It is created once; a restart finds the same ports and data."""
    written = WrittenLog()
    server = ContainerizedServer(written)
    server.start()
    server.restart()
    server.kill()
    server.start()
    server.close()
    assert written.asked == [
        *("create", "wait"),
        *("stop within 3 s", "start again", "wait"),
        *("kill", "start again", "wait"),
        "remove",
    ]
