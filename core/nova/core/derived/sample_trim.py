"""Takes deleted events out of the samples: blocks that held some are rewritten, and so are the
summaries above them. A block keeps its number, and no other block changes.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nova.core.derived.column_writer import ColumnWriter
from nova.core.ordering import time_of
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_key import event_keys
from nova.core.store.column_codec import Integers
from nova.core.store.column_tree import BlockId, parent, value_blocks
from nova.core.store.sample_store import SampledSeries, SampleStore


class SampleTrim:
    """Trims the samples of one series."""

    def __init__(
        self, snapshot: ArchiveSnapshot, store: SampleStore, writer: ColumnWriter, number: int
    ) -> None:
        self._snapshot = snapshot
        self._store = store
        self._writer = writer
        self._number = number

    def trim(self, until_ns: int) -> Iterator[int]:
        """Trim a series by its deleted events, which were received up to a time. Yields 0 at
        pauses; may be repeated.
        """
        record = self._store.series(self._number)
        if record is None:
            return
        left = self._left(until_ns)
        above: dict[BlockId, None] = {}
        for block in value_blocks(record.units, record.sizes):
            (zone,) = self._store.columns.times_zones(self._number, [block.block_id])
            if zone.events and zone.canonical[0] > until_ns:
                break
            events = self._writer.read(self._number, record, block)
            mask = (events.canonical > until_ns) | np.isin(events.canonical, left)
            if not mask.all():
                self._writer.remove(self._number, record, block.block_id)
                self._writer.write(self._number, record, block, events.select(mask))
                above |= self._summaries(record, block.block_id)
                self._store.change(self._writer.take_changes())
            yield 0
        for summary in sorted(above):
            self._writer.remove(self._number, record, summary)
            self._writer.summarise(self._number, record, summary)
            self._store.change(self._writer.take_changes())
            yield 0

    def _left(self, until_ns: int) -> Integers:
        """The canonical times of the events that were received up to a time and are still there."""
        keys = event_keys(self._snapshot, self._number, "canonical", until_ns, reverse=False)
        return np.array([time_of(key.canonical_key) for key in keys], np.int64)

    def _summaries(self, record: SampledSeries, block: BlockId) -> dict[BlockId, None]:
        """The stored summaries of a block."""
        found: dict[BlockId, None] = {}
        full = record.units // record.sizes.block_units
        if block.number // record.sizes.block_units >= full:
            return found
        count = full // record.sizes.fan_out
        while (block := parent(block, record.sizes)).number < count:
            found[block] = None
            count //= record.sizes.fan_out
        return found
