"""Folded rows equal brute force, for any fields of events and any division into parts and
buckets.
"""

from __future__ import annotations

import math
from collections import defaultdict

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nova.core.derived.sample_fold import Rows, merge_rows, merge_sets, rows_of, widen
from nova.core.store.sample_store import SampleRow, decode_row, encode_row

VALUES = st.sampled_from([-2.5, -1.0, 0.0, 0.1, 0.2, 0.3, 7.0])
TOLD = st.dictionaries(st.integers(0, 3), VALUES, min_size=1, max_size=4) | st.fixed_dictionaries(
    {0: VALUES, 1: VALUES, 2: VALUES}
)
EVENTS = st.lists(st.tuples(st.integers(0, 40), TOLD), max_size=30)

Event = tuple[int, dict[int, float]]
Cell = tuple[int, float, float, float]
Found = dict[tuple[int, int], Cell]
"""Count, sum, least and greatest by bucket and field."""


def by_hand(events: list[Event], steps: int) -> Found:
    """The values of each bucket and field, counted, added up and compared."""
    values: defaultdict[tuple[int, int], list[float]] = defaultdict(list)
    for bucket, told in events:
        for field, value in told.items():
            values[bucket >> steps, field].append(value)
    return {key: (len(v), math.fsum(v), min(v), max(v)) for key, v in values.items()}


def folded(events: list[Event]) -> Rows:
    """The rows of events, those with the same fields together."""
    shapes: defaultdict[tuple[int, ...], list[Event]] = defaultdict(list)
    for bucket, told in events:
        shapes[tuple(told)].append((bucket, told))
    return merge_sets(
        [
            rows_of(fields, [one[0] for one in each], [tuple(one[1].values()) for one in each])
            for fields, each in shapes.items()
        ]
    )


def check(rows: Rows, expected: Found) -> None:
    """Rows equal the counts by hand; only sums may differ by rounding."""
    found = {
        (bucket, field): (row.counts[n], row.sums[n], row.least[n], row.greatest[n])
        for bucket, row in rows.items()
        for n, field in enumerate(row.fields)
    }
    assert sum(len(row.fields) for row in rows.values()) == len(found)
    assert found.keys() == expected.keys()
    for key, (count, total, least, greatest) in found.items():
        assert (count, least, greatest) == (expected[key][0], *expected[key][2:])
        assert math.isclose(total, expected[key][1], abs_tol=1e-12)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(EVENTS, EVENTS, st.integers(1, 6))
def test_rows_are_the_brute_force_answer(
    first: list[Event], second: list[Event], steps: int
) -> None:
    """At the finest level and above it, at once and added to stored rows."""
    check(folded(first), by_hand(first, 0))
    check(widen(folded(first), steps), by_hand(first, steps))
    stored = {bucket: decode_row(encode_row(row)) for bucket, row in folded(first).items()}
    check(widen(merge_sets([stored, folded(second)]), steps), by_hand(first + second, steps))


def test_a_sum_beyond_all_numbers_is_no_error() -> None:
    """Values are exact; their sum need not be a finite number."""
    row = SampleRow((0,), [1], [1.7e308], [1.7e308], [1.7e308])
    assert merge_rows([row, row, row]).sums == [math.inf] == merge_rows([row, row]).sums
    assert decode_row(encode_row(merge_rows([row, row]))).sums == [math.inf]
