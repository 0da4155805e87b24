"""The latest value of a column at or before a time. Blocks are read by how late a value they may
hold, so that mostly one is read, however many there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from typing import NamedTuple

from nova.core.ordering import Timebase
from nova.core.store.column_rows import ColumnRows
from nova.core.store.column_tree import BlockId, children, roots
from nova.core.store.sample_store import SampledSeries


class LatestValue(NamedTuple):
    """The time in ns of the latest value, and the canonical times of the events that have one at
    that time.
    """

    time_ns: int
    arrivals: list[int]


class ColumnBounds(NamedTuple):
    """Up to which time of a timebase values count, and from which canonical time to which their
    events were received.
    """

    timebase: Timebase
    until_ns: int
    received_from_ns: int
    received_until_ns: int


class ColumnLatest:
    """One search. `found`: None until a value is found."""

    def __init__(
        self,
        rows: ColumnRows,
        series: int,
        record: SampledSeries,
        column: int,
        bounds: ColumnBounds,
    ) -> None:
        self._rows = rows
        self._series = series
        self._record = record
        self._column = column
        self._bounds = bounds
        self._blocks: list[tuple[int, int, BlockId]] = []
        """A heap: the latest time that a value may have, then the first unit, the highest first."""

        self.found: LatestValue | None = None

    def steps(self) -> Iterator[None]:
        """Search, a block or the blocks below one at a time."""
        self._add(roots(self._record.units, self._record.sizes))
        while self._blocks:
            latest_ns, _, block = heappop(self._blocks)
            if self.found is not None and -latest_ns < self.found.time_ns:
                return
            if block.level:
                self._add(children(block, self._record.sizes))
            else:
                self._read(block)
            yield

    def _add(self, blocks: Sequence[BlockId]) -> None:
        """Add the blocks that have values, and events in time."""
        times = self._rows.times_zones(self._series, blocks)
        zones = self._rows.column_zones(self._series, self._column, blocks)
        until_ns = self._bounds.until_ns
        for block, of_times, zone in zip(blocks, times, zones, strict=True):
            first, last = of_times.span(self._bounds.timebase)
            if zone is not None and of_times.events and first <= until_ns:
                heappush(self._blocks, (-min(last, until_ns), -self._first_unit(block), block))

    def _first_unit(self, block: BlockId) -> int:
        sizes = self._record.sizes
        scale = sizes.block_units * sizes.fan_out**block.level if block.level else 1
        return block.number * scale

    def _read(self, block: BlockId) -> None:
        (column,) = self._rows.block_columns(self._series, self._column, [block.number])
        ((canonical, source),) = self._rows.block_times(self._series, [block.number])
        bounds, arrivals = self._bounds, column.at(canonical)
        times = column.at(source) if bounds.timebase == "source" else arrivals
        is_wanted = (
            (times <= bounds.until_ns)
            & (arrivals >= bounds.received_from_ns)
            & (arrivals <= bounds.received_until_ns)
        )
        if not is_wanted.any():
            return
        newest = int(times[is_wanted].max())
        at_newest = arrivals[is_wanted & (times == newest)].tolist()
        self.found = later_of(self.found, LatestValue(newest, at_newest))


def later_of(one: LatestValue | None, other: LatestValue | None) -> LatestValue | None:
    """The later one; of two at one time, the events of both."""
    if one is None or other is None:
        return one or other
    if one.time_ns == other.time_ns:
        return LatestValue(one.time_ns, one.arrivals + other.arrivals)
    return max(one, other, key=lambda found: found.time_ns)
