"""The `Range` header of a request (RFC 9110, section 14)."""

from __future__ import annotations

import re

from aiohttp import hdrs, web

_RANGE = re.compile(r"bytes=[ \t]*([0-9]{0,19})-([0-9]{0,19})[ \t]*", re.ASCII | re.IGNORECASE)


class RangeNotSatisfiableError(ValueError):
    """A range that begins beyond the end, or is empty."""


def requested_range(request: web.Request, size: int, etag: str) -> tuple[int, int] | None:
    """First byte and the one behind the last; None: the whole. Several ranges, other units, a
    malformed range and one of another version of the file (`If-Range`) are the whole, as the
    standard allows. Raises RangeNotSatisfiableError.
    """
    header = request.headers.get(hdrs.RANGE)
    if header is None or request.method != hdrs.METH_GET:
        return None
    if request.headers.get(hdrs.IF_RANGE, etag) != etag:
        return None
    match = _RANGE.fullmatch(header)
    if match is None or not any(match.groups()):
        return None
    first, last = match.groups()
    if not first:
        start, stop = max(0, size - int(last)), size
    else:
        start, stop = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < int(first):
            return None
    if start >= stop:
        raise RangeNotSatisfiableError
    return start, stop
