"""A peer of the embedded transport: it has a task of its own that sends to it, so one that does not
read delays no other, and is disconnected.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import ClassVar

import aiohttp
from aiohttp import web

from nova.sdk.connection_ends import abort, begin, describe_peer


class LocalPeer(ABC):
    """One peer's connection, and what it is still to receive."""

    KIND: ClassVar[str]
    """What it is called in reports."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        request: web.Request,
        send_timeout_s: float,
        on_unresponsive: Callable[[str], None],
    ) -> None:
        self._socket = socket
        self._request = request
        self._send_timeout_s = send_timeout_s
        self._on_unresponsive = on_unresponsive
        self.is_closed = False

    async def _exchange(self, receive: Callable[[aiohttp.WSMessage], Awaitable[None]]) -> None:
        """Send what is queued and pass on what comes, until the peer disconnects."""
        sender = asyncio.create_task(self._run_sender())
        try:
            async for message in self._socket:
                await receive(message)
        finally:
            sender.cancel()
            await asyncio.wait((sender,))

    async def _run_sender(self) -> None:
        try:
            await self._send_queued()
        except TimeoutError:
            self._disconnect(self._silence())
        except ConnectionError:
            pass  # The peer disconnected.
        finally:
            self._end()

    async def _send(self, frame: bytes) -> None:
        """Send a frame; raises TimeoutError if the peer does not read it in time."""
        rest = begin(self._socket.send_bytes(frame))
        if rest is not None:
            await self._finish(rest)

    async def _finish(self, rest: asyncio.Task[None]) -> None:
        """Wait for what is left of a frame; raises as `_send` does."""
        async with asyncio.timeout(self._send_timeout_s):
            await asyncio.shield(rest)

    def _disconnect(self, reason: str) -> None:
        """Report why, and abort the connection."""
        self._on_unresponsive(f"the {self.KIND} {describe_peer(self._request)} {reason}")
        self._end()
        abort(self._request)

    def _end(self) -> None:
        self.is_closed = True
        self._release()

    @abstractmethod
    async def _send_queued(self) -> None:
        """Send what is queued and what will be, for ever or until the peer is gone."""

    @abstractmethod
    def _silence(self) -> str:
        """The reason for disconnecting a peer that does not read."""

    @abstractmethod
    def _release(self) -> None:
        """Wake the tasks that wait for the peer: nothing more is sent. It may be called twice."""
