"""The common interface of the tests' servers."""

from __future__ import annotations

from abc import ABC, abstractmethod


class BackendServer(ABC):
    """A server; `stop`, `kill` and `restart` serve fault tests."""

    url: str
    """The URL for `nova.sdk.transport.base.connect`."""
    kind: str
    """A description for people."""

    @abstractmethod
    def start(self) -> None:
        """Start or restart on the same address and data; returns when it responds."""

    @abstractmethod
    def stop(self) -> None:
        """Shut down in an orderly way."""

    @abstractmethod
    def kill(self) -> None:
        """Kill it at once."""

    @abstractmethod
    def close(self) -> None:
        """End it for good and remove its data."""

    def restart(self) -> None:
        """Stop in an orderly way, then start again."""
        self.stop()
        self.start()


class ExternalServer(BackendServer):
    """A server run by somebody else; tests use it but cannot stop it."""

    def __init__(self, url: str, variable: str) -> None:
        self.url = url
        self.kind = f"given by {variable}"

    def start(self) -> None:
        """Do nothing: it is running."""

    def stop(self) -> None:
        """Raises RuntimeError: the server is not ours."""
        raise RuntimeError(f"{self.url}, {self.kind}, is not the tests' to stop")

    def kill(self) -> None:
        """Raises RuntimeError: the server is not ours."""
        self.stop()

    def close(self) -> None:
        """Leave it running."""
