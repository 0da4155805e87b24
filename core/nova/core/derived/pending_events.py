"""Events of a series that are not in its columns yet: as stored, or as blocks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nova.core.derived.sampler_limits import SamplerLimits
from nova.core.ordering import time_of
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_key import event_keys, event_times
from nova.core.query.field_columns import FieldValues, field_columns
from nova.core.query.lookup import look_up
from nova.core.query.range_cursor import SLICE_MAX_BYTES
from nova.core.store.column import Column, ColumnBlock, join_blocks
from nova.core.store.column_codec import Numbers
from nova.core.store.key_value import KeyValue
from nova.core.store.sample_store import (
    TEXT_MAX_CHARS,
    TEXTS_MAX,
    FieldColumn,
    SampledSeries,
)


class PendingEvents:
    """A series' record, and its events behind the last block, in canonical order."""

    def __init__(
        self, number: int, record: SampledSeries, limits: SamplerLimits, before: int, until_ns: int
    ) -> None:
        """`before`: its events up to canonical time `until_ns`, which are read when needed."""
        self.number = number
        self.record = record
        self.dropped: list[int] = []
        """Columns that turned out to be free text."""

        self._fields_max = limits.fields_max
        self._columns = {column: place for place, column in enumerate(record.columns, 1)}
        self._texts = {
            column: None if texts is None else {text: place for place, text in enumerate(texts)}
            for column, texts in record.texts.items()
        }
        self._unread, self._unread_until_ns = before, until_ns
        self._stored: list[KeyValue] = []
        self._until_ns = record.until_ns
        self._blocks: list[ColumnBlock] = []
        self._events = 0
        self.block_bytes = self.stored_bytes = 0

    def add(self, rows: list[KeyValue], mean_bytes: int) -> None:
        """Add the next events, of a mean size."""
        self._stored += rows
        self.stored_bytes += len(rows) * mean_bytes

    def forget_stored(self) -> None:
        """Free the memory of the stored events, which are read again when needed."""
        if self._stored:
            self._unread_until_ns = time_of(self._stored[-1][0])
            self._unread += len(self._stored)
            self._stored, self.stored_bytes = [], 0

    @property
    def stored(self) -> int:
        """The number of events that are not in a block yet."""
        return self._unread + len(self._stored)

    @property
    def units(self) -> int:
        """Whole units of events in blocks."""
        return self._events // self.record.sizes.unit_events

    @property
    def has_more_units(self) -> bool:
        """Whether there are more of them with the stored events."""
        return (self._events + self.stored) // self.record.sizes.unit_events > self.units

    def extract(self, snapshot: ArchiveSnapshot) -> None:
        """Make the stored events a block."""
        stored = self._stored
        if self._unread:
            stored = [*self._read(snapshot), *stored]
            self._unread = 0
        if not stored:  # They were deleted meanwhile.
            return
        block = self._block(stored)
        self._blocks.append(block)
        self._events += len(block)
        self._until_ns = int(block.canonical[-1])
        self.block_bytes += _block_bytes(block)
        self._stored, self.stored_bytes = [], 0

    def take(self, units: int) -> ColumnBlock:
        """The first units of events, which are then in the series' columns."""
        whole = join_blocks(self._blocks)
        events = units * self.record.sizes.unit_events
        self._blocks, self._events, self.block_bytes = [], len(whole) - events, 0
        if self._events:
            self._blocks.append(whole.slice(events, len(whole)))
            self.block_bytes = _block_bytes(self._blocks[0])
        return whole.slice(0, events)

    def _read(self, snapshot: ArchiveSnapshot) -> Iterator[KeyValue]:
        snapshot.refresh(self._unread_until_ns)
        rows = event_keys(
            snapshot,
            self.number,
            "canonical",
            self._unread_until_ns,
            reverse=False,
            from_ns=self._until_ns + 1,
        )
        keys = [row.canonical_key for row in rows]
        while keys:
            stored = look_up(snapshot.archive, keys, keys, SLICE_MAX_BYTES)
            yield from zip(keys, stored, strict=False)
            del keys[: len(stored)]

    def _block(self, rows: list[KeyValue]) -> ColumnBlock:
        keys, stored = zip(*rows, strict=True)
        source, fields = field_columns(stored)
        block = ColumnBlock(event_times(keys), source)
        for field, values in fields.items():
            column = self._column_number(field, values)
            if column is not None:
                numbered = values.column
                if values.texts is not None:
                    positions = self._positions(column, values.texts, numbered)
                    if positions is None:
                        continue
                    numbered = Column(positions[numbered.values.astype(np.int64)], numbered.rows)
                block.columns[column] = numbered
        return block

    def _column_number(self, field: FieldColumn, values: FieldValues) -> int | None:
        """The number of a field's column, or None if the series has too many."""
        record, number = self.record, self._columns.get(field)
        if number is None:
            if sum(one.is_text == field.is_text for one in record.columns) >= self._fields_max:
                return None
            record.columns.append(field)
            number = self._columns[field] = len(record.columns)
            if values.is_boolean:
                record.booleans.append(number)
        elif not values.is_boolean and number in record.booleans:
            record.booleans.remove(number)
        return number

    def _positions(self, number: int, texts: list[str], column: Column) -> Numbers | None:
        """The positions of these texts among those of a column, or None if it is free text."""
        known = self._texts.setdefault(number, {})
        if known is not None:
            first = np.unique(column.values, return_index=True)[1]
            for place in np.argsort(first):
                known.setdefault(texts[place], len(known))
            if len(known) <= TEXTS_MAX and all(len(text) <= TEXT_MAX_CHARS for text in texts):
                self.record.texts[number] = list(known)
                return np.array([known[text] for text in texts], np.float64)
            self._texts[number] = self.record.texts[number] = None
            self.dropped.append(number)
            for block in self._blocks:
                block.columns.pop(number, None)
        return None


def _block_bytes(block: ColumnBlock) -> int:
    columns = block.columns.values()
    values = sum(
        one.values.nbytes + (0 if one.rows is None else one.rows.nbytes) for one in columns
    )
    return 2 * block.canonical.nbytes + values
