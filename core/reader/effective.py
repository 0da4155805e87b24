"""Metadata as of a time: what is in effect follows from effectiveTime, not from when it was told
(A-146…A-152, AMB-37).

In source time an event is in effect from its effectiveTime on. In canonical time nothing is in
effect before it was received, and what was told ahead of its time takes effect as much later.
Without effectiveTime it is the event's own time. Of several the one with the greatest such time
counts, and of equal ones the last in the order.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Generic, NamedTuple, TypeVar

import msgspec

from core.ordering import TIMEBASES, Timebase, time_of
from core.reader.discover import Place, places_of
from core.reader.lookup import look_up
from core.reader.view import View
from core.store.keys import event_id_of
from sdk import timestamps
from sdk.timestamps import NS_MIN

PART_EVENTS = 200
PART_MAX_BYTES = 4 * 1024 * 1024

Value = TypeVar("Value")
Order = tuple[int, int, bytes]
"""When it takes effect, its own time and its eventId: what decides between two."""


class _Times(msgspec.Struct, rename="camel"):
    source_truth_time: str
    effective_time: str | None = None


class _Entry(NamedTuple, Generic[Value]):
    order: Order
    number: int
    """Of the entry, so that values are never compared."""

    value: Value


@dataclass(slots=True)
class _Told(Generic[Value]):
    """All that one series has told, by when it takes effect."""

    seen_ns: int = NS_MIN
    count: int = 0
    entries: dict[Timebase, list[_Entry[Value]]] = field(
        default_factory=lambda: {timebase: [] for timebase in TIMEBASES}
    )


_times = msgspec.json.Decoder(_Times)


class Effective(Generic[Value]):
    """What series of metadata have told, remembered; only what is new is read."""

    def __init__(self, view: View, read: Callable[[bytes], Value | None]) -> None:
        self._view = view
        self._read = read
        self._told: dict[int, _Told[Value]] = {}

    def as_of(self, number: int, timebase: Timebase, time_ns: int) -> Value | None:
        """What is in effect of a series at a time."""
        entries = self.all_of(number, timebase, time_ns)
        return entries[-1].value if entries else None

    def all_of(self, number: int, timebase: Timebase, time_ns: int) -> Sequence[_Entry[Value]]:
        """All that has taken effect by a time, what counts most last."""
        told = self._current(number)
        entries = told.entries[timebase]
        end = bisect_right(entries, time_ns, key=lambda entry: entry.order[0])
        return entries[:end]

    def _current(self, number: int) -> _Told[Value]:
        """What a series has told by now."""
        told = self._told.get(number)
        if told is None:
            told = self._told[number] = _Told()
        mark = self._view.mark
        if told.seen_ns >= mark:
            return told
        rows = places_of(
            self._view, number, "canonical", mark, reverse=False, from_ns=told.seen_ns + 1
        )
        while part := list(islice(rows, PART_EVENTS)):
            self._take(told, part)
        told.seen_ns = mark
        return told

    def _take(self, told: _Told[Value], rows: Sequence[Place]) -> None:
        places = [row.place for row in rows]
        start = 0
        while start < len(places):
            part = places[start:]
            for place, stored in zip(
                part, found := look_up(self._view.archive, part, part, PART_MAX_BYTES), strict=False
            ):
                self._note(told, time_of(place), stored)
            start += len(found)

    def _note(self, told: _Told[Value], canonical_ns: int, stored: bytes) -> None:
        value = self._read(stored)
        if value is None:
            return
        times = _times.decode(stored)
        source_ns = timestamps.parse(times.source_truth_time)
        effective_ns = (
            source_ns if times.effective_time is None else timestamps.parse(times.effective_time)
        )
        event_id = event_id_of(stored)
        later_ns = max(0, effective_ns - source_ns)
        orders: dict[Timebase, Order] = {
            "source": (effective_ns, source_ns, event_id),
            "canonical": (canonical_ns + later_ns, canonical_ns, event_id),
        }
        told.count += 1
        for timebase, order in orders.items():
            insort(told.entries[timebase], _Entry(order, told.count, value))
