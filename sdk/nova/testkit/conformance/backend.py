"""The backend interface of the suite: how to connect to it, stop it and start it."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, Self

from nova.sdk.transport.base import Transport, connect
from nova.testkit.conformance.leftovers import RELEASE_TIMEOUT_S
from nova.testkit.record_reader import READ_TIMEOUT_S


class Backend(ABC):
    """One backend under test. The suite uses its own scopes on it and closes its transports.

    `keeps_records` selects the form of the promises. A backend that keeps records stores them
    whether or not a consumer runs. One that does not hands them directly to the consumer: then the
    consumer is the server, and `start`, `stop` and `kill` are not needed.

    A backend that keeps records but no history (`keeps_history`) keeps them for each consumer from
    its first reading on, in a session, and only until they are acknowledged.
    """

    name: str
    """The column's title in the suite's table."""
    keeps_records: bool = True
    keeps_history: bool = True
    """Whether records can be read from any position, also from before a consumer has begun."""

    read_timeout_s: float = READ_TIMEOUT_S
    """How long a case waits for what must come."""

    release_timeout_s: float = RELEASE_TIMEOUT_S
    """How long a closed transport may take to release what it has used."""

    @abstractmethod
    def connect(self) -> Transport:
        """A new transport to this backend, independent of the others."""

    async def start(self) -> None:
        """Restart the server on the same address and data; returns when it responds."""
        raise NotImplementedError(f"{self.name} keeps records, so it needs start()")

    async def stop(self) -> None:
        """Stop the server in an orderly way; returns when it has ended."""
        raise NotImplementedError(f"{self.name} keeps records, so it needs stop()")

    async def kill(self) -> None:
        """Kill the server like a crash; the default is `stop`."""
        await self.stop()


class RestartableServer(Protocol):
    """A server process; every method returns when it has taken effect."""

    url: str

    def start(self) -> None:
        """Start or restart on the same address and data."""

    def stop(self) -> None:
        """Stop in an orderly way."""

    def kill(self) -> None:
        """Kill at once."""


class ServerBackend(Backend):
    """A backend that is a server process with a URL. Use it as a context manager."""

    def __init__(self, name: str, server: RestartableServer, *, keeps_history: bool = True) -> None:
        self.name = name
        self.keeps_history = keeps_history
        self._server = server
        # One thread for the backend's lifetime, since a child can die with the thread that started
        # it.
        self._thread = ThreadPoolExecutor(1, "server")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown()

    def connect(self) -> Transport:
        """A new transport from the plug-in of the URL's scheme."""
        return connect(self._server.url)

    async def start(self) -> None:
        await self._call(self._server.start)

    async def stop(self) -> None:
        await self._call(self._server.stop)

    async def kill(self) -> None:
        await self._call(self._server.kill)

    async def _call(self, act: Callable[[], None]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, act)
