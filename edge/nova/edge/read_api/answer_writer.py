"""Sends an answer of any length, block by block as its client reads, compressed where it may be."""

from __future__ import annotations

import asyncio
import zlib

from aiohttp import hdrs, web

from nova.edge.edge_config import EdgeLimits
from nova.edge.errors import ClientGoneError
from nova.edge.unsent import UnsentFrames

GZIP_BITS = 16 + zlib.MAX_WBITS
GZIP_LEVEL = 3
"""More costs several times the time, and saves a tenth of the bytes."""

COMPRESSED_MIN_BYTES = 1_024
ALONE_BYTES = 16 * 1024
"""A block of more is compressed in a thread, beside other clients."""


def accepts_gzip(request: web.Request) -> bool:
    """Whether the client reads gzip: named, and not with q=0."""
    for part in request.headers.get(hdrs.ACCEPT_ENCODING, "").lower().split(","):
        name, *parameters = (one.strip().replace(" ", "") for one in part.split(";"))
        if name in ("gzip", "x-gzip", "*"):
            weights = (one[2:].rstrip("0.") for one in parameters if one.startswith("q="))
            return all(weights)
    return False


class AnswerWriter:
    """One response. A client that does not read a block in time is disconnected."""

    def __init__(
        self,
        request: web.Request,
        response: web.StreamResponse,
        limits: EdgeLimits,
        unsent: UnsentFrames,
    ) -> None:
        self._request = request
        self._response = response
        self._limits = limits
        self._unsent = unsent
        self._gzip = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, GZIP_BITS)
        self.compresses = accepts_gzip(request)

    async def prepare(self) -> None:
        """Send the headers."""
        if self.compresses:
            self._response.headers[hdrs.CONTENT_ENCODING] = "gzip"
        await self._response.prepare(self._request)

    async def write(self, block: bytes) -> None:
        """Send a block; returns once there is room for the next one. Raises ClientGoneError."""
        await self._send(await self._compressed(block))

    async def end(self, block: bytes) -> None:
        """Send the last block of a whole answer."""
        await self.write(block)
        if self.compresses:
            await self._send(self._gzip.flush())
        await self._response.write_eof()

    async def cut(self, block: bytes) -> None:
        """Send the last block of an answer that is not whole, and close the connection before the
        end that HTTP marks: no client takes it for whole.
        """
        await self.write(block)
        if self.compresses:
            await self._send(self._gzip.flush(zlib.Z_SYNC_FLUSH))
        if self._request.transport is not None:
            self._request.transport.close()

    async def _compressed(self, block: bytes) -> bytes:
        if not self.compresses or not block:
            return block
        if len(block) < ALONE_BYTES:
            return self._gzip.compress(block)
        return await asyncio.to_thread(self._gzip.compress, block)

    async def _send(self, block: bytes) -> None:
        if not block:
            return
        try:
            with self._unsent.sending(len(block), self._abort):
                async with asyncio.timeout(self._limits.send_timeout_s):
                    await self._response.write(block)
        except TimeoutError:
            self._abort()
            raise ClientGoneError("the client did not read for too long") from None
        except OSError as error:
            raise ClientGoneError(str(error)) from None

    def _abort(self) -> None:
        if self._request.transport is not None:
            self._request.transport.abort()
