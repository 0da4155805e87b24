"""Reads the rows of inputs over history: from the columns of the sampler where it has them, else
from the events.
"""

from __future__ import annotations

import logging

import numpy as np

from nova.core.derivation.event_rows import EventRows
from nova.core.derivation.input_slot import NO_ROWS, InputSlot, TextNumbers, slot_values
from nova.core.errors import DerivedDamagedError, RequestError
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.field_scan import FieldScan, ScanBlock, ScanSpan
from nova.core.query.field_values import FieldValuesPart
from nova.core.query.stored_field import StoredField, stored_field
from nova.core.store.column_zone import ColumnZone
from nova.core.store.sample_store import SampleStore

TAIL_MAX_EVENTS = 20_000
"""Most events that the sampler has not reached and that are read beside the columns."""

log = logging.getLogger(__name__)


class _AllHot:
    """Every block is read."""

    def is_cold(self, zone: ColumnZone) -> bool:
        return False

    def constant(self, zone: ColumnZone) -> float | None:
        return None


class ColumnReader:
    """The rows of one slot. `store`: the samples; None if there are none."""

    def __init__(
        self,
        snapshot: ArchiveSnapshot,
        store: SampleStore | None,
        slot: InputSlot,
        texts: TextNumbers,
        events: EventRows,
    ) -> None:
        self._slot = slot
        self._texts = texts
        self._events = events
        self._series = snapshot.series.number(slot.series)
        self._field: StoredField | None = None
        if store is not None and self._series is not None:
            self._field = self._stored(snapshot, store, self._series)

    @property
    def reads_columns(self) -> bool:
        return self._field is not None

    def _stored(
        self, snapshot: ArchiveSnapshot, store: SampleStore, series: int
    ) -> StoredField | None:
        path, is_text = self._slot.column
        try:
            field = stored_field(
                snapshot, store, series, (path, is_text), "source", TAIL_MAX_EVENTS
            )
        except (RequestError, DerivedDamagedError):  # Free text has no column.
            return None
        return None if field.column is None or field.is_behind else field

    def between(self, start_ns: int, stop_ns: int) -> FieldValuesPart:
        """The rows of a range of source time, both ends included."""
        if self._field is not None:
            try:
                return self._from_columns(self._field, start_ns, stop_ns)
            except (DerivedDamagedError, RequestError) as error:
                log.warning("reading events", extra={"context": {"reason": str(error)}})
                self._field = None
        return self._events.between(start_ns, stop_ns)

    def _from_columns(self, field: StoredField, start_ns: int, stop_ns: int) -> FieldValuesPart:
        assert self._series is not None and field.column is not None
        span = ScanSpan("source", start_ns, stop_ns)
        scan = FieldScan(field.rows, self._series, field.record, field.column, span)
        parts = [NO_ROWS]
        for part in scan.parts(_AllHot(), field.tail):
            assert not isinstance(part, ScanBlock)
            parts.append(part)
        joined = FieldValuesPart(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
        values = slot_values(self._slot, joined.values, field.texts, self._texts)
        known = joined.arrivals <= self._events.until_ns
        return joined._replace(values=values).select(known)
