"""What the suite has to know of a backend: how to reach it, and how to take it away."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, Self

from sdk.transport.base import Transport, connect


class Backend(ABC):
    """One backend under test; the suite makes scopes of its own on it and closes what it connects.

    `keeps_records` says which form of the promises is proved: a backend that keeps records holds
    them whether or not somebody consumes; one that does not passes them from hand to hand, its
    consumer is the server, and it needs no `start`, `stop` and `kill`.
    """

    name: str
    """The column of the suite's table."""
    keeps_records: bool = True

    @abstractmethod
    def connect(self) -> Transport:
        """A new transport to this backend, as another process would have it."""

    async def start(self) -> None:
        """Start the server again, on the same address and data; returns when it answers."""
        raise NotImplementedError(f"{self.name} keeps records and has no start()")

    async def stop(self) -> None:
        """Stop the server in an orderly way; returns when it is gone."""
        raise NotImplementedError(f"{self.name} keeps records and has no stop()")

    async def kill(self) -> None:
        """End the server at once, as a crash does; stopped where that cannot be done."""
        await self.stop()


class Server(Protocol):
    """A server process; every method returns when it is done."""

    url: str

    def start(self) -> None:
        """Start, or start again on the same address and data."""

    def stop(self) -> None:
        """Stop in an orderly way."""

    def kill(self) -> None:
        """End at once."""


class ServerBackend(Backend):
    """A backend that is a server process, found by its URL; use it as a context manager."""

    def __init__(self, name: str, server: Server) -> None:
        self.name = name
        self._server = server
        # One thread that lives as long as this: a child can die with the thread that started it.
        self._thread = ThreadPoolExecutor(1, "server")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown()

    def connect(self) -> Transport:
        """A new transport by the plug-in of the URL's scheme."""
        return connect(self._server.url)

    async def start(self) -> None:
        """Start the server again."""
        await self._call(self._server.start)

    async def stop(self) -> None:
        """Stop the server."""
        await self._call(self._server.stop)

    async def kill(self) -> None:
        """Kill the server."""
        await self._call(self._server.kill)

    async def _call(self, act: Callable[[], None]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, act)
