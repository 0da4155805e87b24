"""Compresses large replies for clients that offer permessage-deflate (RFC 7692), as browsers do.

Each reply is compressed by itself, so that no connection keeps a compressor between replies: that
would be a quarter of a mebibyte. Chunks of streams are sent as they are: hundreds of clients share
their text, which would have to be compressed for each.
"""

from __future__ import annotations

from typing import Literal

from aiohttp import web

MIN_BYTES = 1_024
"""What is shorter fits into a packet anyway."""

WINDOW_BITS = 15
STREAM_PREFIX = b'{"type":"streamChunk"'

Socket = web.WebSocketResponse[Literal[False]]


def compress_replies_only(ws: Socket) -> None:
    """Let an open connection send uncompressed what is not asked to be compressed."""
    writer = ws._writer  # noqa: SLF001 - aiohttp compresses everything once it is negotiated
    if writer is not None:
        writer.compress = 0


def window_bits_of(ws: Socket, frame: bytes) -> int | None:
    """The window with which a frame is to be compressed; None: not at all."""
    if len(frame) < MIN_BYTES or frame.startswith(STREAM_PREFIX):
        return None
    return min(WINDOW_BITS, int(ws.compress)) or None
