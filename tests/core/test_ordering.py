"""The bytes of the order key and the comparator agree (A-034…A-046)."""

from __future__ import annotations

from functools import cmp_to_key

from hypothesis import given
from hypothesis import strategies as st

from nova.core.ordering import (
    EVENT_KEY_BYTES,
    ORDER_KEY_BYTES,
    compare_events,
    event_key_tail,
    order_key,
    series_of_event_key,
    split_order_key,
    time_key,
    time_of,
)
from nova.sdk.address import LANE_PRIORITY
from nova.sdk.timestamps import NS_MAX, NS_MIN

TIMES = st.integers(NS_MIN, NS_MAX) | st.integers(-3, 3)
EVENTS = st.tuples(TIMES, st.integers(0, 4), st.binary(min_size=32, max_size=32))


@given(st.lists(EVENTS, max_size=30))
def test_sorted_bytes_are_sorted_events(events: list[tuple[int, int, bytes]]) -> None:
    """A-046, AMB-01: byte order of keys is the comparator's order, times before 1970 included."""
    by_bytes = sorted(events, key=lambda event: order_key(*event))
    assert by_bytes == sorted(events, key=cmp_to_key(compare_events))


@given(EVENTS)
def test_a_key_gives_back_what_it_was_made_of(event: tuple[int, int, bytes]) -> None:
    """Nothing of time, lane and eventId is lost in the key."""
    key = order_key(*event)
    assert len(key) == ORDER_KEY_BYTES
    assert split_order_key(key) == event
    assert time_of(time_key(event[0])) == event[0]


def test_lanes_decide_at_one_instant_and_then_ids() -> None:
    """A-036, A-039, A-043, A-044: metadata, command, ui, parsed, raw; then the smaller eventId."""
    lanes = ["raw", "parsed", "ui", "command", "metadata"]
    keys = {lane: order_key(7, LANE_PRIORITY[lane], b"\0" * 32) for lane in lanes}
    assert sorted(lanes, key=keys.__getitem__) == ["metadata", "command", "ui", "parsed", "raw"]
    assert order_key(7, 2, b"\0" * 32) < order_key(7, 2, b"\0" * 31 + b"\1")
    assert order_key(7, 4, b"\xff" * 32) < order_key(8, 0, b"\0" * 32)


@given(st.integers(0, 2**32 - 1))
def test_a_place_ends_with_its_series(series: int) -> None:
    """What a selection looks for at the end of a place is what the series number is read from."""
    place = time_key(1) + event_key_tail(series)
    assert len(place) == EVENT_KEY_BYTES and series_of_event_key(place) == series
