"""Steps along a timeline: the event next to a time, and the extent of the archive."""

from __future__ import annotations

import msgspec

from nova.core.effect import moment
from nova.core.ordering import Timebase, time_of
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_filter import EventFilter
from nova.core.query.extent import end_search_spans, extent_end, first_hit, is_undated
from nova.core.query.given_back_info import given_back_from
from nova.core.query.page import parse_key, parse_time_or
from nova.core.query.range_cursor import Hit, RangeCursor, Span
from nova.core.query.summary import visible_events
from nova.core.query.visibility import EVERYTHING, Visibility
from nova.sdk import timestamps
from nova.sdk.protocol.messages import Filters
from nova.sdk.protocol.timeline import AHEAD_MAX, ExtentResponse, Neighbour, NeighbourResponse
from nova.sdk.timestamps import NS_MAX, NS_MIN


async def neighbour(
    snapshot: ArchiveSnapshot,
    request: Neighbour,
    timebase: Timebase,
    visibility: Visibility = EVERYTHING,
) -> NeighbourResponse:
    """The nearest wanted event strictly before or after a time; with `after_key`, the next one
    after that key, as several events may share their time.
    """
    time = parse_time_or("time", request.time, NS_MIN)
    after = parse_key(request.after_key)
    reverse = request.direction == "previous"
    snapshot.refresh()
    span = (
        _span_beside(time, timebase, reverse) if after is None else Span(timebase, reverse=reverse)
    )
    if span is None:
        return NeighbourResponse()
    event_filter = EventFilter(request.filters, snapshot.series, visibility)
    found = await first_hit(RangeCursor(snapshot, event_filter, span, after))
    if found is not None and is_undated(span, time_of(found[0])):
        found = await _first_beyond_undated(snapshot, event_filter, span)
    if found is None:
        return NeighbourResponse()
    key, stored = found
    return NeighbourResponse(
        time=timestamps.text(time_of(key)), key=key.hex(), event=msgspec.Raw(stored)
    )


async def _first_beyond_undated(
    snapshot: ArchiveSnapshot, event_filter: EventFilter, span: Span
) -> Hit | None:
    """The nearest event beyond the undated ones, which are never the result of a step."""
    beyond = end_search_spans(span.timebase, reverse=span.reverse)[-1]
    return await first_hit(RangeCursor(snapshot, event_filter, beyond))


def _span_beside(time: int, timebase: Timebase, reverse: bool) -> Span | None:
    """The span strictly before or after a time; None if that is empty."""
    if reverse:
        return None if time == NS_MIN else Span(timebase, NS_MIN, time - 1, reverse=True)
    return None if time == NS_MAX else Span(timebase, time + 1, NS_MAX)


async def extent(
    snapshot: ArchiveSnapshot, timebase: Timebase, visibility: Visibility = EVERYTHING
) -> ExtentResponse:
    """The times of the first and the last durable event and the number of events; likewise for
    events dated ahead of now.
    """
    snapshot.refresh()
    wanted = EventFilter(Filters(), snapshot.series, visibility)
    now_ns = moment.now(timebase, snapshot.watermark).time_ns
    first, last = [
        _text(await extent_end(snapshot, wanted, timebase, reverse=reverse))
        for reverse in (False, True)
    ]
    present = _text(await extent_end(snapshot, wanted, timebase, reverse=True, stop_ns=now_ns))
    ahead, following = (
        (0, None) if present == last else await _count_ahead(snapshot, wanted, timebase, now_ns)
    )
    return ExtentResponse(
        time=timestamps.text(now_ns),
        start_time=first,
        present_time=present,
        next_time=following,
        stop_time=last,
        timebase=timebase,
        events=visible_events(snapshot, visibility),
        ahead=ahead,
        given_back=given_back_from(snapshot, wanted),
    )


async def _count_ahead(
    snapshot: ArchiveSnapshot, wanted: EventFilter, timebase: Timebase, now_ns: int
) -> tuple[int, str | None]:
    """The number of events dated ahead of now, up to AHEAD_MAX, and the time of the first."""
    range_cursor = RangeCursor(snapshot, wanted, Span(timebase, now_ns + 1, NS_MAX))
    count, following = 0, None
    while not range_cursor.done and count < AHEAD_MAX:
        found = await range_cursor.next_slice(AHEAD_MAX - count)
        if found and following is None:
            following = timestamps.text(time_of(found[0][0]))
        count += len(found)
    return count, following


def _text(time_ns: int | None) -> str | None:
    return None if time_ns is None else timestamps.text(time_ns)
