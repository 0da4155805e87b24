"""Learns which silences divide recordings, from the intervals between events."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from nova.core.ordering import Timebase, time_of
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_filter import EventFilter
from nova.core.query.extent import extent_end
from nova.core.query.range_cursor import RangeCursor, Span
from nova.sdk.timestamps import NS_MAX, NS_PER_SECOND

GAP_CHOICES_S = (60, 300, 1_200, 3_600, 21_600, 86_400)
"""What a gap is chosen from: a minute to a day."""

PLACES = 8
EVENTS_PER_PLACE = 250
SILENCES_SHARE = 5
"""At most one in five intervals is a silence: recordings have five moments and more."""


async def learn_gap_s(
    snapshot: ArchiveSnapshot, event_filter: EventFilter, timebase: Timebase
) -> int:
    """The gap that divides the wanted events, from events at PLACES equally distant times."""
    first = await extent_end(snapshot, event_filter, timebase, reverse=False)
    last = await extent_end(snapshot, event_filter, timebase, reverse=True)
    if first is None or last is None:
        return GAP_CHOICES_S[0]
    intervals: list[int] = []
    reached = first
    for place in range(PLACES):
        start = max(first + (last - first) * place // PLACES, reached)
        cursor = RangeCursor(snapshot, event_filter, Span(timebase, start, NS_MAX))
        times: list[int] = []
        while not cursor.done and len(times) < EVENTS_PER_PLACE:
            found = await cursor.next_slice(EVENTS_PER_PLACE - len(times))
            times += [time_of(key) for key, _ in found]
        # Events of one moment are of one interval.
        intervals += [later - time for time, later in pairwise(times) if later > time]
        reached = times[-1] if times else last
    return gap_of(intervals)


def gap_of(intervals_ns: Sequence[int]) -> int:
    """The shortest choice of which few intervals exceed the half, so that a lost event divides
    nothing, and that most of the longer ones exceed by far: the next choice would join less than
    two thirds of the recordings.
    """

    def longer(seconds: float) -> int:
        return sum(one > seconds * NS_PER_SECOND for one in intervals_ns)

    for choice, following in pairwise(GAP_CHOICES_S):
        is_rare = longer(choice / 2) * SILENCES_SHARE <= len(intervals_ns)
        if is_rare and longer(following) * 3 >= longer(choice):
            return choice
    return GAP_CHOICES_S[-1]
