"""Bounded queries: a page of a range, and the key after which the next page starts."""

from __future__ import annotations

from typing import NamedTuple

from core.errors import QueryError
from core.ordering import ORDER_KEY_BYTES, PLACE_BYTES, Timebase
from core.reader.reading import Found, Reading, Span
from core.reader.selection import Selection
from core.reader.view import View
from sdk import timestamps
from sdk.errors import TimestampError
from sdk.protocol import Query
from sdk.timestamps import NS_MAX, NS_MIN

PAGE_MAX_BYTES = 512 * 1024
"""A page of this size or more gets no further event. Reader and edge hold several copies of it for
a client that does not read, and a slow client must be able to receive it before the send timeout.
"""


class Page(NamedTuple):
    """Stored events in order, and the key to continue after (None: last page)."""

    events: list[bytes]
    next_key: str | None


def time_or(member: str, text: str | None, default: int) -> int:
    """A request's time in ns; raises QueryError that names the member."""
    if text is None:
        return default
    try:
        return timestamps.parse(text)
    except TimestampError as error:
        raise QueryError("badTime", f"{member} {error}") from None


def key_or_none(text: str | None) -> bytes | None:
    """A request's afterKey as bytes; raises QueryError unless it has the length of a key."""
    if text is None:
        return None
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) not in (PLACE_BYTES, ORDER_KEY_BYTES):
        raise QueryError(
            "badKey",
            f"afterKey is not {PLACE_BYTES} or {ORDER_KEY_BYTES} bytes in hex: pass the nextKey or "
            "lastKey of a reply unchanged",
        )
    return key


def reading_of(view: View, request: Query, timebase: Timebase) -> Reading:
    """The range cursor of a query; raises QueryError for invalid times or keys."""
    start = time_or("startTime", request.start_time, NS_MIN)
    stop = time_or("stopTime", request.stop_time, NS_MAX)
    if start > stop:
        raise QueryError("badRange", "startTime is after stopTime")
    span = Span(timebase, start, stop, request.reverse)
    return Reading(
        view, Selection(request.filters, view.series), span, key_or_none(request.after_key)
    )


async def page_of(reading: Reading, limit: int, max_bytes: int = PAGE_MAX_BYTES) -> Page:
    """Read one page. One event more than `limit` is read, to know whether there is a next page."""
    found: list[Found] = []
    size = 0
    while len(found) <= limit and size < max_bytes and not reading.done:
        part = await reading.turn(limit + 1 - len(found), max_bytes - size)
        size += sum(len(stored) for _, stored in part)
        found += part
    if len(found) > limit:
        return Page([stored for _, stored in found[:limit]], found[limit - 1][0].hex())
    more = None if reading.done or not found else found[-1][0].hex()
    return Page([stored for _, stored in found], more)
