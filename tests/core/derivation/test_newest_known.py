"""The newest row that was known, against a scan of all rows before."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nova.core.derivation.newest_known import NONE, newest_known
from tests.laws import law

TIMES = st.integers(0, 30)
QUERIES = st.lists(st.tuples(st.floats(0, 1), st.integers(-1, 31)), min_size=1, max_size=30)


@law(100)
@given(arrivals=st.lists(TIMES, max_size=60), queries=QUERIES)
def test_each_query_finds_the_last_row_that_is_early_enough(
    arrivals: list[int], queries: list[tuple[float, int]]
) -> None:
    before = [round(share * len(arrivals)) for share, _ in queries]
    found = newest_known(
        np.array(arrivals, np.int64),
        np.array(before, np.int64),
        np.array([known for _, known in queries], np.int64),
    )
    expected = [
        max((at for at in range(stop) if arrivals[at] <= known), default=NONE)
        for stop, (_, known) in zip(before, queries, strict=True)
    ]
    assert found.tolist() == expected
