"""Steps along a timeline: the event next to a time, and the extent of the archive."""

from __future__ import annotations

import msgspec

from core.effect import moment
from core.ordering import Timebase, time_of
from core.reader.bounds import is_timeless, spans_of_ends
from core.reader.query import key_or_none, time_or
from core.reader.reading import Found, Reading, Span
from core.reader.selection import Selection
from core.reader.view import View
from core.store import catalog
from sdk import timestamps
from sdk.protocol import Filters
from sdk.timeline import AHEAD_MAX, ExtentResponse, Neighbour, NeighbourResponse
from sdk.timestamps import NS_MAX, NS_MIN


async def neighbour(view: View, request: Neighbour, timebase: Timebase) -> NeighbourResponse:
    """The nearest wanted event strictly before or after a time; with `after_key`, the next one
    after that key, as several events may share their time.
    """
    time = time_or("time", request.time, NS_MIN)
    after = key_or_none(request.after_key)
    reverse = request.direction == "previous"
    view.refresh()
    span = _beside(time, timebase, reverse) if after is None else Span(timebase, reverse=reverse)
    if span is None:
        return NeighbourResponse()
    found = await _first(Reading(view, Selection(request.filters, view.series), span, after))
    if found is not None and is_timeless(span, time_of(found[0])):
        found = await _beyond(view, request, span)
    if found is None:
        return NeighbourResponse()
    key, stored = found
    return NeighbourResponse(
        time=timestamps.text(time_of(key)), key=key.hex(), event=msgspec.Raw(stored)
    )


async def _beyond(view: View, request: Neighbour, span: Span) -> Found | None:
    """The nearest event beyond the undated ones, which are never the result of a step."""
    beyond = spans_of_ends(span.timebase, reverse=span.reverse)[-1]
    return await _first(Reading(view, Selection(request.filters, view.series), beyond))


def _beside(time: int, timebase: Timebase, reverse: bool) -> Span | None:
    """The span strictly before or after a time; None if that is empty."""
    if reverse:
        return None if time == NS_MIN else Span(timebase, NS_MIN, time - 1, reverse=True)
    return None if time == NS_MAX else Span(timebase, time + 1, NS_MAX)


async def extent(view: View, timebase: Timebase) -> ExtentResponse:
    """The times of the first and the last durable event and the number of events; likewise for
    events dated ahead of now.
    """
    view.refresh()
    now_ns = moment.now(timebase, view.mark).time_ns
    first, last = [await _end(view, timebase, reverse) for reverse in (False, True)]
    present = await _end(view, timebase, reverse=True, stop_ns=now_ns)
    ahead, following = (0, None) if present == last else await _ahead(view, timebase, now_ns)
    counters = catalog.decode_counters(view.archive.get("catalog", catalog.COUNTERS_KEY))
    return ExtentResponse(
        time=timestamps.text(now_ns),
        start_time=first,
        present_time=present,
        next_time=following,
        stop_time=last,
        timebase=timebase,
        events=counters.events,
        ahead=ahead,
    )


async def _ahead(view: View, timebase: Timebase, now_ns: int) -> tuple[int, str | None]:
    """The number of events dated ahead of now, up to AHEAD_MAX, and the time of the first."""
    range_cursor = Reading(
        view, Selection(Filters(), view.series), Span(timebase, now_ns + 1, NS_MAX)
    )
    count, following = 0, None
    while not range_cursor.done and count < AHEAD_MAX:
        found = await range_cursor.turn(AHEAD_MAX - count)
        if found and following is None:
            following = timestamps.text(time_of(found[0][0]))
        count += len(found)
    return count, following


async def _end(view: View, timebase: Timebase, reverse: bool, stop_ns: int = NS_MAX) -> str | None:
    for span in spans_of_ends(timebase, reverse=reverse):
        span = span._replace(stop_ns=min(span.stop_ns, stop_ns))
        found = await _first(Reading(view, Selection(Filters(), view.series), span))
        if found is not None and not is_timeless(span, time_of(found[0])):
            return timestamps.text(time_of(found[0]))
    return None


async def _first(reading: Reading) -> Found | None:
    while not reading.done:
        if found := await reading.turn(1):
            return found[0]
    return None
