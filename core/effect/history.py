"""Histories: what one subject has been told to be, and what of it is in effect at a moment.

In source time an event is in effect from its effectiveTime on, without one from its own time on. In
canonical time nothing is in effect before it was received, and what was told ahead of its time
takes effect as much later. Of several the one with the greatest such time counts, and of equal ones
the last in the order.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

import msgspec

from core.effect.moment import Moment
from core.ordering import TIMEBASES, Timebase
from core.store.keys import event_id_of
from sdk import timestamps
from sdk.timestamps import NS_MAX, NS_MIN, NS_PER_SECOND

CLOCK_AHEAD_MAX_NS = 14 * 3_600 * NS_PER_SECOND
"""How far a producer's clock is taken to be ahead of the Core's: the largest offset of any zone,
for local time that is sent as UTC. What is dated further ahead is meant for later.
"""

Value = TypeVar("Value")
Order = tuple[int, int, bytes]
"""When it takes effect, its own time and its eventId: what decides between two."""


class Told(NamedTuple):
    """When something was told: received, by its producer's clock, and for when."""

    canonical_ns: int
    source_ns: int
    effective_ns: int
    event_id: bytes

    def order(self, timebase: Timebase) -> Order:
        """Its place among others; a time beyond all times is the last one."""
        if timebase == "source":
            return self.effective_ns, self.source_ns, self.event_id
        later_ns = max(0, self.effective_ns - self.source_ns)
        return min(self.canonical_ns + later_ns, NS_MAX), self.canonical_ns, self.event_id


class Entry(NamedTuple, Generic[Value]):
    """One thing that was told."""

    order: Order
    number: int
    """Of the entry, so that values are never compared."""

    told: Told
    value: Value


class _Times(msgspec.Struct, rename="camel"):
    source_truth_time: str
    effective_time: str | None = None


_times = msgspec.json.Decoder(_Times)


def told_of(canonical_ns: int, stored: bytes) -> Told:
    """When a stored event was told."""
    times = _times.decode(stored)
    source_ns = timestamps.parse(times.source_truth_time)
    effective = times.effective_time
    effective_ns = source_ns if effective is None else timestamps.parse(effective)
    return Told(canonical_ns, source_ns, effective_ns, event_id_of(stored))


def effect_of(entry: Entry[Value]) -> int:
    """From when on it is in effect."""
    return entry.order[0]


def in_effect(entries: Sequence[Entry[Value]], time_ns: int) -> int:
    """How many of some entries in their order have taken effect by a time."""
    return bisect_right(entries, time_ns, key=effect_of)


class History(Generic[Value]):
    """All that one subject has been told to be, in both timebases."""

    def __init__(self) -> None:
        self._count = 0
        self._entries: dict[Timebase, list[Entry[Value]]] = {timebase: [] for timebase in TIMEBASES}

    def add(self, told: Told, value: Value) -> None:
        """Take in one more, in any order."""
        self._count += 1
        for timebase in TIMEBASES:
            insort(self._entries[timebase], Entry(told.order(timebase), self._count, told, value))

    def entries(self, timebase: Timebase) -> Sequence[Entry[Value]]:
        """All of it by when it takes effect."""
        return self._entries[timebase]

    def until(self, moment: Moment) -> Sequence[Entry[Value]]:
        """All that has taken effect, what counts most last."""
        entries = self._entries[moment.timebase]
        return entries[: in_effect(entries, moment.time_ns)]

    def at(self, moment: Moment) -> Entry[Value] | None:
        """What is in effect."""
        entries = self._entries[moment.timebase]
        end = in_effect(entries, moment.time_ns)
        return entries[end - 1] if end else None

    def at_or_leading(self, moment: Moment) -> Entry[Value] | None:
        """The same of producers whose clock may be ahead: where nothing is in effect yet in source
        time, what was told of its own present counts from its receipt on, unless that present is
        further ahead than clocks are.
        """
        found = self.at(moment)
        if found is not None or moment.timebase == "canonical":
            return found
        return next(self._leading(moment.known_ns), None)

    def _leading(self, known_ns: int) -> Iterator[Entry[Value]]:
        entries = self._entries["canonical"]
        for entry in reversed(entries[: in_effect(entries, known_ns)]):
            if entry.told.source_ns - entry.told.canonical_ns <= CLOCK_AHEAD_MAX_NS:
                yield entry

    def settled_ns(self, timebase: Timebase) -> int:
        """From when on the last of all is in effect."""
        entries = self._entries[timebase]
        return entries[-1].order[0] if entries else NS_MIN

    def next_ns(self, timebase: Timebase, time_ns: int) -> int | None:
        """When something else takes effect after a time; None if nothing does."""
        entries = self._entries[timebase]
        end = in_effect(entries, time_ns)
        return entries[end].order[0] if end < len(entries) else None

    def forget_before(self, moment: Moment) -> None:
        """Drop what is never in effect again, for who asks of later moments of this timebase."""
        entries = self._entries[moment.timebase]
        del entries[: max(0, in_effect(entries, moment.time_ns) - 1)]
        for timebase in TIMEBASES:
            if timebase != moment.timebase:
                self._entries[timebase].clear()
