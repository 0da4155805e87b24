"""The Core's status for probes and metrics, requested at most once a second."""

from __future__ import annotations

import asyncio
import time

import aiohttp

from nova.edge.edge_config import EdgeLimits
from nova.edge.upstream import Upstream
from nova.sdk.errors import ProtocolError
from nova.sdk.protocol import messages
from nova.sdk.protocol.messages import Status, StatusResponse

CACHE_S = 1.0


class CoreStatus:
    """Caches the reader's last status reply for `CACHE_S`."""

    def __init__(self, client: aiohttp.ClientSession, limits: EdgeLimits) -> None:
        self._client = client
        self._limits = limits
        self._lock = asyncio.Lock()
        self._cached_until = 0.0
        self._cached: StatusResponse | None = None

    async def get(self) -> StatusResponse | None:
        """The status, or None if the reader does not reply."""
        async with self._lock:
            if time.monotonic() >= self._cached_until:
                self._cached = await self._request()
                self._cached_until = time.monotonic() + CACHE_S
        return self._cached

    async def _request(self) -> StatusResponse | None:
        upstream = Upstream(self._client, self._limits)
        try:
            async with asyncio.timeout(self._limits.ready_timeout_s):
                if not await upstream.connect() or not await upstream.send(
                    messages.encode(Status())
                ):
                    return None
                async for frame in upstream.frames():
                    reply = messages.decode_reply(frame)
                    return reply if isinstance(reply, StatusResponse) else None
        except (TimeoutError, ProtocolError):
            return None
        finally:
            await upstream.close()
        return None
