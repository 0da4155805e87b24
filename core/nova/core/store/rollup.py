"""Rollups: event counts per lane and time bucket, stored in the catalog.

A bucket of level k is 2^k ns long, so its number is a prefix of the time in an order key. A row
holds eight neighbouring buckets (slots) with a count per lane, packed into one large integer, so
that rows are added like integers. The number of a row is that of its buckets without the last three
bits. The key of a row:

rollup/ + timebase (s or c) + level (1) + scope + / + start time of the row (8)
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from nova.core.ordering import TIME_BYTES, Timebase
from nova.core.store.archive import Archive
from nova.core.store.key_value import KeyValue
from nova.core.store.keys import TIMEBASE_BYTES
from nova.core.store.scan import last_row, scan
from nova.sdk.address import LANES
from nova.sdk.events.event import Series
from nova.sdk.events.reserved import is_audit

ROLLUP_PREFIX = b"rollup/"
COMPLETE_KEY = b"rollup/complete"
"""Exists once every event of the archive is counted."""

COUNTED_KEY = b"rollup/counted"
"""The order key up to which an archive that was written without rollups is counted."""

FINEST_LEVEL = 27
LEVEL_STEP = 6
COARSEST_LEVEL = 51
"""2^27 ns are 134 ms, 2^51 ns are 26 days; the whole int64 range has 8,192 buckets of 26 days."""

LEVELS = range(FINEST_LEVEL, COARSEST_LEVEL + 1, LEVEL_STEP)

ROW_STEP = 3
"""A row spans as much time as one bucket ROW_STEP levels above; it has 2^ROW_STEP slots."""

SLOTS = 1 << ROW_STEP
COUNT_BYTES = 5
"""Room for 10^12 events of a lane in a bucket."""

SLOT_BITS = len(LANES) * COUNT_BYTES * 8
LANE_UNITS = tuple(1 << COUNT_BYTES * 8 * place for place in range(len(LANES)))
"""The integer for one event in slot 0, by lane priority."""

_SLOT = (1 << SLOT_BITS) - 1
_FOLDS = [(bits, (1 << bits) - 1) for bits in (4 * SLOT_BITS, 2 * SLOT_BITS, SLOT_BITS)]
_TIME = struct.Struct(">Q")


SCOPES_KEPT = 20_000
"""Series whose scope in rollups is kept: every batch asks for that of each of its series."""

AUDIT_SCOPE = "!audit"
"""Stands for the scope of audit events, which are in nobody's summary; no scope has this id."""


class Buckets(NamedTuple):
    """Neighbouring buckets of one level: the number of the first, and their count."""

    level: int
    first: int
    total: int


@lru_cache(SCOPES_KEPT)
def rollup_scope(series: Series) -> str:
    """The scope in whose rows the events of a series are counted."""
    return AUDIT_SCOPE if is_audit(series) else series.scope_id


def row_head(timebase: Timebase, level: int, scope_id: str) -> bytes:
    """The key prefix of a scope's rows of a level."""
    return ROLLUP_PREFIX + TIMEBASE_BYTES[timebase] + bytes((level,)) + scope_id.encode() + b"/"


def bucket_time(bucket: int, level: int) -> bytes:
    """The start time of a bucket, as eight key bytes."""
    return _TIME.pack(bucket << level)


def bucket_of(key: bytes, level: int) -> int:
    """The number of the bucket that contains the time at the end of `key`."""
    return int.from_bytes(key[-TIME_BYTES:], "big") >> level


