"""Computes summaries: the zones of several blocks as one, with cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from nova.core.ordering import TIMEBASES, Timebase
from nova.core.store.column import Column, join_columns
from nova.core.store.column_cells import CellGrid, unsigned_times
from nova.core.store.column_codec import Integers, decode_integers, encode_integers
from nova.core.store.column_rows import TIMES, ColumnRows
from nova.core.store.column_tree import BlockId
from nova.core.store.column_zone import (
    Cells,
    CellTimes,
    ColumnZone,
    Span,
    TimesZone,
    decode_cells,
    encode_cells,
    join_zones,
)

Grids = dict[Timebase, CellGrid]
NumberedZone = tuple[int, TimesZone | ColumnZone]


class BlockSummary:
    """Computes the zones of a summary of some blocks of a series."""

    def __init__(
        self, rows: ColumnRows, series: int, blocks: Sequence[BlockId], cells_max: int
    ) -> None:
        self._rows = rows
        self._series = series
        self._blocks = blocks
        self._cells_max = cells_max
        self._zones = rows.times_zones(series, blocks)

    def zones(self, columns: Mapping[int, bool]) -> Iterator[NumberedZone]:
        """The zones by column, that of TIMES first. `columns` have texts (True) or numbers."""
        times = _join_times(self._zones)
        if not times.events:
            yield TIMES, times
            return
        of_values = self._blocks[0].level == 0
        grids = self._value_grids(times) if of_values else self._cell_grids(times)
        yield TIMES, times
        for column, is_text in columns.items():
            found = self._rows.column_zones(self._series, column, self._blocks)
            known = {place: zone for place, zone in enumerate(found) if zone is not None}
            if not known:
                continue
            joined = join_zones(list(known.values()))
            if not is_text and of_values:
                whole = self._values(column, list(known))
                for timebase, grid in grids.items():
                    joined.cells[timebase] = encode_cells(grid.cells_of(whole))
            elif not is_text:
                for timebase, grid in grids.items():
                    narrow = self._cells(known, timebase)
                    joined.cells[timebase] = encode_cells(grid.join(narrow))
            yield column, joined

    def _value_grids(self, times: TimesZone) -> Grids:
        """The cells of blocks with values; sets those of the times."""
        numbers = [block.number for block in self._blocks]
        canonical, source = zip(*self._rows.block_times(self._series, numbers), strict=True)
        grids: Grids = {}
        by_base: dict[Timebase, Sequence[Integers]] = {"canonical": canonical, "source": source}
        for timebase, parts in by_base.items():
            joined = unsigned_times(np.concatenate(parts))
            grids[timebase] = grid = CellGrid(joined, self._cells_max)
            times.cells[timebase] = _cell_times(grid, None)
        return grids

    def _values(self, column: int, places: Sequence[int]) -> Column:
        """A column of all blocks; `places`: those that have it."""
        numbers = [self._blocks[place].number for place in places]
        found = self._rows.block_columns(self._series, column, numbers)
        sizes = [zone.events for zone in self._zones]
        return join_columns(sizes, dict(zip(places, found, strict=True)))

    def _cell_grids(self, times: TimesZone) -> Grids:
        """The cells of summaries; sets those of the times."""
        grids: Grids = {}
        for timebase in TIMEBASES:
            cells = [zone.cells[timebase] for zone in self._zones if zone.events]
            starts = [
                decode_integers(one.buckets).view(np.uint64) << np.uint64(one.level)
                for one in cells
            ]
            finest = max(one.level for one in cells)
            grids[timebase] = grid = CellGrid(np.concatenate(starts), self._cells_max, finest)
            counts = np.concatenate([decode_integers(one.counts) for one in cells])
            times.cells[timebase] = _cell_times(grid, counts)
        return grids

    def _cells(self, known: Mapping[int, ColumnZone], timebase: Timebase) -> Cells:
        """A column's cells of all summaries."""
        return _join_cells(
            [
                _cells_or_none(known.get(place), timebase, zone)
                for place, zone in enumerate(self._zones)
                if zone.events
            ]
        )


def _cells_or_none(zone: ColumnZone | None, timebase: Timebase, times: TimesZone) -> Cells:
    """A column's cells in a summary, all empty where it has no value there."""
    if zone is not None:
        return decode_cells(zone.cells[timebase])
    size = len(decode_integers(times.cells[timebase].buckets))
    empty = np.zeros(size, np.int64)
    return Cells(empty, np.zeros(size), np.full(size, np.inf), np.full(size, -np.inf))


def _join_cells(parts: Sequence[Cells]) -> Cells:
    return Cells(
        np.concatenate([one.counts for one in parts]),
        np.concatenate([one.totals for one in parts]),
        np.concatenate([one.least for one in parts]),
        np.concatenate([one.greatest for one in parts]),
    )


def _cell_times(grid: CellGrid, counts: Integers | None) -> CellTimes:
    buckets = encode_integers(grid.buckets.view(np.int64))
    return CellTimes(grid.level, buckets, encode_integers(grid.counts(counts)))


def _join_times(zones: Sequence[TimesZone]) -> TimesZone:
    """The zone of the times of several blocks, without cells."""
    known = [zone for zone in zones if zone.events]
    if not known:
        return TimesZone(0)
    return TimesZone(
        sum(zone.events for zone in known),
        _hull([zone.canonical for zone in known]),
        _hull([zone.source for zone in known]),
    )


def _hull(spans: Sequence[Span]) -> Span:
    return min(first for first, _ in spans), max(last for _, last in spans)
