"""Reads the rows of inputs from the events of the archive."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np

from nova.core.derivation.input_slot import NO_ROWS, InputSlot, TextNumbers, slot_rows
from nova.core.ordering import time_of
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_key import EventKey, event_keys, event_times
from nova.core.query.field_columns import field_columns
from nova.core.query.field_values import FieldValuesPart
from nova.core.query.lookup import look_up
from nova.sdk.timestamps import NS_MIN

PART_EVENTS = 5_000
PART_MAX_BYTES = 8 * 1024 * 1024


class EventRows:
    """The rows of one slot in the events that had arrived at canonical time `until_ns`."""

    def __init__(self, snapshot: ArchiveSnapshot, slot: InputSlot, texts: TextNumbers) -> None:
        self.until_ns = NS_MIN
        self._snapshot = snapshot
        self._slot = slot
        self._texts = texts

    def before(self, floor_ns: int, count: int) -> tuple[FieldValuesPart, int]:
        """Rows of about `count` events before a source time, and the source time from which on
        they are complete.
        """
        self._snapshot.refresh()
        number = self._snapshot.series.number(self._slot.series)
        if number is None or floor_ns <= NS_MIN:
            return NO_ROWS, NS_MIN
        while True:
            last_ns = floor_ns - 1
            rows = event_keys(self._snapshot, number, "source", last_ns, reverse=True)
            keys = list(islice(rows, count))
            if len(keys) < count:
                return self._rows(keys), NS_MIN
            complete_ns = keys[-1].time_ns + 1
            if complete_ns <= keys[0].time_ns:
                return self._rows([key for key in keys if key.time_ns >= complete_ns]), complete_ns
            count *= 2

    def between(self, start_ns: int, stop_ns: int) -> FieldValuesPart:
        """The rows of a range of source time, both ends included."""
        self._snapshot.refresh()
        number = self._snapshot.series.number(self._slot.series)
        if number is None:
            return NO_ROWS
        rows = event_keys(
            self._snapshot, number, "source", stop_ns, reverse=False, from_ns=start_ns
        )
        return self._rows(rows)

    def _rows(self, keys: Iterator[EventKey] | list[EventKey]) -> FieldValuesPart:
        known = (key.canonical_key for key in keys if time_of(key.canonical_key) <= self.until_ns)
        parts: list[FieldValuesPart] = []
        while part := list(islice(known, PART_EVENTS)):
            parts += self._parts(part)
        joined = [np.concatenate(columns) for columns in zip(NO_ROWS, *parts, strict=True)]
        order = np.lexsort((joined[1], joined[0]))
        return FieldValuesPart(*joined).select(order)

    def _parts(self, keys: list[bytes]) -> Iterator[FieldValuesPart]:
        while keys:
            stored = look_up(self._snapshot.archive, keys, sorted(keys), PART_MAX_BYTES)
            times, found = field_columns(stored)
            arrivals = event_times(keys[: len(stored)])
            yield slot_rows(self._slot, found, times, arrivals, self._texts)
            keys = keys[len(stored) :]
