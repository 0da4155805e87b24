"""`/healthz`: the process answers; `/readyz`: so does its reader."""

from __future__ import annotations

import asyncio
import time

import aiohttp
import msgspec
from aiohttp import web

from edge.config import Limits
from edge.replies import json_reply
from edge.upstream import Upstream
from sdk import protocol
from sdk.errors import ProtocolError
from sdk.protocol import Status, StatusResponse

READY_CACHE_S = 1.0


class HealthReply(msgspec.Struct):
    """The body of both."""

    status: str


class Health:
    """Answers those who watch the edge; asks the reader at most once per READY_CACHE_S."""

    def __init__(self, client: aiohttp.ClientSession, limits: Limits) -> None:
        self._client = client
        self._limits = limits
        self._asking = asyncio.Lock()
        self._known_until = 0.0
        self._ready = False

    async def healthz(self, _: web.Request) -> web.Response:
        """The process is alive."""
        return json_reply(200, HealthReply("ok"))

    async def readyz(self, _: web.Request) -> web.Response:
        """The reader answers."""
        async with self._asking:
            if time.monotonic() >= self._known_until:
                self._ready = await self._ask()
                self._known_until = time.monotonic() + READY_CACHE_S
        if self._ready:
            return json_reply(200, HealthReply("ready"))
        return json_reply(503, HealthReply("the Core's reader does not answer"))

    async def _ask(self) -> bool:
        upstream = Upstream(self._client, self._limits)
        try:
            async with asyncio.timeout(self._limits.ready_timeout_s):
                if not await upstream.connect() or not await upstream.send(
                    protocol.encode(Status())
                ):
                    return False
                async for frame in upstream.frames():
                    return isinstance(protocol.decode_reply(frame), StatusResponse)
        except (TimeoutError, ProtocolError):
            return False
        finally:
            await upstream.close()
        return False
