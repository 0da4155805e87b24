"""What every server of the tests can do, whichever kind it is and whichever way it runs."""

from __future__ import annotations

from abc import ABC, abstractmethod


class Server(ABC):
    """A server; `stop`, `kill` and `restart` are for tests of faults."""

    url: str
    """Where `sdk.transport.base.connect` finds it."""
    kind: str
    """What it is, for people."""

    @abstractmethod
    def start(self) -> None:
        """Start, or start again on the same address and data; returns when it answers."""

    @abstractmethod
    def stop(self) -> None:
        """Stop in an orderly way."""

    @abstractmethod
    def kill(self) -> None:
        """End at once."""

    @abstractmethod
    def close(self) -> None:
        """End it for good and leave nothing behind."""

    def restart(self) -> None:
        """Stop in an orderly way and start again."""
        self.stop()
        self.start()


class GivenServer(Server):
    """A server that somebody else runs; tests use it and do not stop it."""

    def __init__(self, url: str, variable: str) -> None:
        self.url = url
        self.kind = f"given by {variable}"

    def start(self) -> None:
        """Nothing to do: it runs."""

    def stop(self) -> None:
        """Refused: it is not ours."""
        raise RuntimeError(f"{self.url}, {self.kind}, is not the tests' to stop")

    def kill(self) -> None:
        """Refused: it is not ours."""
        self.stop()

    def close(self) -> None:
        """Leave it as it is."""
