"""The rows of the rollups, written in the commit of the counted events, so that a crash leaves the
counts exact.

Rows hold absolute counts, and a commit writes the rows that it has changed. The most recent rows
are cached. Of the others only those that may exist are looked up: a row after the newest of its
scope is new.
"""

from __future__ import annotations

from itertools import islice

from nova.core.ordering import Timebase
from nova.core.store.archive import Archive
from nova.core.store.key_value import KeyValue
from nova.core.store.rollup import (
    COARSEST_LEVEL,
    FINEST_LEVEL,
    LEVEL_STEP,
    LEVELS,
    ROW_STEP,
    bucket_time,
    coarsen,
    decode_row,
    encode_row,
    newest_row,
    pack_rows,
    row_head,
    stored_rows,
)
from nova.core.writer.rollup_counts import BucketCounts, RollupCounts

CACHED_MAX_ROWS = 20_000
"""Cached rows, of some 300 bytes each. One of the finest level covers about a second, so they span
hours of source time.
"""


class RollupRows:
    """The cached rows of an archive."""

    def __init__(self, archive: Archive, cached_max: int = CACHED_MAX_ROWS) -> None:
        self._archive = archive
        self._cached_max = cached_max
        self._rows: dict[bytes, int] = {}
        self._newest: dict[tuple[Timebase, str], int] = {}

    def after(self, counts: RollupCounts) -> list[KeyValue]:
        """The catalog rows that these counts change, which have to be written with their events.
        Counts of deleted events are negative; a row without counts has an empty value.
        """
        changed = [
            row
            for (timebase, scope_id), added in counts.items()
            for row in self._changed(timebase, scope_id, added)
        ]
        if len(self._rows) > self._cached_max:
            newer = islice(self._rows.items(), len(self._rows) // 2, None)
            self._rows = dict(newer)
        return changed

    def _changed(self, timebase: Timebase, scope_id: str, added: BucketCounts) -> list[KeyValue]:
        """The new rows of all levels, after adding `added`, buckets of the finest level."""
        rows, changed = self._rows, []
        unknown: list[tuple[bytes, int]] = []
        newest = self._newest_of(timebase, scope_id)
        for level in LEVELS:
            head = row_head(timebase, level, scope_id)
            of_level = pack_rows(added)
            if level == FINEST_LEVEL:
                self._newest[timebase, scope_id] = max(newest, *of_level)
            for number, more in of_level.items():
                key = head + bucket_time(number, level + ROW_STEP)
                row = rows.get(key)
                if row is None:
                    if number <= newest:
                        unknown.append((key, more))
                        continue
                    row = 0
                rows[key] = row = row + more
                changed.append((key, encode_row(row)))
            if level < COARSEST_LEVEL:
                added = coarsen(added)
                newest >>= LEVEL_STEP
        stored = stored_rows(self._archive, [key for key, _ in unknown])
        for (key, more), value in zip(unknown, stored, strict=True):
            rows[key] = row = decode_row(value) + more
            changed.append((key, encode_row(row)))
        return changed

    def _newest_of(self, timebase: Timebase, scope_id: str) -> int:
        newest = self._newest.get((timebase, scope_id))
        return newest_row(self._archive, timebase, scope_id) if newest is None else newest
