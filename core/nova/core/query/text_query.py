"""Find-text queries: the events of a range that have a text, page by page."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from nova.core.errors import RequestError
from nova.core.ordering import EVENT_KEY_BYTES, ORDER_KEY_BYTES, Timebase, time_of
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_texts import TextFilter
from nova.core.query.page import PAGE_MAX_BYTES, parse_key, parse_time_or
from nova.core.query.range_cursor import SLICE_MAX_EVENTS, Hit, RangeCursor, Span
from nova.core.query.visibility import EVERYTHING, Visibility
from nova.sdk import timestamps
from nova.sdk.address import LANES
from nova.sdk.protocol.message import Filters
from nova.sdk.protocol.messages import events_frame
from nova.sdk.protocol.text_messages import FindText
from nova.sdk.timestamps import NS_MAX, NS_MIN

TEXT_LANES = [lane for lane in LANES if lane != "raw"]


class TextLimits(NamedTuple):
    """How much of the archive one reply examines."""

    slices_max: int = 50
    """Slices of at most 1,000 events, which are read one by one between those of other requests."""

    slice_max_events: int = SLICE_MAX_EVENTS


TEXT_LIMITS = TextLimits()


class FoundEvents(NamedTuple):
    """A page of hits, and the key behind which the search continues (None: all is searched)."""

    hits: list[Hit]
    next_key: bytes | None


def text_cursor_of(
    snapshot: ArchiveSnapshot,
    request: FindText,
    timebase: Timebase,
    visibility: Visibility = EVERYTHING,
    *,
    merge: bool | None = None,
) -> RangeCursor:
    """The range cursor of a search; raises RequestError for invalid times, keys or lanes. `merge`:
    its access path, else the cheaper one.
    """
    start = parse_time_or("startTime", request.start_time, NS_MIN)
    stop = parse_time_or("stopTime", request.stop_time, NS_MAX)
    if start > stop:
        raise RequestError("badRange", "startTime is after stopTime")
    filters = _with_text_lanes(request.filters)
    text_filter = TextFilter(filters, snapshot.series, visibility, request.text)
    span = Span(timebase, start, stop, request.reverse)
    after = parse_key(request.after_key)
    return RangeCursor(snapshot, text_filter, span, after, merge=merge).guarded()


def _with_text_lanes(filters: Filters) -> Filters:
    """The filters without the lane that has no texts."""
    lanes = TEXT_LANES if filters.lanes is None else [one for one in filters.lanes if one != "raw"]
    if filters.lanes and not lanes:
        raise RequestError(
            "badRequest", "filters.lanes: the lane raw has bytes and no texts. Search another lane"
        )
    return msgspec.structs.replace(filters, lanes=lanes)


async def read_found(
    cursor: RangeCursor,
    limit: int,
    max_bytes: int = PAGE_MAX_BYTES,
    limits: TextLimits = TEXT_LIMITS,
) -> FoundEvents:
    """The next hits of a search, until there are enough or enough has been examined."""
    start, slices, found = cursor.after, 0, list[Hit]()
    size = 0
    while not cursor.done and len(found) < limit and size < max_bytes:
        if slices >= limits.slices_max and cursor.after != start:
            break
        part = await cursor.next_slice(limits.slice_max_events)
        slices += 1
        size += sum(len(stored) for _, stored in part)
        found += part
    kept = _within(found, limit, max_bytes)
    if len(kept) < len(found):
        return FoundEvents(kept, kept[-1][0])
    return FoundEvents(kept, None if cursor.done else _resume_key(cursor))


def _within(found: list[Hit], limit: int, max_bytes: int) -> list[Hit]:
    """The first hits, up to and with the one that reaches `max_bytes`."""
    for number, (_, stored) in enumerate(found[:limit]):
        max_bytes -= len(stored)
        if max_bytes <= 0:
            return found[: number + 1]
    return found[:limit]


def _resume_key(cursor: RangeCursor) -> bytes | None:
    """The last examined key. A merge in source time knows half of its eventId: the rest is such
    that the event of this key is not examined again.
    """
    key = cursor.after
    if key is None or len(key) == EVENT_KEY_BYTES:
        return key
    return key.ljust(ORDER_KEY_BYTES, b"\x00" if cursor.span.reverse else b"\xff")


def encode_found(request: FindText, timebase: Timebase, found: FoundEvents, given: object) -> bytes:
    """The reply with the envelopes as they are stored; `given`: what retention has deleted."""
    more: dict[str, object] = {"timebase": timebase}
    if found.next_key is not None:
        more["nextKey"] = found.next_key.hex()
        more["reached"] = timestamps.text(time_of(found.next_key))
    if given:
        more["givenBack"] = msgspec.to_builtins(given)
    events = [stored for _, stored in found.hits]
    return events_frame("findTextResponse", request.ref, events, more)
