"""The index rows of a commit are the same from the native part and from Python."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from nova.core.store.index_rows import index_rows, series_rows
from nova.core.store.keys import event_keys

source_keys = st.binary(min_size=41, max_size=41)
events = st.lists(st.tuples(st.integers(0, 2**32 - 1) | st.integers(0, 3), source_keys))


@given(events, st.integers(-(2**63), 2**62))
@settings(deadline=None)
def test_rows_are_grouped_by_series(found: list[tuple[int, bytes]], first_ns: int) -> None:
    """Each family gets the rows that it must have, in any order of arrival."""
    keys = event_keys(first_ns, [number for number, _ in found])
    canonical, source, times = series_rows(keys, [key for _, key in found])
    grouped = sorted(zip(keys, found, strict=True), key=lambda event: event[1][0])
    in_order = [key for key, _ in grouped], [key for _, (_, key) in grouped]
    assert [(key, b"") for key in canonical] == index_rows("series_canonical", *in_order)
    assert list(zip(source, times, strict=True)) == index_rows("series_source", *in_order)
