"""Reads the blocks of a series that a sample needs: the widest summaries whose cells are narrow
enough, and the values of the blocks that none of them covers. Their number depends on the number of
buckets, and not on that of the events.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

import numpy as np

from nova.core.ordering import Timebase, unsigned_time
from nova.core.query.sample_buckets import SampleBuckets
from nova.core.store.column_cells import unsigned_times
from nova.core.store.column_codec import decode_integers
from nova.core.store.column_rows import ColumnRows
from nova.core.store.column_tree import BlockId, children, roots
from nova.core.store.column_zone import TimesZone, decode_cells
from nova.core.store.sample_store import SampledSeries

ZonedBlock = tuple[BlockId, TimesZone]


class SampleBlocks:
    """Adds a series' blocks to buckets."""

    def __init__(
        self,
        rows: ColumnRows,
        number: int,
        record: SampledSeries,
        buckets: SampleBuckets,
        timebase: Timebase,
    ) -> None:
        self._rows = rows
        self._number = number
        self._record = record
        self._buckets = buckets
        self._timebase: Timebase = timebase

    def parts(self, max_blocks: int) -> Iterator[list[ZonedBlock]]:
        """The blocks that make up the buckets, as many at once as given."""
        blocks = iter(self._blocks())
        while part := list(islice(blocks, max_blocks)):
            yield part

    def _blocks(self) -> Iterator[ZonedBlock]:
        found = roots(self._record.units, self._record.sizes)
        while found:
            zones = self._rows.times_zones(self._number, found)
            below: list[BlockId] = []
            for block, zone in zip(found, zones, strict=True):
                if not self._overlaps(zone):
                    continue
                if block.level and zone.cells[self._timebase].level > self._buckets.chosen.level:
                    below += children(block, self._record.sizes)
                else:
                    yield block, zone
            found = below

    def _overlaps(self, zone: TimesZone) -> bool:
        first, last = map(self._bucket, zone.span(self._timebase))
        chosen = self._buckets.chosen
        return zone.events > 0 and first < chosen.first + chosen.total and last >= chosen.first

    def _bucket(self, at_ns: int) -> int:
        return unsigned_time(at_ns) >> self._buckets.chosen.level

    def add(self, part: list[ZonedBlock], columns: Mapping[int, int]) -> None:
        """Add blocks; `columns` by the index of their fields."""
        narrow: list[ZonedBlock] = []
        for block, zone in part:
            first, last = map(self._bucket, zone.span(self._timebase))
            if first == last:
                self._add_zone(block, first, columns)
            elif block.level:
                self._add_cells(block, zone, columns)
            else:
                narrow.append((block, zone))
        if narrow:
            self._add_values([block for block, _ in narrow], columns)

    def _add_zone(self, block: BlockId, bucket: int, columns: Mapping[int, int]) -> None:
        for index, column in columns.items():
            (zone,) = self._rows.column_zones(self._number, column, [block])
            if zone is not None:
                self._buckets.add_zone(index, zone, bucket)

    def _add_cells(self, block: BlockId, times: TimesZone, columns: Mapping[int, int]) -> None:
        cells = times.cells[self._timebase]
        numbers = decode_integers(cells.buckets).view(np.uint64)
        for index, column in columns.items():
            (zone,) = self._rows.column_zones(self._number, column, [block])
            if zone is not None:
                values = decode_cells(zone.cells[self._timebase])
                self._buckets.add_cells(index, values, cells.level, numbers)

    def _add_values(self, blocks: list[BlockId], columns: Mapping[int, int]) -> None:
        wanted = [block.number for block in blocks]
        found_times = self._rows.block_times(self._number, wanted, (self._timebase,))
        times = [unsigned_times(of_block) for (of_block,) in found_times]
        for index, column in columns.items():
            zones = self._rows.column_zones(self._number, column, blocks)
            places = [place for place, zone in enumerate(zones) if zone is not None]
            numbers = [blocks[place].number for place in places]
            found = self._rows.block_columns(self._number, column, numbers)
            for place, values in zip(places, found, strict=True):
                self._buckets.add_values(index, values, times[place])
