"""The HTTP requests of an edge while it stops: those under way are finished, new ones refused."""

from __future__ import annotations

import asyncio

from aiohttp import web

from nova.edge.replies import Handler, error_reply
from nova.sdk.protocol.drain import REFUSAL, SHUTTING_DOWN

CLOSE = {"Connection": "close"}


class HttpDrain:
    """Counts the requests under way, those of WebSockets too."""

    def __init__(self) -> None:
        self.is_draining = False
        """Whether the edge stops: answers that have pages left end."""

        self._count = 0
        self._is_idle = asyncio.Event()
        self._is_idle.set()

    def begin(self) -> None:
        """Refuse requests from now on, also on connections that are kept alive."""
        self.is_draining = True

    async def finished(self) -> None:
        """Wait until no request is under way."""
        await self._is_idle.wait()

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self.is_draining:
            return error_reply(503, SHUTTING_DOWN, REFUSAL, CLOSE)
        self._count += 1
        self._is_idle.clear()
        try:
            return await handler(request)
        finally:
            self._count -= 1
            if self._count == 0:
                self._is_idle.set()
