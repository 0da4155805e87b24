"""Steps along a timeline: the event next to a moment, and the first and the last of all."""

from __future__ import annotations

import msgspec

from core.ordering import Timebase, time_of
from core.reader.bounds import is_timeless, spans_of_ends
from core.reader.query import key_or_none, time_or
from core.reader.reading import Found, Reading, Span
from core.reader.selection import Selection
from core.reader.view import View
from core.store import catalog
from sdk import timestamps
from sdk.protocol import Filters
from sdk.timeline import ExtentResponse, Neighbour, NeighbourResponse
from sdk.timestamps import NS_MAX, NS_MIN


async def neighbour(view: View, request: Neighbour, timebase: Timebase) -> NeighbourResponse:
    """The nearest wanted event strictly before or after a time; with a key the one behind that key,
    for several may share their time.
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
    """The nearest event beyond those that are timeless, to which no step leads."""
    beyond = spans_of_ends(span.timebase, reverse=span.reverse)[-1]
    return await _first(Reading(view, Selection(request.filters, view.series), beyond))


def _beside(time: int, timebase: Timebase, reverse: bool) -> Span | None:
    """All that lies strictly on one side of a time."""
    if reverse:
        return None if time == NS_MIN else Span(timebase, NS_MIN, time - 1, reverse=True)
    return None if time == NS_MAX else Span(timebase, time + 1, NS_MAX)


async def extent(view: View, timebase: Timebase) -> ExtentResponse:
    """When the first and the last durable event are, and how many there are."""
    view.refresh()
    ends = [await _end(view, timebase, reverse) for reverse in (False, True)]
    counters = catalog.decode_counters(view.archive.get("catalog", catalog.COUNTERS_KEY))
    return ExtentResponse(
        start_time=ends[0], stop_time=ends[1], timebase=timebase, events=counters.events
    )


async def _end(view: View, timebase: Timebase, reverse: bool) -> str | None:
    for span in spans_of_ends(timebase, reverse=reverse):
        found = await _first(Reading(view, Selection(Filters(), view.series), span))
        if found is not None and not is_timeless(span, time_of(found[0])):
            return timestamps.text(time_of(found[0]))
    return None


async def _first(reading: Reading) -> Found | None:
    while not reading.done:
        if found := await reading.turn(1):
            return found[0]
    return None
