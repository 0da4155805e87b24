"""Byte layouts: every key and value round-trips, and keys sort in the right order."""

from __future__ import annotations

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nova.core.ordering import order_key, series_of_event_key, time_key, time_of
from nova.core.store import keys
from nova.sdk.timestamps import NS_MAX, NS_MIN

numbers = st.integers(0, 2**32 - 1)
times = st.integers(NS_MIN, NS_MAX)
ids = st.binary(min_size=32, max_size=32)
places = st.tuples(numbers, times, ids)


@given(numbers, times, times, st.integers(0, 4), ids)
@settings(deadline=None)
def test_keys_read_back(number: int, ns: int, source_ns: int, lane: int, event_id: bytes) -> None:
    """nova.md §5: places, and the keys of the two series families."""
    series = keys.series_bytes(number)
    (place,) = keys.event_keys(ns, [number])
    assert (series_of_event_key(place), time_of(place)) == (number, ns)
    for key, at, order in (
        (keys.series_key(series, time_key(ns)), ns, place),
        (
            keys.series_source_key(series, order_key(source_ns, lane, event_id)),
            source_ns,
            order_key(source_ns, lane, event_id[: keys.ID_HEAD_BYTES]),
        ),
    ):
        assert keys.series_key_time(key) == at
        assert keys.timeline_key(key, lane) == order
    assert key == keys.series_key(series, time_key(source_ns), event_id)
    stored = b'{"eventId":"%b","scopeId":"sat"}' % event_id.hex().encode()
    assert keys.complete_order_key(order, stored) == order_key(source_ns, lane, event_id)


@given(st.integers(NS_MIN, NS_MAX - 3), st.lists(numbers, min_size=3, max_size=3))
@settings(deadline=None)
def test_places_of_a_batch_follow_each_other(ns: int, series: list[int]) -> None:
    """nova.md §4: each event of a batch has a canonical time of its own."""
    places = keys.event_keys(ns, series)
    assert [time_of(place) for place in places] == [ns, ns + 1, ns + 2]
    assert [series_of_event_key(place) for place in places] == series


@given(places, places)
@settings(deadline=None)
def test_series_keys_sort_by_series_then_time_then_id(
    one: tuple[int, int, bytes], other: tuple[int, int, bytes]
) -> None:
    """A-037: within a series the order of time and eventId is the order of its keys, whose ids
    differ in their first half.
    """
    assume(one == other or one[2][: keys.ID_HEAD_BYTES] != other[2][: keys.ID_HEAD_BYTES])

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
