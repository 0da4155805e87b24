"""Dating sentences: the times that lines state, and which of them date other lines."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from nova.recordings.sentence import NS_PER_DAY
from nova.recordings.sentence_clock import (
    DISORDER_MAX_NS,
    ROLLOVER_NS,
    LineTimes,
    SentenceClock,
    find_start,
    full_time_ns,
)
from nova.sdk import timestamps

DAY = date(2024, 3, 23)
MIDNIGHT_NS = timestamps.parse("2024-03-23T00:00:00Z")
S = 10**9


def times(lines: list[LineTimes], epoch_ns: int | None = None) -> list[int]:
    """When lines are, in seconds since the midnight before the date."""
    begin = find_start(lines, epoch_ns)
    assert begin is not None
    clock = SentenceClock(begin, epoch_ns)
    return [(clock.time_ns(line) - MIDNIGHT_NS) // S for line in lines]


def of(seconds: int, day: date | None = None, *, believed: bool = True) -> LineTimes:
    """A sentence with a time of day."""
    return LineTimes(None, seconds * S, day, believed)


def test_what_comes_before_the_first_date_is_not_later() -> None:
    """Also of a receiver with a fix, and over several midnights."""
    assert times([of(86399), of(52170, DAY)]) == [86399 - 86400, 52170]
    hours = [10, 20, 6, 16, 2, 12]
    lines = [*(of(hour * 3600) for hour in hours), of(12 * 3600 + 1, DAY)]
    before = [hour - 48 for hour in (10, 20, 30, 40, 50, 60)]
    assert times(lines) == [*(hour * 3600 for hour in before), 12 * 3600 + 1]


def test_two_receivers_that_differ_by_seconds_make_no_day_of_it() -> None:
    """A little disorder is no change of day."""
    assert times([of(100), of(99), of(101), of(100, DAY)]) == [100, 99, 101, 100]


def test_without_a_fix_nothing_but_itself_is_dated() -> None:
    """Neither by its date nor by its time of day, before the first date and after it."""
    lost = of(7, date(1980, 1, 6), believed=False)
    lines = [
        lost,
        of(86399, believed=False),
        LineTimes(None),
        of(50, DAY),
        lost,
        LineTimes(None),
        of(51),
    ]
    found = times(lines)
    assert found[1:4] == [-1, 50, 50]
    assert found[5:] == [50, 51]
    assert MIDNIGHT_NS + found[0] * S == timestamps.parse("1980-01-06T00:00:07Z")


def test_stamps_date_what_has_no_time_and_the_day_of_what_has() -> None:
    """A receiver's own time is nearer than its logger's; without a fix the logger's counts."""
    noon = MIDNIGHT_NS + 43_200 * S
    lines = [
        LineTimes(noon),
        LineTimes(noon + 2 * S, 43_201 * S),
        LineTimes(noon, 7 * S, None, is_trusted=False),
    ]
    assert times(lines) == [43_200, 43_201, 43_200]
    assert times([LineTimes(noon, 86_399 * S)]) == [86_399]


@given(
    st.integers(-3, 3), st.integers(-ROLLOVER_NS // 2 + NS_PER_DAY, ROLLOVER_NS // 2 - NS_PER_DAY)
)
def test_an_epoch_decides_the_rollover(weeks: int, away_ns: int) -> None:
    """Whichever 1,024 weeks the receiver believes in."""
    told = LineTimes(None, 0, date.fromordinal(DAY.toordinal() + weeks * 7168))
    assert full_time_ns(told, MIDNIGHT_NS + away_ns) == MIDNIGHT_NS


@given(st.lists(st.integers(0, 6 * 3600), min_size=1, max_size=12), st.integers(0, 86_399))
def test_steps_of_less_than_a_day_are_kept(steps: list[int], last: int) -> None:
    """The times before a date are as far before it as their times of day say."""
    expected = [last]
    for step in steps:
        expected.insert(0, expected[0] - step)
    lines = [of(at % 86_400) for at in expected[:-1]]
    assert times([*lines, of(last, DAY)]) == expected
    assert max(expected) <= last + DISORDER_MAX_NS // S
