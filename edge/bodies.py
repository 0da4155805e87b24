"""Bodies of HTTP requests: read whole, within bounds, and unpacked where they came packed.

aiohttp would unpack them itself, and a body that cannot be unpacked would end as a failure of the
edge, also on routes that never look at it.
"""

from __future__ import annotations

import zlib

from aiohttp import hdrs, web

from edge.errors import BodyError

IDENTITY = ("", "identity")
WINDOW_BITS = {
    "gzip": 16 + zlib.MAX_WBITS,
    "x-gzip": 16 + zlib.MAX_WBITS,
    "deflate": zlib.MAX_WBITS,
}
"""What zlib is told to expect of each coding that is taken."""


async def body_of(request: web.Request, max_bytes: int) -> bytes:
    """The body as it was before it was packed; raises BodyError where it is none."""
    body = await request.read()
    coding = request.headers.get(hdrs.CONTENT_ENCODING, "").strip().lower()
    if coding in IDENTITY:
        return body
    bits = WINDOW_BITS.get(coding)
    if bits is None:
        taken = ", ".join(WINDOW_BITS)
        raise BodyError(f"Content-Encoding {coding[:64]!r} is not taken: send none, or {taken}")
    return _unpacked(body, coding, bits, max_bytes)


def _unpacked(body: bytes, coding: str, bits: int, max_bytes: int) -> bytes:
    packed = zlib.decompressobj(bits)
    try:
        whole = packed.decompress(body, max_bytes + 1)
    except zlib.error:
        raise BodyError(f"the body is not {coding}, as its Content-Encoding says") from None
    if len(whole) > max_bytes:
        raise BodyError(f"the body is larger than {max_bytes} bytes when unpacked")
    if not packed.eof or packed.unused_data:
        raise BodyError(f"the body is not one whole {coding} stream")
    return whole
