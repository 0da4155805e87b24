"""What the Core says of itself, for probes and metrics, requested at most once a second."""

from __future__ import annotations

import asyncio
import time
from typing import Generic, TypeVar

import aiohttp

from nova.edge.edge_config import EdgeLimits
from nova.edge.upstream import Upstream
from nova.sdk.errors import ProtocolError
from nova.sdk.protocol import messages
from nova.sdk.protocol.messages import (
    Message,
    Metrics,
    MetricsResponse,
    Status,
    StatusResponse,
)

CACHE_S = 1.0

_ReplyT = TypeVar("_ReplyT", bound=Message)


class CoreReply(Generic[_ReplyT]):
    """Caches the reader's last reply to one request for `CACHE_S`."""

    def __init__(
        self,
        client: aiohttp.ClientSession,
        limits: EdgeLimits,
        request: Message,
        kind: type[_ReplyT],
    ) -> None:
        self._client = client
        self._limits = limits
        self._request_frame = messages.encode(request)
        self._kind = kind
        self._lock = asyncio.Lock()
        self._cached_until = 0.0
        self._cached: _ReplyT | None = None

    async def get(self) -> _ReplyT | None:
        """The reply, or None if the reader does not reply."""
        async with self._lock:
            if time.monotonic() >= self._cached_until:
                self._cached = await self._request()
                self._cached_until = time.monotonic() + CACHE_S
        return self._cached

    async def _request(self) -> _ReplyT | None:
        upstream = Upstream(self._client, self._limits)
        try:
            async with asyncio.timeout(self._limits.ready_timeout_s):
                if not await upstream.connect() or not await upstream.send(self._request_frame):
                    return None
                async for frame in upstream.frames():
                    reply = messages.decode_reply(frame)
                    return reply if isinstance(reply, self._kind) else None
        except (TimeoutError, ProtocolError):
            return None
        finally:
            await upstream.close()
        return None


class CoreStatus(CoreReply[StatusResponse]):
    """The Core's status."""

    def __init__(self, client: aiohttp.ClientSession, limits: EdgeLimits) -> None:
        super().__init__(client, limits, Status(), StatusResponse)


class CoreMetrics(CoreReply[MetricsResponse]):
    """The metrics of the Core's processes."""

    def __init__(self, client: aiohttp.ClientSession, limits: EdgeLimits) -> None:
        super().__init__(client, limits, Metrics(), MetricsResponse)
