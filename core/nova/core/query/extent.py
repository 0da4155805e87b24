"""First and last time of a timeline, as far as a principal sees it. Undated events (source time at
the epoch) are not part of it.
"""

from __future__ import annotations

from nova.core.ordering import UNDATED_NS, Timebase, time_of
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_filter import EventFilter
from nova.core.query.range_cursor import Hit, RangeCursor, Span
from nova.core.query.visibility import Visibility
from nova.sdk.protocol.messages import Filters
from nova.sdk.timestamps import NS_MAX, NS_MIN


def end_search_spans(timebase: Timebase, *, reverse: bool) -> list[Span]:
    """Spans to search, in order, for one end of a timeline: the whole timeline, then the part
    beyond the undated events, for the case that the first search finds one of those.
    """
    whole = Span(timebase, reverse=reverse)
    if timebase == "canonical":
        return [whole]
    if reverse:
        return [whole, whole._replace(stop_ns=UNDATED_NS - 1)]
    return [whole, whole._replace(start_ns=UNDATED_NS + 1)]


def is_undated(span: Span, time_ns: int) -> bool:
    """Whether an event at this time is undated, that is, in effect since the beginning."""
    return span.timebase == "source" and time_ns == UNDATED_NS


async def clamp_to_extent(
    snapshot: ArchiveSnapshot, span: Span, visibility: Visibility
) -> tuple[int, int]:
    """The span's start and stop in ns, open ends clamped to the extent of the visible events."""
    low, high = span.start_ns, span.stop_ns
    visible = EventFilter(Filters(), snapshot.series, visibility)
    if low == NS_MIN:
        low = await extent_end(snapshot, visible, span.timebase, reverse=False) or 0
    if high == NS_MAX:
        found = await extent_end(snapshot, visible, span.timebase, reverse=True)
        high = low if found is None else max(low, found)
    return low, high


async def extent_end(
    snapshot: ArchiveSnapshot,
    wanted: EventFilter,
    timebase: Timebase,
    *,
    reverse: bool,
    stop_ns: int = NS_MAX,
) -> int | None:
    """The time in ns of the first (`reverse`: last) wanted event up to `stop_ns`; None if there is
    none that is dated.
    """
    for span in end_search_spans(timebase, reverse=reverse):
        span = span._replace(stop_ns=min(span.stop_ns, stop_ns))
        found = await first_hit(RangeCursor(snapshot, wanted, span))
        if found is not None and not is_undated(span, time_of(found[0])):
            return time_of(found[0])
    return None


async def first_hit(range_cursor: RangeCursor) -> Hit | None:
    """The next event of a cursor; None if nothing is left."""
    while not range_cursor.done:
        if found := await range_cursor.next_slice(1):
            return found[0]
    return None
