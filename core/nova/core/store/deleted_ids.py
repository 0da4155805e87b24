"""The ids of deleted events, by which those are recognized when they arrive again.

Of an id its first eight bytes are kept, in rows by time slot, without the event's time. A new event
is taken for a deleted one if one of its slot begins with the same bytes: with 100,000 deleted
events in a slot, that is one of 10^14 late events. The width of slots depends on the rate of a day,
so that rows are neither many nor large.

gone/ + level (1) + start of the slot (8) + canonical time of the first deleted event (8)   heads
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left
from collections import OrderedDict, defaultdict
from collections.abc import Sequence

from nova.core.ordering import EVENT_ID_OFFSET, TIME_BYTES
from nova.core.store.families import Families
from nova.core.store.key_value import KeyValue
from nova.core.store.scan import first_row, last_row, scan

DELETED_PREFIX = b"gone/"
HEAD_BYTES = 8
LEVELS = (33, 39, 45)
"""Slots of 2^level ns: 8.6 seconds, 9.2 minutes, 9.8 hours."""

SLOT_MAX_EVENTS = 16_384
"""A day has the widest slots in which that number of its events is not exceeded on average."""

DAY_NS = 86_400 * 10**9
CACHED_MAX_SLOTS = 256
_LAST = b"\xff" * TIME_BYTES


def slot_level(events_per_day: int) -> int:
    """The level of the slots of a day with a number of events."""
    for level in reversed(LEVELS):
        if events_per_day * (1 << level) // DAY_NS <= SLOT_MAX_EVENTS:
            return level
    return LEVELS[0]


def deleted_rows(order_keys: Sequence[bytes], level: int, first_event_key: bytes) -> list[KeyValue]:
    """The rows of events that are deleted together; the first one's event key makes them unique."""
    slots: defaultdict[int, list[bytes]] = defaultdict(list)
    for key in order_keys:
        slots[_slot(key, level)].append(key[EVENT_ID_OFFSET : EVENT_ID_OFFSET + HEAD_BYTES])
    first = first_event_key[:TIME_BYTES]
    return [(_slot_key(level, slot) + first, b"".join(heads)) for slot, heads in slots.items()]


def _slot(order_key: bytes, level: int) -> int:
    return int.from_bytes(order_key[:TIME_BYTES], "big") >> level


def _level_key(level: int) -> bytes:
    return DELETED_PREFIX + bytes((level,))


def _slot_key(level: int, slot: int) -> bytes:
    return _level_key(level) + (slot << level).to_bytes(TIME_BYTES, "big")


class DeletedIds:
    """Look-ups; `forget` after rows were written."""

    def __init__(self, families: Families, cached_max: int = CACHED_MAX_SLOTS) -> None:
        self._families = families
        self._cached_max = cached_max
        self._spans: dict[int, tuple[int, int]] | None = None
        """By level, its first and last slot; levels without rows are absent."""

        self._cached: OrderedDict[tuple[int, int], array[int]] = OrderedDict()

    def forget(self) -> None:
        """Drop what was cached."""
        self._spans = None
        self._cached.clear()

    def is_empty(self) -> bool:
        """Whether no event was deleted."""
        return not self._levels()

    def has(self, order_key: bytes) -> bool:
        """Whether an event with this order key in source time was deleted."""
        for level, (first, last) in self._levels().items():
            slot = _slot(order_key, level)
            if first <= slot <= last:
                heads = self._heads(level, slot)
                head = int.from_bytes(
                    order_key[EVENT_ID_OFFSET : EVENT_ID_OFFSET + HEAD_BYTES], "big"
                )
                place = bisect_left(heads, head)
                if place < len(heads) and heads[place] == head:
                    return True
        return False

    def _levels(self) -> dict[int, tuple[int, int]]:
        if self._spans is None:
            self._spans = {}
            for level in LEVELS:
                bounds = _level_key(level), _level_key(level) + 2 * _LAST
                first = first_row(self._families["catalog"], *bounds)
                last = last_row(self._families["catalog"], *bounds)
                if first is not None and last is not None:
                    start = len(_level_key(level))
                    self._spans[level] = (
                        _slot(first[0][start:], level),
                        _slot(last[0][start:], level),
                    )
        return self._spans

    def _heads(self, level: int, slot: int) -> array[int]:
        """The heads of a slot, sorted."""
        known = self._cached.get((level, slot))
        if known is None:
            lower = _slot_key(level, slot)
            found = array("Q")
            for _, value in scan(self._families["catalog"], lower, lower + _LAST):
                found.frombytes(value)
            if sys.byteorder == "little":
                found.byteswap()
            known = self._cached[level, slot] = array("Q", sorted(found))
            if len(self._cached) > self._cached_max:
                self._cached.popitem(last=False)
        else:
            self._cached.move_to_end((level, slot))
        return known
