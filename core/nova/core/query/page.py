"""Bounded queries: a page of a range, and the key after which the next page starts."""

from __future__ import annotations

from typing import NamedTuple

from nova.core.errors import RequestError
from nova.core.ordering import EVENT_KEY_BYTES, ORDER_KEY_BYTES, Timebase
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_filter import EventFilter
from nova.core.query.range_cursor import Hit, RangeCursor, Span
from nova.core.query.visibility import EVERYTHING, Visibility
from nova.sdk import timestamps
from nova.sdk.errors import TimestampError
from nova.sdk.protocol.messages import Query
from nova.sdk.timestamps import NS_MAX, NS_MIN

PAGE_MAX_BYTES = 512 * 1024
"""A page of this size or more gets no further event. Reader and edge hold several copies of it for
a client that does not read, and a slow client must be able to receive it before the send timeout.
"""


class EventPage(NamedTuple):
    """Stored events in order, and the key to continue after (None: last page)."""

    events: list[bytes]
    next_key: str | None


def parse_time_or(member: str, text: str | None, default: int) -> int:
    """A request's time in ns; raises RequestError that names the member."""
    if text is None:
        return default
    try:
        return timestamps.parse(text)
    except TimestampError as error:
        raise RequestError("badTime", f"{member} {error}") from None


def parse_key(text: str | None) -> bytes | None:
    """A request's afterKey as bytes; raises RequestError unless it has the length of a key."""
    if text is None:
        return None
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) not in (EVENT_KEY_BYTES, ORDER_KEY_BYTES):
        raise RequestError(
            "badKey",
            f"afterKey is not {EVENT_KEY_BYTES} or {ORDER_KEY_BYTES} bytes in hex: pass the "
            "nextKey or lastKey of a reply unchanged",
        )
    return key


def range_cursor_of(
    snapshot: ArchiveSnapshot,
    request: Query,
    timebase: Timebase,
    visibility: Visibility = EVERYTHING,
) -> RangeCursor:
    """The range cursor of a query; raises RequestError for invalid times or keys."""
    start = parse_time_or("startTime", request.start_time, NS_MIN)
    stop = parse_time_or("stopTime", request.stop_time, NS_MAX)
    if start > stop:
        raise RequestError("badRange", "startTime is after stopTime")
    span = Span(timebase, start, stop, request.reverse)
    event_filter = EventFilter(request.filters, snapshot.series, visibility)
    return RangeCursor(snapshot, event_filter, span, parse_key(request.after_key)).guarded()


async def read_page(
    range_cursor: RangeCursor, limit: int, max_bytes: int = PAGE_MAX_BYTES
) -> EventPage:
    """Read one page. One event more than `limit` is read, to know whether there is a next page."""
    found: list[Hit] = []
    size = 0
    while len(found) <= limit and size < max_bytes and not range_cursor.done:
        part = await range_cursor.next_slice(limit + 1 - len(found), max_bytes - size)
        size += sum(len(stored) for _, stored in part)
        found += part
    if len(found) > limit:
        return EventPage([stored for _, stored in found[:limit]], found[limit - 1][0].hex())
    more = None if range_cursor.done or not found else found[-1][0].hex()
    return EventPage([stored for _, stored in found], more)
