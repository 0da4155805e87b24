"""The events of a series that have some of its fields, in the order of a timebase.

Times are read first: an event is then a row number, by which the values of a page's events are read
afterwards, a column at a time. So events that arrived in another order than their source times cost
their times in memory, and not their values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import heapify, heappop, heappush
from itertools import islice
from typing import NamedTuple

import numpy as np

from nova.core.query.field_scan import READ_MAX_BLOCKS, ScanSpan
from nova.core.query.field_values import FieldValuesPart, Waiting
from nova.core.store.column import Column, Mask
from nova.core.store.column_codec import Integers, Numbers
from nova.core.store.column_rows import BOTH, ColumnRows
from nova.core.store.column_tree import BlockId, children, roots
from nova.core.store.sample_store import SampledSeries
from nova.sdk.timestamps import NS_MAX

Leaf = tuple[int, BlockId | None]
"""A block of level 0, or None for the events that are in no block, and the first of its times."""


class ChosenRun(NamedTuple):
    """Rows of one block: where it begins, from which to before which of the ascending rows they
    are, and their places in it.
    """

    start: int
    first: int
    last: int
    places: Integers


class ChosenRows(NamedTuple):
    """Rows whose values are read, block by block. `order`: their places in ascending order, None if
    they are in it.
    """

    size: int
    order: Integers | None
    runs: list[ChosenRun]


class SeriesRows:
    """Row numbers of one series, and the values of rows. Rows of a block begin at the number of its
    first unit times the events of a unit; those of events in no block follow on the last.
    """

    def __init__(
        self,
        rows: ColumnRows,
        series: int,
        record: SampledSeries,
        columns: Sequence[int],
        span: ScanSpan,
    ) -> None:
        self._rows = rows
        self._series = series
        self._record = record
        self._columns = columns
        self._span = span
        self._unit_events = record.sizes.unit_events
        self._starts: list[int] = []
        """The first rows of the blocks that were read."""

    @property
    def tail_start(self) -> int:
        """The row number of the first event that is in no block."""
        return self._record.units * self._unit_events

    def parts(self, tail: FieldValuesPart | None) -> Iterator[FieldValuesPart]:
        """Rows in order, their numbers as `values`. `tail`: events that are in no block, in the
        order of their arrival.
        """
        waiting = Waiting(reverse=False)
        leaves = self._leaves(None if tail is None else self._inside(tail))
        for (first, _), part in self._loaded(leaves, tail):
            if waiting.is_full:
                yield from waiting.before(first)
            waiting.add(self._inside(part))
        yield from waiting.before(None)

    def _inside(self, part: FieldValuesPart) -> FieldValuesPart:
        """The rows in the span, in order."""
        part = part.select(self._span.mask(part))
        if bool((part.times[1:] >= part.times[:-1]).all()):
            return part
        return part.select(np.argsort(part.times, kind="stable"))

    # --- which blocks -----------------------------------------------------------------------------

    def _leaves(self, tail: FieldValuesPart | None) -> Iterator[Leaf]:
        """By their first times; a summary is opened when its turn comes, so that the first pages of
        a long span read little.
        """
        heap = list(self._zoned(roots(self._record.units, self._record.sizes)))
        if tail is not None and len(tail.times):
            heap.append((int(tail.times[0]), -1, None))
        heapify(heap)
        while heap:
            first, _, block = heappop(heap)
            if block is None or not block.level:
                yield first, block
                continue
            for found in self._zoned(children(block, self._record.sizes)):
                heappush(heap, found)

    def _zoned(self, blocks: Sequence[BlockId]) -> Iterator[tuple[int, int, BlockId | None]]:
        """Blocks that may have rows of the span, with their first times and a number that no other
        has, so that the heap compares no further.
        """
        start, stop = self._span.bounds()
        inside = []
        for block, zone in zip(blocks, self._rows.times_zones(self._series, blocks), strict=True):
            first, last = zone.span(self._span.timebase)
            if zone.events and first <= stop and last >= start:
                inside.append((first, block))
        held = self._holding([block for _, block in inside])
        for first, block in inside:
            if block in held:
                yield first, block.number << 8 | block.level, block

    def _holding(self, blocks: list[BlockId]) -> set[BlockId]:
        """The blocks in which one of the columns has values."""
        held: set[BlockId] = set()
        for column in self._columns:
            rest = [block for block in blocks if block not in held]
            if not rest:
                break
            zones = self._rows.column_zones(self._series, column, rest)
            held |= {block for block, zone in zip(rest, zones, strict=True) if zone is not None}
        return held

    def _loaded(
        self, leaves: Iterator[Leaf], tail: FieldValuesPart | None
    ) -> Iterator[tuple[Leaf, FieldValuesPart]]:
        """Each leaf with its rows; the first one alone, then several at once."""
        ahead = 1
        while found := list(islice(leaves, ahead)):
            blocks = [block for _, block in found if block is not None]
            read = iter(self._read_times(blocks))
            for leaf in found:
                if leaf[1] is not None:
                    yield leaf, next(read)
                elif tail is not None:
                    yield leaf, tail
            ahead = min(2 * ahead, READ_MAX_BLOCKS)

    def _read_times(self, blocks: Sequence[BlockId]) -> list[FieldValuesPart]:
        bases = BOTH if self._span.timebase == "source" else BOTH[:1]
        numbers = [block.number for block in blocks]
        self._starts += [number * self._unit_events for number in numbers]
        times = self._rows.block_times(self._series, numbers, bases)
        return [
            rows_part(of_block[-1], of_block[0], number * self._unit_events)
            for number, of_block in zip(numbers, times, strict=True)
        ]

    # --- their values -----------------------------------------------------------------------------

    def choose(self, rows: Integers) -> ChosenRows:
        """Rows of blocks that `parts` has read, or of the tail, to read columns of."""
        order = None if bool((rows[1:] > rows[:-1]).all()) else np.argsort(rows, kind="stable")
        ascending = rows if order is None else rows[order]
        starts = sorted({*self._starts, self.tail_start})
        ends = np.searchsorted(ascending, [*starts[1:], NS_MAX]).tolist()
        runs = [
            ChosenRun(start, first, last, ascending[first:last] - start)
            for start, first, last in zip(starts, [0, *ends], ends, strict=False)
            if last > first
        ]
        return ChosenRows(len(rows), order, runs)

    def values(self, column: int | None, tail: Column | None, chosen: ChosenRows) -> Column:
        """The values of rows: of those that have one. `column` and `tail`: None if no block, or no
        event in no block, has such values.
        """
        found, has = np.zeros(chosen.size), np.zeros(chosen.size, np.bool_)
        stored = [run for run in chosen.runs if run.start != self.tail_start]
        numbers = [] if column is None else [run.start // self._unit_events for run in stored]
        columns = self._rows.find_columns(self._series, column or 0, numbers)
        for run, one in zip(stored, columns, strict=False):
            if one is not None:
                _fill(found[run.first : run.last], has[run.first : run.last], run.places, one)
        for run in chosen.runs[len(stored) :]:
            if tail is not None:
                _fill(found[run.first : run.last], has[run.first : run.last], run.places, tail)
        if chosen.order is not None:
            found[chosen.order], has[chosen.order] = found.copy(), has.copy()
        return Column(found) if has.all() else Column(found[has], np.flatnonzero(has))


def rows_part(times: Integers, arrivals: Integers, start: int) -> FieldValuesPart:
    """Events with their row numbers."""
    return FieldValuesPart(times, arrivals, np.arange(start, start + len(times), dtype=np.float64))


def _fill(found: Numbers, has: Mask, places: Integers, column: Column) -> None:
    """Set the values at ascending places of a column."""
    first, last = int(places[0]), int(places[-1]) + 1
    is_run = last - first == len(places)
    if column.rows is None:
        found[:] = column.values[first:last] if is_run else column.values[places]
        has[:] = True
        return
    if is_run:
        start, stop = np.searchsorted(column.rows, (first, last))
        hits = column.rows[start:stop] - first
        found[hits], has[hits] = column.values[start:stop], True
        return
    near = np.minimum(np.searchsorted(column.rows, places), len(column.rows) - 1)
    is_hit = column.rows[near] == places
    found[is_hit] = column.values[near[is_hit]]
    has |= is_hit