def encode_row(row: int) -> bytes:
    """Later slots are in higher bytes, and leading zero bytes are not stored."""
    return row.to_bytes((row.bit_length() + 7) // 8, "big")


def decode_row(value: bytes | None) -> int:
    """The row's integer; 0 for an absent row."""
    return 0 if value is None else int.from_bytes(value, "big")


def slots_of(row: int) -> Iterator[tuple[int, int]]:
    """(slot number, counts) of the slots that are not empty; counts are shifted to slot 0."""
    slot = 0
    while row:
        if part := row & _SLOT:
            yield slot, part
        row >>= SLOT_BITS
        slot += 1


def sum_slots(row: int) -> int:
    """The sum of all slots of a row, in slot 0."""
    for bits, mask in _FOLDS:
        row = (row & mask) + (row >> bits)
    return row


def lane_counts(slot: int) -> tuple[int, ...]:
    """The counts of a slot that is shifted to slot 0, by lane priority."""
    counts = slot.to_bytes(SLOT_BITS // 8, "little")
    return tuple(
        int.from_bytes(counts[start : start + COUNT_BYTES], "little")
        for start in range(0, len(counts), COUNT_BYTES)
    )


def pack_rows(buckets: dict[int, int]) -> dict[int, int]:
    """Pack buckets of one level, whose counts are in slot 0, into rows by row number."""
    rows: dict[int, int] = {}
    for bucket, counts in buckets.items():
        number = bucket >> ROW_STEP
        rows[number] = rows.get(number, 0) + (counts << bucket % SLOTS * SLOT_BITS)
    return rows


def coarsen(buckets: dict[int, int]) -> dict[int, int]:
    """Add up buckets of one level to those of the next coarser one."""
    coarser: dict[int, int] = {}
    for bucket, counts in buckets.items():
        bucket >>= LEVEL_STEP
        coarser[bucket] = coarser.get(bucket, 0) + counts
    return coarser


def newest_row(archive: Archive, timebase: Timebase, scope_id: str) -> int:
    """The number of a scope's last row of the finest level, -1 without rows."""
    head = row_head(timebase, FINEST_LEVEL, scope_id)
    row = last_row(archive.families["catalog"], head, head + b"\xff" * TIME_BYTES)
    return -1 if row is None else bucket_of(row[0], FINEST_LEVEL + ROW_STEP)


def stored_rows(archive: Archive, keys: Sequence[bytes]) -> list[bytes | None]:
    """The encoded row under each key, None for an absent row."""
    return archive.families.read_many("catalog", keys)


def is_complete(archive: Archive) -> bool:
    """Whether every event has been counted, by COMPLETE_KEY."""
    return archive.record.has(COMPLETE_KEY)


def counted_until(archive: Archive) -> bytes:
    """The order key of COUNTED_KEY, empty if no count was begun."""
    return archive.families.read("catalog", COUNTED_KEY) or b""


def whole_counts(archive: Archive, scope_id: str) -> list[int]:
    """The number of a scope's events by lane priority, by its coarsest rows."""
    head = row_head("canonical", COARSEST_LEVEL, scope_id)
    rows = scan(archive.families["catalog"], head, head + b"\xff" * TIME_BYTES)
    counts = [lane_counts(sum_slots(decode_row(value))) for _, value in rows]
    return [sum(of_lane) for of_lane in zip(*counts, strict=True)] or [0] * len(LANES)


def stored_buckets(archive: Archive) -> Iterator[tuple[Timebase, int, str, dict[int, int]]]:
    """Every row as timebase, level, scope, and the counts of its buckets."""
    bases = {mark: timebase for timebase, mark in TIMEBASE_BYTES.items()}
    for mark, timebase in sorted(bases.items()):
        head = ROLLUP_PREFIX + mark
        for key, value in scan(archive.families["catalog"], head, head + b"\xff" * 80):
            if len(key) < len(head) + 1 + 1 + TIME_BYTES:
                continue  # `rollup/complete` begins like a row of canonical time.
            level = key[len(head)]
            scope_id = key[len(head) + 1 : -TIME_BYTES - 1].decode("ascii", "replace")
            first = bucket_of(key, level + ROW_STEP) << ROW_STEP
            slots = slots_of(decode_row(value))
            yield timebase, level, scope_id, {first + slot: counts for slot, counts in slots}


def counted_events(archive: Archive) -> int:
    """The number of events in the rollups, by their coarsest rows."""
    head = ROLLUP_PREFIX + TIMEBASE_BYTES["canonical"] + bytes((COARSEST_LEVEL,))
    rows = scan(archive.families["catalog"], head, head + b"\xff")
    return sum(sum(lane_counts(sum_slots(decode_row(value)))) for _, value in rows)


def level_for(start: int, stop: int, buckets: int, finest: int = FINEST_LEVEL) -> Buckets:
    """The narrowest buckets, at level `finest` or above, of which at most `buckets` + 1 cover the
    times from start to stop; times are unsigned, as in keys.
    """
    level = finest
    while (stop >> level) - (start >> level) > buckets:
        level += 1
    first = start >> level
    return Buckets(level, first, (stop >> level) - first + 1)


def stored_level(level: int) -> int:
    """The coarsest stored level whose buckets add up to those of `level`."""
    return min(level - (level - FINEST_LEVEL) % LEVEL_STEP, COARSEST_LEVEL)


def rows_between(
    archive: Archive,
    head: bytes,
    level: int,
    first: int,
    stop: int,
    max_rows: int,
    *,
    reverse: bool = False,
) -> list[KeyValue]:
    """The first rows of a scope with a number in [first, stop), at most `max_rows`, in order or
    backwards.
    """
    lower = head + bucket_time(first, level + ROW_STEP)
    upper = head + bucket_time(stop - 1, level + ROW_STEP)
    family = archive.families["catalog"]
    rows = scan(family, lower, upper, reverse=reverse, expected_rows=max_rows)
    return list(islice(rows, max_rows))
