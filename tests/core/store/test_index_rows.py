"""The index rows of a commit are the same from the native part and from Python."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nova.core.store.index_rows import index_rows, series_rows
from nova.core.store.keys import event_keys
from nova.sdk.native import native_part
from tests.sdk.events.mutated_records import needs_native

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


@needs_native
@given(events, st.integers(-(2**63), 2**62))
@settings(deadline=None)
def test_the_native_part_makes_the_same(found: list[tuple[int, bytes]], first_ns: int) -> None:
    """A-037: an archive does not depend on which code computed its rows."""
    keys, order_keys = event_keys(first_ns, [n for n, _ in found]), [key for _, key in found]
    part = native_part()
    assert part is not None
    assert part.series_rows(keys, order_keys) == series_rows(keys, order_keys)


@needs_native
def test_keys_of_other_sizes_are_refused() -> None:
    """The native part reads nothing beyond a key."""
    part = native_part()
    assert part is not None
    for keys, order_keys in (([b"x" * 11], [b"y" * 41]), ([b"x" * 12], [b"y" * 24])):
        with pytest.raises(ValueError, match="too short or too long"):
            part.series_rows(keys, order_keys)
    with pytest.raises(ValueError, match="as many source keys"):
        part.series_rows([b"x" * 12], [])
