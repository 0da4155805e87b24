"""The rows of one input in memory, and which of them were known when an event arrived."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from nova.core.derivation.input_slot import NO_ROWS
from nova.core.derivation.newest_known import newest_known
from nova.core.query.field_values import FieldValuesPart
from nova.core.store.column_codec import Integers
from nova.sdk.timestamps import NS_MAX, NS_MIN

EXTEND_FIRST_ROWS = 64
EXTEND_MAX_ROWS = 65_536
KEPT_ROWS = 4_096

ReadBefore = Callable[[int, int], tuple[FieldValuesPart, int]]
"""Reads rows before a source time in ns, about as many as asked for. Returns them, with the source
time from which on they are complete.
"""


class LackingRowsError(Exception):
    """Earlier rows are needed than are in memory."""


class KnownRows:
    """Rows by source time, then by arrival: all from `floor_ns` on of those that were inserted, and
    read before it. Of values at one source time the last received one is the newest.
    """

    def __init__(self, read_before: ReadBefore, floor_ns: int = NS_MAX + 1) -> None:
        self.floor_ns = floor_ns
        self.rows = NO_ROWS
        self._read_before = read_before
        self._extend_rows = EXTEND_FIRST_ROWS

    def insert(self, part: FieldValuesPart) -> None:
        """Add rows that have arrived. Those before the floor are read when they are needed."""
        if self.floor_ns > NS_MIN:
            part = part.select(part.times >= min(self.floor_ns, NS_MAX))
        if len(part.times) and self.floor_ns <= NS_MAX:
            self.rows = _ordered(self.rows, part)

    def extend(self) -> None:
        """Read earlier rows, twice as many as the last time."""
        part, self.floor_ns = self._read_before(self.floor_ns, self._extend_rows)
        self.rows = _ordered(part, self.rows)
        self._extend_rows = min(2 * self._extend_rows, EXTEND_MAX_ROWS)

    def trim(self, span_ns: int, kept_rows: int = KEPT_ROWS) -> None:
        """Forget rows but the newest ones, and those within a span before the newest."""
        times = self.rows.times
        self._extend_rows = EXTEND_FIRST_ROWS
        if len(times) <= kept_rows:
            return
        first = min(len(times) - kept_rows, int(np.searchsorted(times, times[-1] - span_ns)))
        if first > 0:
            self.floor_ns = int(times[first - 1]) + 1
            self.rows = self.rows.select(slice(int(np.searchsorted(times, self.floor_ns)), None))

    def windows(
        self, times: Integers, arrivals: Integers, lowest: Integers, rows_max: int | None
    ) -> Iterator[tuple[Integers, Integers]]:
        """For events with these times: first the newest row that each knew, then the one before it,
        and so on down to the time `lowest`; as places of events and of rows. Raises
        LackingRowsError.
        """
        active: Integers = np.arange(len(times))
        before: Integers = np.searchsorted(self.rows.times, times, "right")
        step = 0
        while len(active) and (rows_max is None or step < rows_max):
            step += 1
            places = newest_known(self.rows.arrivals, before, arrivals[active])
            is_found = places >= 0
            if self.floor_ns > NS_MIN and (lowest[active[~is_found]] < self.floor_ns).any():
                raise LackingRowsError
            active, places = active[is_found], places[is_found]
            is_inside = self.rows.times[places] >= lowest[active]
            active, before = active[is_inside], places[is_inside]
            if len(active):
                yield active, before


def _ordered(first: FieldValuesPart, second: FieldValuesPart) -> FieldValuesPart:
    joined = FieldValuesPart(*(np.concatenate(pair) for pair in zip(first, second, strict=True)))
    order = np.lexsort((joined.arrivals, joined.times))
    return joined if _is_ascending(order) else joined.select(order)


def _is_ascending(order: Integers) -> bool:
    return bool((order[1:] > order[:-1]).all())
