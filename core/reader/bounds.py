"""Where an archive's timeline begins and ends: what is timeless lies at the epoch, and is no part
of it.
"""

from __future__ import annotations

from core.ordering import LAST_TAIL, TIMELESS_NS, Timebase, time_key, time_of
from core.reader.reading import Span
from core.reader.view import View
from core.store.scan import first, last
from sdk.timestamps import NS_MAX, NS_MIN


def spans_of_ends(timebase: Timebase, *, reverse: bool) -> list[Span]:
    """Where to look for one end of a timeline: everywhere, and if that is timeless, beyond it."""
    whole = Span(timebase, reverse=reverse)
    if timebase == "canonical":
        return [whole]
    if reverse:
        return [whole, whole._replace(stop_ns=TIMELESS_NS - 1)]
    return [whole, whole._replace(start_ns=TIMELESS_NS + 1)]


def is_timeless(span: Span, time_ns: int) -> bool:
    """Whether an event at this time holds since ever."""
    return span.timebase == "source" and time_ns == TIMELESS_NS


def clipped(view: View, span: Span) -> tuple[int, int]:
    """A span with the archive's own ends where its own are open."""
    low, high = span.start_ns, span.stop_ns
    if low == NS_MIN:
        low = _end(view, span.timebase, reverse=False) or 0
    if high == NS_MAX:
        found = _end(view, span.timebase, reverse=True)
        high = low if found is None else max(low, found)
    return low, high


def _end(view: View, timebase: Timebase, *, reverse: bool) -> int | None:
    family = view.archive.families[timebase]
    for span in spans_of_ends(timebase, reverse=reverse):
        lower, upper = time_key(span.start_ns), time_key(span.stop_ns) + LAST_TAIL
        row = (last if reverse else first)(family, lower, upper)
        if row is not None and not is_timeless(span, time_of(row[0])):
            return time_of(row[0])
    return None
