"""The newest events of a series, which are in no block of the samples, as columns."""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import NamedTuple

import numpy as np

from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_key import event_keys, event_times
from nova.core.query.field_columns import FieldValues, field_columns
from nova.core.query.lookup import look_up
from nova.core.store.column_codec import Integers
from nova.core.store.sample_store import FieldColumn

PART_MAX_BYTES = 4 * 1024 * 1024
NO_TIMES = np.zeros(0, np.int64)


class SeriesTail(NamedTuple):
    """Events in the order of their arrival. `has_more`: there are further ones."""

    source: Integers = NO_TIMES
    arrivals: Integers = NO_TIMES
    fields: dict[FieldColumn, FieldValues] = {}  # noqa: RUF012  never changed
    has_more: bool = False


class TailReader:
    """Reads the events of a series after a time, and keeps those of the last call: the pages of an
    answer read them again.
    """

    def __init__(self, snapshot: ArchiveSnapshot, max_events: int, part_max_events: int) -> None:
        self._snapshot = snapshot
        self._max_events = max_events
        self._part_max_events = part_max_events
        self._kept_keys: list[bytes] = []
        self._kept = SeriesTail()

    async def read(self, series: int, after_ns: int, stop_ns: int) -> SeriesTail:
        """The first events of a series after a time, as many as may be read."""
        rows = event_keys(
            self._snapshot, series, "canonical", stop_ns, reverse=False, from_ns=after_ns + 1
        )
        keys = [row.canonical_key for row in islice(rows, self._max_events + 1)]
        has_more = len(keys) > self._max_events
        del keys[self._max_events :]
        if keys != self._kept_keys:
            source, fields = field_columns(await self._envelopes(keys))
            self._kept = SeriesTail(source, event_times(keys), fields)
            self._kept_keys = keys
        return self._kept._replace(has_more=has_more)

    async def _envelopes(self, keys: list[bytes]) -> list[bytes]:
        found: list[bytes] = []
        while len(found) < len(keys):
            part = keys[len(found) : len(found) + self._part_max_events]
            found += look_up(self._snapshot.archive, part, part, PART_MAX_BYTES)
            await asyncio.sleep(0)
        return found
