"""Reads request bodies within a size limit and decompresses them.

aiohttp's own decompression is switched off: a body that cannot be decompressed would become an
internal error of the edge, even on routes that never read the body.
"""

from __future__ import annotations

import zlib

from aiohttp import hdrs, web

from nova.edge.errors import BodyError

IDENTITY = ("", "identity")
WINDOW_BITS = {
    "gzip": 16 + zlib.MAX_WBITS,
    "x-gzip": 16 + zlib.MAX_WBITS,
    "deflate": zlib.MAX_WBITS,
}
"""zlib's `wbits` by accepted Content-Encoding."""


async def read_body(request: web.Request, max_bytes: int) -> bytes:
    """The decompressed body; raises BodyError if its encoding is unknown or invalid."""
    body = await request.read()
    coding = request.headers.get(hdrs.CONTENT_ENCODING, "").strip().lower()
    if coding in IDENTITY:
        return body
    bits = WINDOW_BITS.get(coding)
    if bits is None:
        accepted = ", ".join(WINDOW_BITS)
        raise BodyError(f"Content-Encoding {coding[:64]!r} is not accepted: use none, {accepted}")
    return _decompress(body, coding, bits, max_bytes)


def _decompress(body: bytes, coding: str, bits: int, max_bytes: int) -> bytes:
    stream = zlib.decompressobj(bits)
    try:
        whole = stream.decompress(body, max_bytes + 1)
    except zlib.error:
        raise BodyError(f"the body is not {coding} data as its Content-Encoding says") from None
    if len(whole) > max_bytes:
        raise BodyError(f"the decompressed body exceeds {max_bytes} bytes")
    if not stream.eof or stream.unused_data:
        raise BodyError(f"the body must be exactly one complete {coding} stream")
    return whole
