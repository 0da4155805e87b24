"""The Core's status for probes and metrics, requested at most once a second."""

from __future__ import annotations

import asyncio
import time

import aiohttp

from edge.config import Limits
from edge.upstream import Upstream
from sdk import protocol
from sdk.errors import ProtocolError
from sdk.protocol import Status, StatusResponse

KEPT_S = 1.0


class CoreStatus:
    """Caches the reader's last status reply for `CACHE_S`."""

    def __init__(self, client: aiohttp.ClientSession, limits: Limits) -> None:
        self._client = client
        self._limits = limits
        self._asking = asyncio.Lock()
        self._known_until = 0.0
        self._known: StatusResponse | None = None

    async def get(self) -> StatusResponse | None:
        """The status, or None if the reader does not reply."""
        async with self._asking:
            if time.monotonic() >= self._known_until:
                self._known = await self._ask()
                self._known_until = time.monotonic() + KEPT_S
        return self._known

    async def _ask(self) -> StatusResponse | None:
        upstream = Upstream(self._client, self._limits)
        try:
            async with asyncio.timeout(self._limits.ready_timeout_s):
                if not await upstream.connect() or not await upstream.send(
                    protocol.encode(Status())
                ):
                    return None
                async for frame in upstream.frames():
                    reply = protocol.decode_reply(frame)
                    return reply if isinstance(reply, StatusResponse) else None
        except (TimeoutError, ProtocolError):
            return None
        finally:
            await upstream.close()
        return None
