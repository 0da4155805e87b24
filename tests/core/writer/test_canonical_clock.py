"""Canonical time: the wall clock's, but it never stands still and never goes back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nova.core.writer.canonical_clock import CanonicalClock


@given(readings=st.lists(st.integers(-10, 10), min_size=1), last_ns=st.integers(-5, 5))
def test_each_time_is_later_than_the_last(readings: list[int], last_ns: int) -> None:
    """AMB-15: also where the wall clock is set back, and then 1 ns."""
    given_ns = iter(readings)
    clock = CanonicalClock(last_ns, lambda: next(given_ns))
    for reading in readings:
        assert clock.next_ns() == max(reading, last_ns + 1)
        last_ns = clock.last_ns


def test_looking_assigns_nothing() -> None:
    """The estimate is the time that the next event would have; now is not before the last one."""
    clock = CanonicalClock(20, lambda: 7)
    assert (clock.estimate_ns(), clock.now_ns(), clock.last_ns) == (21, 20, 20)
    clock = CanonicalClock(20, lambda: 30)
    assert (clock.estimate_ns(), clock.now_ns(), clock.next_ns()) == (30, 30, 30)
