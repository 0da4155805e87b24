"""Sends bytes of a file for as long as its principal may have them."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable

from aiohttp import web

from nova.edge.access import Access
from nova.edge.edge_config import EdgeLimits
from nova.edge.errors import AccessError

BLOCK_BYTES = 256 * 1024

log = logging.getLogger(__name__)


class FileSender:
    """`check` raises AccessError once a principal may have no more."""

    def __init__(self, check: Callable[[Access], None], limits: EdgeLimits) -> None:
        self._check = check
        self._limits = limits

    async def send(
        self,
        request: web.Request,
        response: web.StreamResponse,
        access: Access,
        descriptor: int,
        span: tuple[int, int],
    ) -> web.StreamResponse:
        """Send a response with the bytes of a span of a file, or only its head."""
        at, stop = span
        response.content_length = stop - at
        await response.prepare(request)
        if request.method == "HEAD":
            return response
        try:
            while at < stop:
                count = min(BLOCK_BYTES, stop - at)
                block = await asyncio.to_thread(os.pread, descriptor, count, at)
                if not block:
                    raise AccessError("the file was cut meanwhile")
                at += len(block)
                self._check(access)
                async with asyncio.timeout(self._limits.send_timeout_s):
                    await response.write(block)
        except (TimeoutError, AccessError) as error:
            reason = str(error) or "the client did not read"
            log.info("download aborted", extra={"context": {"reason": reason}})
            if request.transport is not None:
                request.transport.abort()
        return response
