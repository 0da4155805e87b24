"""The layout of rollups: rows add as numbers do, and buckets are prefixes of times."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nova.core.ordering import time_key, time_of, unsigned_time
from nova.core.store.rollup import (
    COARSEST_LEVEL,
    FINEST_LEVEL,
    LANE_UNITS,
    LEVEL_STEP,
    LEVELS,
    SLOT_BITS,
    SLOTS,
    bucket_of,
    bucket_time,
    coarsen,
    decode_row,
    encode_row,
    lane_counts,
    level_for,
    pack_rows,
    row_head,
    slots_of,
    stored_level,
    sum_slots,
)
from nova.sdk.address import LANES
from nova.sdk.timestamps import NS_MAX, NS_MIN

times = st.integers(NS_MIN, NS_MAX)
counts = st.tuples(*[st.integers(0, 2**37)] * len(LANES))
slotted = st.dictionaries(st.integers(0, SLOTS - 1), counts, max_size=4)


def row_of(slots: dict[int, tuple[int, ...]]) -> int:
    """A row with these counts in its slots."""
    return sum(
        count * LANE_UNITS[lane] << slot * SLOT_BITS
        for slot, each in slots.items()
        for lane, count in enumerate(each)
    )


@given(st.lists(slotted, max_size=5))
def test_rows_are_added_as_numbers(rows: list[dict[int, tuple[int, ...]]]) -> None:
    """Counts of lanes and slots are independent, and read back as stored."""
    total = sum(map(row_of, rows))
    found = {slot: lane_counts(part) for slot, part in slots_of(total)}
    for slot in range(SLOTS):
        each = [row.get(slot, (0,) * len(LANES)) for row in rows]
        expected = tuple(map(sum, zip(*each, strict=True))) or (0,) * len(LANES)
        assert found.get(slot, (0,) * len(LANES)) == expected
    assert decode_row(encode_row(total)) == total
    assert decode_row(None) == 0


@given(slotted)
def test_a_folded_row_is_the_sum_of_its_slots(slots: dict[int, tuple[int, ...]]) -> None:
    """What a bucket three levels above holds."""
    expected = tuple(sum(each) for each in zip((0,) * len(LANES), *slots.values(), strict=True))
    assert lane_counts(sum_slots(row_of(slots))) == expected


@given(times, st.sampled_from(LEVELS))
def test_a_bucket_is_a_prefix_of_the_time(time_ns: int, level: int) -> None:
    """The key of a row holds the time at which its bucket begins."""
    bucket = bucket_of(time_key(time_ns), level)
    begin = time_of(bucket_time(bucket, level))
    assert begin <= time_ns < begin + 2**level
    assert bucket_of(row_head("source", level, "sat") + bucket_time(bucket, level), level) == bucket


@given(times, times, st.integers(1, 4096), st.integers(0, COARSEST_LEVEL))
def test_the_narrowest_buckets_that_are_few_enough(
    one: int, other: int, buckets: int, finest: int
) -> None:
    """At most one more than was asked for, and a level less would be too many."""
    start, stop = sorted((unsigned_time(one), unsigned_time(other)))
    chosen = level_for(start, stop, buckets, finest)
    assert chosen.level >= finest and chosen.total <= buckets + 1
    assert chosen.first == start >> chosen.level
    assert chosen.first + chosen.total - 1 == stop >> chosen.level
    if chosen.level > finest:
        assert (stop >> chosen.level - 1) - (start >> chosen.level - 1) > buckets


@given(st.integers(FINEST_LEVEL, 63))
def test_at_most_four_rows_make_a_bucket_unless_it_is_longer_than_a_century(level: int) -> None:
    """A read is bounded by its request."""
    stored = stored_level(level)
    assert stored in LEVELS and stored <= level
    rows_each = 2 ** (level - stored) // SLOTS
    assert rows_each <= 4 or (stored == COARSEST_LEVEL and 2 ** (64 - stored) == 8192)


@given(st.dictionaries(st.integers(0, 2**37 - 1), counts, max_size=20))
def test_wider_rows_hold_the_same(buckets: dict[int, tuple[int, ...]]) -> None:
    """Nothing is lost on the way up, and all is in its place."""
    found: dict[int, tuple[int, ...]] = {}
    for bucket, each in buckets.items():
        before = found.get(bucket >> LEVEL_STEP, (0,) * len(LANES))
        found[bucket >> LEVEL_STEP] = tuple(map(sum, zip(before, each, strict=True)))
    upper = pack_rows(coarsen({bucket: row_of({0: each}) for bucket, each in buckets.items()}))
    shown = {n * SLOTS + slot: part for n, row in upper.items() for slot, part in slots_of(row)}
    assert {bucket: lane_counts(part) for bucket, part in shown.items()} == {
        bucket: each for bucket, each in found.items() if any(each)
    }
