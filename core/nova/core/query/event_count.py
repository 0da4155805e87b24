"""How many events come after a canonical time, estimated from rollups."""

from __future__ import annotations

from nova.core.ordering import unsigned_time
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.store.rollup import (
    AUDIT_SCOPE,
    ROW_STEP,
    SLOTS,
    bucket_of,
    decode_row,
    lane_counts,
    level_for,
    row_head,
    rows_between,
    slots_of,
    stored_level,
)

COUNT_BUCKETS = 32
"""A span is counted in about this many buckets, or in finer ones."""


def events_after(snapshot: ArchiveSnapshot, after_ns: int) -> int:
    """Events of a snapshot, of all scopes and lanes, whose canonical time is after `after_ns`.
    They are exact except in the bucket that contains it, of which its share counts.
    """
    archive = snapshot.archive
    first = unsigned_time(after_ns) + 1
    last = max(unsigned_time(archive.record.last_canonical_ns()), first)
    level = stored_level(level_for(first, last, COUNT_BUCKETS).level)
    row_level = level + ROW_STEP
    total = 0.0
    for scope in (*snapshot.series.scopes, AUDIT_SCOPE):
        head = row_head("canonical", level, scope)
        start, stop = first >> row_level, (last >> row_level) + 1
        for key, value in rows_between(archive, head, level, start, stop, stop - start):
            number = bucket_of(key, row_level)
            for slot, counts in slots_of(decode_row(value)):
                ends = (number * SLOTS + slot + 1) << level
                share = min(max(ends - first, 0) / (1 << level), 1.0)
                total += share * sum(lane_counts(counts))
    return round(total)
