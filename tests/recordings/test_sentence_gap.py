"""Gaps of a log: which of two dates a time of day belongs to."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from nova.recordings.sentence import NS_PER_DAY
from nova.recordings.sentence_clock import LineTimes, LogStart, SentenceClock
from nova.recordings.sentence_gap import dated
from nova.sdk import timestamps

BEGIN_NS = timestamps.parse("2024-03-23T00:00:00Z")
S = 10**9


def told(at_ns: int, *, has_date: bool = False, believed: bool = True) -> LineTimes:
    """What a sentence of this time says."""
    day = date(1970, 1, 1) + timedelta(days=at_ns // NS_PER_DAY)
    return LineTimes(None, at_ns % NS_PER_DAY, day if has_date else None, believed)


def times(lines: list[LineTimes], lookahead: int = 1_000) -> list[int]:
    """When they are, in seconds since the begin, after a date at the begin."""
    clock = SentenceClock(LogStart(BEGIN_NS, None))
    found = list(dated(enumerate(lines), clock, lookahead))
    assert [index for index, _ in found] == list(range(len(lines)))
    return [(at_ns - BEGIN_NS) // S for _, at_ns in found]


@given(
    st.lists(
        st.tuples(st.integers(60, 40 * 86_400), st.integers(1, 20), st.integers(0, 3)),
        min_size=1,
        max_size=5,
    )
)
def test_bursts_between_gaps_have_their_dates(runs: list[tuple[int, int, int]]) -> None:
    """Gaps of any length; in each run this many seconds, the first without a fix."""
    lines, expected = [told(BEGIN_NS, has_date=True)], [0]
    at_s = 0
    for off_s, size, cold in runs:
        # Whole days leave nothing to see: the sequence of times of day continues.
        off_s += 60 if off_s % 86_400 < 60 else 0
        at_s += off_s
        for second in range(size + cold):
            at_ns = BEGIN_NS + (at_s + second) * S
            pair = [told(at_ns, believed=second >= cold)]
            pair += [told(at_ns, has_date=True)] * (second >= cold)
            lines += pair
            expected += [at_s + second] * len(pair)
        at_s += size + cold - 1
    assert times(lines) == expected


def test_what_is_far_before_a_date_follows_the_last_one() -> None:
    """Bounded memory: a limited number of lines waits for a date."""
    at_s = [3 * 86_400 - 100 + second for second in range(6)]
    lines = [told(BEGIN_NS, has_date=True), *(told(BEGIN_NS + s * S) for s in at_s)]
    lines.append(told(BEGIN_NS + (at_s[-1] + 1) * S, has_date=True))
    assert times(lines)[1:] == [*at_s, at_s[-1] + 1]
    assert times(lines, lookahead=3)[-1] == at_s[-1] + 1
    assert times(lines, lookahead=3)[1] == at_s[0] % 86_400 - 86_400


def test_another_clock_without_a_fix_makes_no_gap() -> None:
    """Its times of day do not decide where there is no gap, nor move what is believed."""
    noon = BEGIN_NS + 43_200 * S
    other = LineTimes(None, 7 * S, None, is_trusted=False)
    lines = [told(noon, has_date=True), other, told(noon), other, told(noon + S, has_date=True)]
    found = times(lines)
    assert [found[index] for index in (0, 2, 4)] == [43_200, 43_200, 43_201]
