"""The common interface of the tests' servers."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar


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


ServerT = TypeVar("ServerT", bound=BackendServer)


@contextmanager
def running(server: ServerT) -> Iterator[ServerT]:
    """A server of the caller's own, started; nothing of it is left."""
    try:
        server.start()
        yield server
    finally:
        server.close()


@contextmanager
def given_or_own(
    variable: str,
    given: Callable[[str], ServerT],
    wait_until_ready: Callable[[str], None],
    own: Callable[[], AbstractContextManager[ServerT]],
) -> Iterator[ServerT]:
    """The server at the address in an environment variable, once it responds; else an own one."""
    address = os.environ.get(variable)
    if not address:
        with own() as server:
            yield server
        return
    server = given(address)
    wait_until_ready(server.url)
    yield server
