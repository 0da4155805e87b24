"""Rollups: how many events of each lane there are in each bucket of time, kept beside the events in
the catalog.

A bucket of level k is 2^k ns long, so it is a prefix of an order key's time, and its number is that
prefix. A row holds eight neighbouring buckets, each with a count for every lane, all beside each
other in one large number; so rows are added as numbers are. The number of a row is that of its
buckets without the last three bits. The key of a row:

rollup/ + timebase (s or c) + level (1) + scope + / + time at which the row begins (8)
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from core.ordering import TIME_BYTES, Timebase
from core.store.archive import Archive
from core.store.keys import TIMEBASE_BYTES
from core.store.scan import Row, last, scan
from sdk.address import LANES

ROLLUP_PREFIX = b"rollup/"
COMPLETE_KEY = b"rollup/complete"
"""There once every event of the archive is counted."""

COUNTED_KEY = b"rollup/counted"
"""Up to which order key an archive that was written without rollups is counted."""

FINEST_LEVEL = 27
LEVEL_STEP = 6
COARSEST_LEVEL = 51
"""2^27 ns are 134 ms, 2^51 ns are 26 days; all times that there are lie in 8,192 such buckets."""

LEVELS = range(FINEST_LEVEL, COARSEST_LEVEL + 1, LEVEL_STEP)

ROW_STEP = 3
"""A row is as long as a bucket so many levels above; it has a slot for each of its buckets."""

SLOTS = 1 << ROW_STEP
COUNT_BYTES = 5
"""A million million events of a lane in a bucket."""

SLOT_BITS = len(LANES) * COUNT_BYTES * 8
LANE_UNITS = tuple(1 << COUNT_BYTES * 8 * place for place in range(len(LANES)))
"""One event of the lane with this priority, in slot 0."""

_SLOT = (1 << SLOT_BITS) - 1
_FOLDS = [(bits, (1 << bits) - 1) for bits in (4 * SLOT_BITS, 2 * SLOT_BITS, SLOT_BITS)]
_TIME = struct.Struct(">Q")


class Buckets(NamedTuple):
    """Neighbouring buckets of one level: the number of the first, and how many."""

    level: int
    first: int
    total: int


def row_head(timebase: Timebase, level: int, scope_id: str) -> bytes:
    """What the keys of a scope's rows of a level begin with."""
    return ROLLUP_PREFIX + TIMEBASE_BYTES[timebase] + bytes((level,)) + scope_id.encode() + b"/"


def bucket_time(bucket: int, level: int) -> bytes:
    """The time at which a bucket begins, as in keys."""
    return _TIME.pack(bucket << level)


def bucket_of(key: bytes, level: int) -> int:
    """The number of the bucket of the time that a key ends with."""
    return int.from_bytes(key[-TIME_BYTES:], "big") >> level


def encode_row(row: int) -> bytes:
    """A row as stored: later slots stand in higher bytes, and are not there before they count."""
    return row.to_bytes((row.bit_length() + 7) // 8, "big")


def decode_row(value: bytes | None) -> int:
    """A row as read; nothing is counted where there is none."""
    return 0 if value is None else int.from_bytes(value, "big")


def slots_of(row: int) -> Iterator[tuple[int, int]]:
    """The slots of a row that count anything, each as if it were slot 0."""
    slot = 0
    while row:
        if part := row & _SLOT:
            yield slot, part
        row >>= SLOT_BITS
        slot += 1


def folded(row: int) -> int:
    """The sum of all slots of a row."""
    for bits, mask in _FOLDS:
        row = (row & mask) + (row >> bits)
    return row


def lane_counts(slot: int) -> tuple[int, ...]:
    """The counts of a slot, by the priority of the lanes."""
    counts = slot.to_bytes(SLOT_BITS // 8, "little")
    return tuple(
        int.from_bytes(counts[start : start + COUNT_BYTES], "little")
        for start in range(0, len(counts), COUNT_BYTES)
    )


def rows_of(buckets: dict[int, int]) -> dict[int, int]:
    """The rows, by their numbers, of buckets of a level, each as if it were slot 0."""
    rows: dict[int, int] = {}
    for bucket, counts in buckets.items():
        number = bucket >> ROW_STEP
        rows[number] = rows.get(number, 0) + (counts << bucket % SLOTS * SLOT_BITS)
    return rows


def wider(buckets: dict[int, int]) -> dict[int, int]:
    """Buckets of a level made buckets of the next."""
    found: dict[int, int] = {}
    for bucket, counts in buckets.items():
        bucket >>= LEVEL_STEP
        found[bucket] = found.get(bucket, 0) + counts
    return found


def newest_row(archive: Archive, timebase: Timebase, scope_id: str) -> int:
    """The number of a scope's last row of the finest level, -1 if it has none."""
    head = row_head(timebase, FINEST_LEVEL, scope_id)
    row = last(archive.families["catalog"], head, head + b"\xff" * TIME_BYTES)
    return -1 if row is None else bucket_of(row[0], FINEST_LEVEL + ROW_STEP)


def counted(archive: Archive) -> int:
    """How many events are counted in all."""
    head = ROLLUP_PREFIX + TIMEBASE_BYTES["canonical"] + bytes((COARSEST_LEVEL,))
    rows = scan(archive.families["catalog"], head, head + b"\xff")
    return sum(sum(lane_counts(folded(decode_row(value)))) for _, value in rows)


def level_for(start: int, stop: int, buckets: int, finest: int = FINEST_LEVEL) -> Buckets:
    """The narrowest buckets, of any level from `finest` on, of which `buckets` and one more reach
    from one time to another; times are as in keys, without a sign.
    """
    level = finest
    while (stop >> level) - (start >> level) > buckets:
        level += 1
    first = start >> level
    return Buckets(level, first, (stop >> level) - first + 1)


def stored_level(level: int) -> int:
    """The level whose rows make up the buckets of a level."""
    return min(level - (level - FINEST_LEVEL) % LEVEL_STEP, COARSEST_LEVEL)


def rows_between(
    archive: Archive, head: bytes, level: int, first: int, stop: int, max_rows: int
) -> list[Row]:
    """Rows of a scope from a row's number up to another, which is left out; at most so many."""
    lower = head + bucket_time(first, level + ROW_STEP)
    upper = head + bucket_time(stop - 1, level + ROW_STEP)
    rows = scan(archive.families["catalog"], lower, upper, want=max_rows)
    return list(islice(rows, max_rows))
