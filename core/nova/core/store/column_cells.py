"""Cells: aggregates of events by time bucket, of values and of narrower cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nova.core.store.column import Column
from nova.core.store.column_codec import Integers
from nova.core.store.column_zone import Cells

UnsignedTimes = NDArray[np.uint64]
_SIGN = np.uint64(1 << 63)


def unsigned_times(times: Integers) -> UnsignedTimes:
    """The times as the unsigned numbers that keys hold."""
    return times.view(np.uint64) ^ _SIGN


def run_starts(places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where runs of equal values start."""
    is_start = np.empty(len(places), np.bool_)
    is_start[:1] = True
    np.not_equal(places[1:], places[:-1], out=is_start[1:])
    return np.flatnonzero(is_start)


class CellGrid:
    """Assigns entries (events, or cells of narrower buckets) to the occupied buckets of a level:
    the narrowest, from `finest` on, of which `cells_max` are enough.
    """

    def __init__(self, times: UnsignedTimes, cells_max: int, finest: int = 0) -> None:
        """`times`: one of each entry, in any order."""
        is_ordered = len(times) < 2 or bool((times[1:] >= times[:-1]).all())
        self.order: NDArray[np.int64] | None = None
        if not is_ordered:
            self.order = np.argsort(times, kind="stable")
            times = times[self.order]
        self.level = max(finest, _level(times, cells_max))
        of_entries = times >> np.uint64(self.level)
        is_first = np.empty(len(times), np.bool_)
        is_first[:1] = True
        np.not_equal(of_entries[1:], of_entries[:-1], out=is_first[1:])
        self.buckets = of_entries[is_first]
        self._places = np.cumsum(is_first) - 1
        """The place of each entry's cell, in the order of time."""

    def counts(self, weights: Integers | None = None) -> Integers:
        """The entries of each cell, or the sum of their weights."""
        if weights is not None and self.order is not None:
            weights = weights[self.order]
        return _counted(self._places, weights, len(self.buckets))

    def cells_of(self, column: Column) -> Cells:
        """The cells of a column of as many rows as there are entries."""
        values, places = column.values, self._places
        if column.rows is not None:
            whole, has = np.zeros(len(places)), np.zeros(len(places), np.bool_)
            whole[column.rows], has[column.rows] = values, True
            if self.order is not None:
                whole, has = whole[self.order], has[self.order]
            values, places = whole[has], places[has]
        elif self.order is not None:
            values = values[self.order]
        return self._aggregate(places, Cells(np.ones(len(values), np.int64), *[values] * 3))

    def join(self, cells: Cells) -> Cells:
        """Aggregate narrower cells, one of each entry."""
        if self.order is not None:
            order = self.order
            cells = Cells(
                cells.counts[order], cells.totals[order], cells.least[order], cells.greatest[order]
            )
        return self._aggregate(self._places, cells)

    def _aggregate(self, places: NDArray[np.int64], cells: Cells) -> Cells:
        """Entries at ascending places, aggregated by place."""
        size = len(self.buckets)
        totals, least, greatest = np.zeros(size), np.full(size, np.inf), np.full(size, -np.inf)
        if len(places):
            starts = run_starts(places)
            at = places[starts]
            with np.errstate(over="ignore", invalid="ignore"):
                totals[at] = np.add.reduceat(cells.totals, starts)
                least[at] = np.fmin.reduceat(cells.least, starts)
                greatest[at] = np.fmax.reduceat(cells.greatest, starts)
        return Cells(_counted(places, cells.counts, size), totals, least, greatest)


def _counted(places: NDArray[np.int64], weights: Integers | None, size: int) -> Integers:
    return np.bincount(places, weights, size).astype(np.int64)


def _level(ordered: UnsignedTimes, cells_max: int) -> int:
    """The narrowest level at which ordered times occupy at most `cells_max` buckets."""
    if len(ordered) <= cells_max:
        return 0
    # Neighbours are in different buckets of level k if they differ in a bit from the k-th on.
    differences = ordered[1:] ^ ordered[:-1]
    place = len(differences) - cells_max
    return int(np.partition(differences, place)[place]).bit_length()
