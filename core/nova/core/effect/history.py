"""Histories: the dated values of one subject, and which of them is in effect at a moment.

In source time a value is in effect from its event's effectiveTime on, or from its source time
without one. In canonical time it is in effect from its receipt on; if its effectiveTime is later
than its source time, it takes effect that much later than its receipt. The value with the latest
time of effect counts, and of equal ones the last in the event order. Of an alarm rule's
versions that have taken effect the newest counts instead (`without_replaced`).
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

import msgspec

from nova.core.effect.moment import Moment
from nova.core.ordering import TIMEBASES, Timebase
from nova.core.store.keys import event_id_of
from nova.sdk import timestamps
from nova.sdk.timestamps import NS_MAX, NS_MIN, NS_PER_SECOND

CLOCK_AHEAD_MAX_NS = 14 * 3_600 * NS_PER_SECOND
"""The most that a producer's clock is assumed to run ahead of the Core's: the largest UTC offset of
any time zone, for producers that send local time as UTC. A value dated further ahead is scheduled.
"""

Value = TypeVar("Value")
EffectOrder = tuple[int, int, bytes]
"""Time of effect, the event's own time, and eventId; the sort key of a history."""


class EventTimes(NamedTuple):
    """The times of an event: its receipt, its producer's time, and its time of effect."""

    canonical_ns: int
    source_ns: int
    effective_ns: int
    event_id: bytes

    def order(self, timebase: Timebase) -> EffectOrder:
        """The sort key in a timebase; a time of effect beyond NS_MAX is clamped to it."""
        if timebase == "source":
            return self.effective_ns, self.source_ns, self.event_id
        later_ns = max(0, self.effective_ns - self.source_ns)
        return min(self.canonical_ns + later_ns, NS_MAX), self.canonical_ns, self.event_id


class HistoryEntry(NamedTuple, Generic[Value]):
    """One value of a history."""

    order: EffectOrder
    number: int
    """Unique in its history, so that sorting never compares values."""

    times: EventTimes
    value: Value


class _TimeFields(msgspec.Struct, rename="camel"):
    source_truth_time: str
    effective_time: str | None = None


_time_decoder = msgspec.json.Decoder(_TimeFields)


def event_times(canonical_ns: int, stored: bytes) -> EventTimes:
    """The times of a stored event that was received at `canonical_ns`."""
    times = _time_decoder.decode(stored)
    source_ns = timestamps.parse(times.source_truth_time)
    effective = times.effective_time
    effective_ns = source_ns if effective is None else timestamps.parse(effective)
    return EventTimes(canonical_ns, source_ns, effective_ns, event_id_of(stored))


def effective_from(entry: HistoryEntry[Value]) -> int:
    """The time in ns at which an entry takes effect."""
    return entry.order[0]


def without_replaced(
    entries: Iterable[HistoryEntry[Value]],
) -> list[HistoryEntry[Value]]:
    """The entries of one timebase, by time of effect, where only the newest one counts: it replaces
    the older ones that take effect at or after its own time, or its time of effect.
    """
    kept: list[HistoryEntry[Value]] = []
    replaced_from_ns = NS_MAX + 1
    for entry in sorted(entries, key=_own_order, reverse=True):
        if effective_from(entry) < replaced_from_ns:
            kept.append(entry)
        replaced_from_ns = min(replaced_from_ns, earliest_change(entry.order))
    return kept[::-1]


def newest(entries: Iterable[HistoryEntry[Value]]) -> HistoryEntry[Value]:
    """Of the entries of one timebase the one with the latest time of its own."""
    return max(entries, key=_own_order)


def earliest_change(order: EffectOrder) -> int:
    """The first time in ns at which a value changes what is in effect if it replaces others."""
    effective_ns, own_ns, _ = order
    return min(effective_ns, own_ns)


def _own_order(entry: HistoryEntry[Value]) -> tuple[int, bytes]:
    _, own_ns, event_id = entry.order
    return own_ns, event_id


def count_in_effect(entries: Sequence[HistoryEntry[Value]], time_ns: int) -> int:
    """How many of the sorted entries have taken effect by a time."""
    return bisect_right(entries, time_ns, key=effective_from)


class History(Generic[Value]):
    """All values of one subject, sorted by time of effect in each timebase."""

    def __init__(self) -> None:
        self._count = 0
        self._entries: dict[Timebase, list[HistoryEntry[Value]]] = {
            timebase: [] for timebase in TIMEBASES
        }

    def add(self, times: EventTimes, value: Value) -> None:
        """Add a value; values may be added in any order."""
        self._count += 1
        for timebase in TIMEBASES:
            insort(
                self._entries[timebase],
                HistoryEntry(times.order(timebase), self._count, times, value),
            )

    def entries(self, timebase: Timebase) -> Sequence[HistoryEntry[Value]]:
        """All entries, by time of effect."""
        return self._entries[timebase]

    def until(self, moment: Moment) -> Sequence[HistoryEntry[Value]]:
        """The entries that have taken effect; the one in effect is the last."""
        entries = self._entries[moment.timebase]
        return entries[: count_in_effect(entries, moment.time_ns)]

    def entry_at(self, moment: Moment) -> HistoryEntry[Value] | None:
        """The entry in effect."""
        entries = self._entries[moment.timebase]
        end = count_in_effect(entries, moment.time_ns)
        return entries[end - 1] if end else None

    def entry_at_or_ahead(self, moment: Moment) -> HistoryEntry[Value] | None:
        """The entry in effect, for producers whose clock may run ahead.

        If nothing is in effect in source time yet, the last received entry counts whose source time
        is at most CLOCK_AHEAD_MAX_NS ahead of its receipt.
        """
        entry = self.entry_at(moment)
        if entry is not None or moment.timebase == "canonical":
            return entry
        return next(self._entries_ahead(moment.known_ns), None)

    def _entries_ahead(self, known_ns: int) -> Iterator[HistoryEntry[Value]]:
        entries = self._entries["canonical"]
        for entry in reversed(entries[: count_in_effect(entries, known_ns)]):
            if entry.times.source_ns - entry.times.canonical_ns <= CLOCK_AHEAD_MAX_NS:
                yield entry

    def last_effect_ns(self, timebase: Timebase) -> int:
        """The time of effect of the last entry, NS_MIN without entries."""
        entries = self._entries[timebase]
        return entries[-1].order[0] if entries else NS_MIN

    def next_effect_ns(self, timebase: Timebase, time_ns: int) -> int | None:
        """The next time of effect after `time_ns`, or None."""
        entries = self._entries[timebase]
        end = count_in_effect(entries, time_ns)
        return entries[end].order[0] if end < len(entries) else None

    def drop_before(self, moment: Moment) -> None:
        """Drop the entries that are never in effect again; only later moments of this timebase may
        be asked for from then on.
        """
        entries = self._entries[moment.timebase]
        del entries[: max(0, count_in_effect(entries, moment.time_ns) - 1)]
        for timebase in TIMEBASES:
            if timebase != moment.timebase:
                self._entries[timebase].clear()
