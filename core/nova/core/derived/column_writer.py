"""Adds events to the columns of series: blocks of values, and summaries above them.

Changes are collected, and seen by the writer itself, so that one write of the database holds them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from nova.core.derived.column_summary import BlockSummary
from nova.core.store.column import ColumnBlock, join_blocks
from nova.core.store.column_rows import (
    TIMES,
    ColumnRows,
    encode_block_times,
    encode_column,
    values_key,
    zone_key,
)
from nova.core.store.column_tree import (
    BlockId,
    ValueBlock,
    all_blocks,
    changed_blocks,
    children,
    is_last_child,
    parent,
)
from nova.core.store.column_zone import column_zone, encode_zone, times_zone
from nova.core.store.sample_store import (
    SampledSeries,
    SampleStore,
    encode_series,
    series_record_key,
)


class ColumnWriter:
    """Collects changes of the samples' rows."""

    def __init__(self, store: SampleStore) -> None:
        self._store = store
        self._changes: dict[bytes, bytes | None] = {}
        """None: the row is removed."""

        self._rows = ColumnRows(self._get_many)

    def take_changes(self) -> dict[bytes, bytes | None]:
        """The rows to write and to remove (None) since the last call."""
        changes, self._changes = self._changes, {}
        return changes

    def append(self, number: int, record: SampledSeries, block: ColumnBlock) -> None:
        """Add whole units of events to a series, after all that it has; updates its record."""
        units = record.units + len(block) // record.sizes.unit_events
        old, new = changed_blocks(record.units, units, record.sizes)
        parts = [self.read(number, record, one) for one in old]
        for one in old:
            self.remove(number, record, one.block_id)
        record.units, record.until_ns = units, int(block.canonical[-1])
        whole = join_blocks([*parts, block])
        kept = sum(map(len, parts)) - sum(one.units for one in old) * record.sizes.unit_events
        """Negative if events of the replaced blocks were deleted."""
        ends = np.cumsum([0, *(one.units for one in new)]) * record.sizes.unit_events
        for one, (start, stop) in zip(new, pairwise(ends), strict=True):
            part = whole.slice(max(0, start + kept), max(0, stop + kept))
            self.write(number, record, one, part)
        self._changes[series_record_key(number)] = encode_series(record)

    def read(self, number: int, record: SampledSeries, block: ValueBlock) -> ColumnBlock:
        """A stored block with all of its columns."""
        ((canonical, source),) = self._rows.block_times(number, [block.number])
        found = ColumnBlock(canonical, source)
        for column in self._columns_of(number, record, block.block_id):
            (found.columns[column],) = self._rows.block_columns(number, column, [block.number])
        return found

    def write(
        self, number: int, record: SampledSeries, block: ValueBlock, events: ColumnBlock
    ) -> None:
        """Store a block, and the summaries that it completes."""
        place = block.block_id
        self._changes[values_key(number, TIMES, block.number)] = encode_block_times(events)
        self._changes[zone_key(number, TIMES, place)] = encode_zone(times_zone(events))
        for column, one in events.columns.items():
            zone = column_zone(one.values, is_text=record.is_text(column))
            self._changes[zone_key(number, column, place)] = encode_zone(zone)
            encoded = encode_column(one, len(events))
            self._changes[values_key(number, column, block.number)] = encoded
        if block.units == record.sizes.block_units:
            self._summarise_above(number, record, place)

    def _summarise_above(self, number: int, record: SampledSeries, block: BlockId) -> None:
        while is_last_child(block, record.sizes):
            block = parent(block, record.sizes)
            self.summarise(number, record, block)

    def summarise(self, number: int, record: SampledSeries, summary: BlockId) -> None:
        """Store a summary of stored blocks."""
        below = children(summary, record.sizes)
        columns = {column: record.is_text(column) for column in record.column_numbers}
        summaries = BlockSummary(self._rows, number, below, record.sizes.cells_max)
        for column, zone in summaries.zones(columns):
            self._changes[zone_key(number, column, summary)] = encode_zone(zone)

    def remove(self, number: int, record: SampledSeries, block: BlockId) -> None:
        """Remove the rows of a block."""
        for column in (TIMES, *self._columns_of(number, record, block)):
            self._changes[zone_key(number, column, block)] = None
            if block.level == 0:
                self._changes[values_key(number, column, block.number)] = None

    def drop_column(self, number: int, record: SampledSeries, column: int) -> None:
        """Remove a column from all blocks of a series."""
        for block in all_blocks(record.units, record.sizes):
            self._changes[zone_key(number, column, block)] = None
            if block.level == 0:
                self._changes[values_key(number, column, block.number)] = None

    def _columns_of(self, number: int, record: SampledSeries, block: BlockId) -> list[int]:
        """The columns that have values in a block."""
        columns = record.column_numbers
        keys = [zone_key(number, column, block) for column in columns]
        return [
            column
            for column, zone in zip(columns, self._get_many(keys), strict=True)
            if zone is not None
        ]

    def _get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        unchanged = [key for key in keys if key not in self._changes]
        stored = dict(zip(unchanged, self._store.get_many(unchanged), strict=True))
        return [self._changes[key] if key in self._changes else stored[key] for key in keys]
