"""Counts by bucket: one sum for each timebase and scope."""

from __future__ import annotations

import random

import pytest

from nova.core.ordering import order_key, time_key, unsigned_time
from nova.core.store.rollup import FINEST_LEVEL, LANE_UNITS
from nova.core.writer.rollup_counts import RollupTotals, add_counts, mixed_counts, scope_counts
from nova.sdk.timestamps import NS_MAX, NS_MIN
from tests.sdk.events.mutated_records import needs_native

SECOND_NS = 10**9


def test_scopes_are_counted_as_if_each_were_alone() -> None:
    """By hand: each event in its bucket of either timebase, by lane."""
    dice = random.Random(5)
    scopes = [dice.choice("abc") for _ in range(400)]
    source_ns = [dice.randrange(-50, 500) * SECOND_NS // 7 for _ in scopes]
    lanes = [dice.randrange(len(LANE_UNITS)) for _ in scopes]
    event_ns = [number * SECOND_NS // 90 for number in range(len(scopes))]
    found = mixed_counts(
        scopes,
        [time_key(time_ns) + bytes(4) for time_ns in event_ns],
        [order_key(at, lane, bytes(32)) for at, lane in zip(source_ns, lanes, strict=True)],
    )
    expected: RollupTotals = {}
    for scope, at, canonical, lane in zip(scopes, source_ns, event_ns, lanes, strict=True):
        add_counts(expected, {("source", scope): {_bucket(at): LANE_UNITS[lane]}})
        add_counts(expected, {("canonical", scope): {_bucket(canonical): LANE_UNITS[lane]}})
    assert found == expected


@needs_native
def test_the_native_part_counts_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """A-037: over the whole range of times, in every lane."""
    dice = random.Random(9)
    for _ in range(50):
        middle, reach = dice.randrange(NS_MIN, NS_MAX), 10 ** dice.randrange(5, 19)
        times = [middle + dice.randrange(-reach, reach) for _ in range(dice.randrange(1, 90))]
        keys = [
            order_key(max(NS_MIN, min(at, NS_MAX)), dice.randrange(len(LANE_UNITS)), bytes(32))
            for at in times
        ]
        event_keys = [time_key(number) + bytes(4) for number in range(len(keys))]
        monkeypatch.setenv("NOVA_NATIVE", "0")
        expected = scope_counts("a", event_keys, keys)
        monkeypatch.setenv("NOVA_NATIVE", "1")
        assert scope_counts("a", event_keys, keys) == expected


def test_adding_leaves_what_is_added_as_it_is() -> None:
    """Two batches of one commit."""
    counts = scope_counts("a", [time_key(0) + bytes(4)], [order_key(0, 3, bytes(32))])
    before = {name: dict(buckets) for name, buckets in counts.items()}
    totals: RollupTotals = {}
    add_counts(totals, counts)
    add_counts(totals, counts)
    assert counts == before
    assert totals["source", "a"] == {_bucket(0): 2 * LANE_UNITS[3]}


def _bucket(time_ns: int) -> int:
    return unsigned_time(time_ns) >> FINEST_LEVEL
