"""Counts of events by bucket of the finest rollup level."""

from __future__ import annotations

import struct
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from nova.core.ordering import LANE_OFFSET, ORDER_KEY_BYTES, TIME_BYTES, Timebase
from nova.core.store.rollup import FINEST_LEVEL, LANE_UNITS
from nova.sdk.native import native_part

BucketCounts = dict[int, int]
"""By bucket number of the finest level, the counts of all lanes in one integer."""

RollupCounts = Mapping[tuple[Timebase, str], BucketCounts]
"""By timebase and scope."""

RollupTotals = dict[tuple[Timebase, str], BucketCounts]

_COLUMN_BYTES = 8
_WHOLE_BITS = 24
"""The last three bytes of a time, which are finer than the finest level."""

_FINE_BITS = FINEST_LEVEL - _WHOLE_BITS
_TO_FINEST = bytes(byte >> _FINE_BITS << _FINE_BITS for byte in range(256))
_BUCKET_SHIFT = 8 + _FINE_BITS
_LANE = 0xFF


def scope_counts(
    scope_id: str, event_keys: Sequence[bytes], source_keys: Sequence[bytes]
) -> RollupTotals:
    """Counts of events of one scope, whose event keys are sorted."""
    in_source = _source_counts(source_keys)
    bucket = _finest_bucket(event_keys[0])
    if bucket == _finest_bucket(event_keys[-1]):  # The usual case: they were stamped together.
        in_canonical = {bucket: sum(in_source.values())}
    else:
        in_canonical = _canonical_counts(event_keys, source_keys)
    return {("source", scope_id): in_source, ("canonical", scope_id): in_canonical}


def mixed_counts(
    scopes: Sequence[str], event_keys: Sequence[bytes], source_keys: Sequence[bytes]
) -> RollupTotals:
    """Counts of events whose scopes differ; the three sequences are parallel."""
    by_scope: defaultdict[str, list[int]] = defaultdict(list)
    for number, scope in enumerate(scopes):
        by_scope[scope].append(number)
    counts: RollupTotals = {}
    for scope, chosen in by_scope.items():
        counts |= scope_counts(
            scope, [event_keys[n] for n in chosen], [source_keys[n] for n in chosen]
        )
    return counts


def add_counts(to: RollupTotals, more: RollupCounts) -> None:
    for name, buckets in more.items():
        known = to.get(name)
        if known is None:
            to[name] = dict(buckets)
            continue
        for bucket, counts in buckets.items():
            known[bucket] = known.get(bucket, 0) + counts


def _source_counts(source_keys: Sequence[bytes]) -> BucketCounts:
    """Counts in source time.

    The bytes that decide, five of the time and the lane, are sliced out of all keys at once, as
    columns of a table of eight bytes per event, so the interpreter handles one integer per event.
    """
    buckets: BucketCounts = {}
    if native := native_part():
        for bucket, lane, count in native.bucket_counts(source_keys, FINEST_LEVEL):
            buckets[bucket] = buckets.get(bucket, 0) + count * LANE_UNITS[lane]
        return buckets
    keys = b"".join(source_keys)
    table = bytearray(_COLUMN_BYTES * len(source_keys))
    table[0::_COLUMN_BYTES] = keys[LANE_OFFSET::ORDER_KEY_BYTES]
    table[1::_COLUMN_BYTES] = keys[4::ORDER_KEY_BYTES].translate(_TO_FINEST)
    for column, offset in ((2, 3), (3, 2), (4, 1), (5, 0)):
        table[column::_COLUMN_BYTES] = keys[offset::ORDER_KEY_BYTES]
    for column, count in Counter(struct.unpack(f"<{len(source_keys)}Q", table)).items():
        bucket = column >> _BUCKET_SHIFT
        buckets[bucket] = buckets.get(bucket, 0) + count * LANE_UNITS[column & _LANE]
    return buckets


def _canonical_counts(event_keys: Sequence[bytes], source_keys: Sequence[bytes]) -> BucketCounts:
    """Counts in canonical time, event by event."""
    buckets: BucketCounts = {}
    for event_key, key in zip(event_keys, source_keys, strict=True):
        bucket = _finest_bucket(event_key)
        buckets[bucket] = buckets.get(bucket, 0) + LANE_UNITS[key[LANE_OFFSET]]
    return buckets


def _finest_bucket(event_key: bytes) -> int:
    return int.from_bytes(event_key[:TIME_BYTES], "big") >> FINEST_LEVEL
