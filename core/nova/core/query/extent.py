"""First and last time of an archive's timeline. Undated events (source time at the epoch) are
not part of it.
"""

from __future__ import annotations

from nova.core.ordering import LAST_TAIL, UNDATED_NS, Timebase, time_key, time_of
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.range_cursor import Span
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


def clamp_to_extent(snapshot: ArchiveSnapshot, span: Span) -> tuple[int, int]:
    """The span's start and stop in ns, open ends clamped to the archive's extent."""
    low, high = span.start_ns, span.stop_ns
    if low == NS_MIN:
        low = _extent_end(snapshot, span.timebase, reverse=False) or 0
    if high == NS_MAX:
        found = _extent_end(snapshot, span.timebase, reverse=True)
        high = low if found is None else max(low, found)
    return low, high


def _extent_end(snapshot: ArchiveSnapshot, timebase: Timebase, *, reverse: bool) -> int | None:
    events = snapshot.archive.events
    for span in end_search_spans(timebase, reverse=reverse):
        lower, upper = time_key(span.start_ns), time_key(span.stop_ns) + LAST_TAIL
        row = (events.last if reverse else events.first)(timebase, lower, upper)
        if row is not None and not is_undated(span, time_of(row[0])):
            return time_of(row[0])
    return None
