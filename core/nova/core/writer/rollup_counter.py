"""Counts events into the rollups, in the commit that stores them, so that a crash leaves the counts
exact.

Rows hold absolute counts, and a commit writes the rows that it has changed. The most recent rows
are cached. Of the others only those that may exist are looked up: a row after the newest of its
scope is new.
"""

from __future__ import annotations

import struct
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from itertools import islice
from operator import attrgetter

from nova.core.ordering import LANE_OFFSET, ORDER_KEY_BYTES, TIME_BYTES, Timebase
from nova.core.store.archive import Archive
from nova.core.store.key_value import KeyValue
from nova.core.store.rollup import (
    COARSEST_LEVEL,
    FINEST_LEVEL,
    LANE_UNITS,
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
from nova.core.store.write_batch import ArchiveBatch
from nova.core.writer.columns import BatchColumns
from nova.sdk.events.event import Series

CACHED_MAX_ROWS = 20_000
"""Cached rows, of some 300 bytes each. One of the finest level covers about a second, so they span
hours of source time.
"""

BUILT_TOGETHER_EVENTS = 20_000

_COLUMN_BYTES = 8
_WHOLE_BITS = 24
"""The last three bytes of a time, which are finer than the finest level."""

_FINE_BITS = FINEST_LEVEL - _WHOLE_BITS
_TO_FINEST = bytes(byte >> _FINE_BITS << _FINE_BITS for byte in range(256))
_BUCKET_SHIFT = 8 + _FINE_BITS
_LANE = 0xFF

_scope_of: Callable[[Series], str] = attrgetter("scope_id")


class RollupCounter:
    """The cached rows of an archive, and the counts that the open commit adds to them."""

    def __init__(self, archive: Archive, cached_max: int = CACHED_MAX_ROWS) -> None:
        self._archive = archive
        self._cached_max = cached_max
        self._rows: dict[bytes, int] = {}
        self._added: dict[tuple[Timebase, str], dict[int, int]] = {}
        self._newest: dict[tuple[Timebase, str], int] = {}

    def count_batch(
        self,
        columns: BatchColumns,
        numbers: Sequence[int],
        event_keys: Sequence[bytes],
        source_keys: Sequence[bytes],
    ) -> None:
        """Count the events `numbers` of a batch, with their event keys and order keys."""
        scopes = set(map(_scope_of, columns.names))
        if len(scopes) == 1:
            self.count_scope(scopes.pop(), event_keys, source_keys)
        else:
            of_each = [columns.names[columns.series[number]].scope_id for number in numbers]
            self.count_mixed(of_each, event_keys, source_keys)

    def count_mixed(
        self, scopes: Sequence[str], event_keys: Sequence[bytes], source_keys: Sequence[bytes]
    ) -> None:
        """Count events whose scopes differ; the three sequences are parallel."""
        by_scope: defaultdict[str, list[int]] = defaultdict(list)
        for number, scope in enumerate(scopes):
            by_scope[scope].append(number)
        for scope, chosen in by_scope.items():
            of_scope = [event_keys[n] for n in chosen], [source_keys[n] for n in chosen]
            self.count_scope(scope, *of_scope)

    def count_scope(
        self, scope_id: str, event_keys: Sequence[bytes], source_keys: Sequence[bytes]
    ) -> None:
        """Count events of one scope, whose event keys are sorted."""
        counted = _source_counts(source_keys)
        _add(self._added.setdefault(("source", scope_id), {}), counted)
        canonical = self._added.setdefault(("canonical", scope_id), {})
        bucket = _finest_bucket(event_keys[0])
        if bucket == _finest_bucket(event_keys[-1]):  # The usual case: they were stamped together.
            _add(canonical, {bucket: sum(counted.values())})
        else:
            _add(canonical, _canonical_counts(event_keys, source_keys))

    def write(self, batch: ArchiveBatch) -> None:
        """Add the changed rows to the batch of the counted events."""
        for (timebase, scope_id), added in self._added.items():
            batch.put_records(self._changed(timebase, scope_id, added))
        self._added = {}
        if len(self._rows) > self._cached_max:
            newer = islice(self._rows.items(), len(self._rows) // 2, None)
            self._rows = dict(newer)

    def _changed(self, timebase: Timebase, scope_id: str, added: dict[int, int]) -> list[KeyValue]:
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


def _source_counts(source_keys: Sequence[bytes]) -> dict[int, int]:
    """Counts in source time, by bucket number of the finest level.

    The bytes that decide, five of the time and the lane, are sliced out of all keys at once, as
    columns of a table of eight bytes per event, so the interpreter handles one integer per event.
    """
    keys = b"".join(source_keys)
    table = bytearray(_COLUMN_BYTES * len(source_keys))
    table[0::_COLUMN_BYTES] = keys[LANE_OFFSET::ORDER_KEY_BYTES]
    table[1::_COLUMN_BYTES] = keys[4::ORDER_KEY_BYTES].translate(_TO_FINEST)
    for column, offset in ((2, 3), (3, 2), (4, 1), (5, 0)):
        table[column::_COLUMN_BYTES] = keys[offset::ORDER_KEY_BYTES]
    buckets: dict[int, int] = {}
    for column, count in Counter(struct.unpack(f"<{len(source_keys)}Q", table)).items():
        bucket = column >> _BUCKET_SHIFT
        buckets[bucket] = buckets.get(bucket, 0) + count * LANE_UNITS[column & _LANE]
    return buckets


def _canonical_counts(event_keys: Sequence[bytes], source_keys: Sequence[bytes]) -> dict[int, int]:
    """Counts in canonical time, event by event."""
    buckets: dict[int, int] = {}
    for event_key, key in zip(event_keys, source_keys, strict=True):
        bucket = _finest_bucket(event_key)
        buckets[bucket] = buckets.get(bucket, 0) + LANE_UNITS[key[LANE_OFFSET]]
    return buckets


def _finest_bucket(event_key: bytes) -> int:
    return int.from_bytes(event_key[:TIME_BYTES], "big") >> FINEST_LEVEL


def _add(to: dict[int, int], buckets: dict[int, int]) -> None:
    if not to:
        to.update(buckets)
        return
    for bucket, counts in buckets.items():
        to[bucket] = to.get(bucket, 0) + counts
