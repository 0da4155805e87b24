"""Byte layouts: every key and value gives back what it was made of, in the right order."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from core.ordering import order_key, time_key
from core.store import keys
from sdk.timestamps import NS_MAX, NS_MIN

numbers = st.integers(0, 2**32 - 1)
times = st.integers(NS_MIN, NS_MAX)
ids = st.binary(min_size=32, max_size=32)
places = st.tuples(numbers, times, ids)


@given(numbers, times, times, st.integers(0, 4), ids, st.binary(max_size=20))
@settings(deadline=None)
def test_keys_and_values_read_back(
    number: int, ns: int, source_ns: int, lane: int, event_id: bytes, stored: bytes
) -> None:
    """nova.md §5: the four families of events."""
    time, source_key = time_key(ns), order_key(source_ns, lane, event_id)
    rows = keys.event_rows(time, source_key, keys.series_bytes(number), stored)
    value = rows.canonical_value
    assert (keys.series_of(value), keys.envelope_of(value)) == (number, stored)
    source = rows.source_value
    assert (keys.series_of(source), keys.canonical_of_source(source)) == (number, time)
    for row, at, order in (
        (rows.series_canonical_key, ns, time),
        (rows.series_source_key, source_ns, source_key),
    ):
        assert (keys.series_of(row), keys.series_key_time(row)) == (number, at)
        assert keys.series_key_order(row, lane) == order


@given(places, places)
@settings(deadline=None)
def test_series_keys_sort_by_series_then_time_then_id(
    one: tuple[int, int, bytes], other: tuple[int, int, bytes]
) -> None:
    """A-037: within a series the order of time and eventId is the order of its keys."""

    def key(place: tuple[int, int, bytes]) -> bytes:
        return keys.series_key(keys.series_bytes(place[0]), time_key(place[1]), place[2])

    assert (key(one) < key(other)) == (one < other)


def test_the_families_are_those_of_the_design() -> None:
    """nova.md §5: a family more would break secondaries that are open."""
    assert keys.FAMILIES == (
        "canonical",
        "source",
        "series_canonical",
        "series_source",
        "catalog",
    )
