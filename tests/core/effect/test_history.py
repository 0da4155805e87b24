"""Histories: the item in effect at any moment, whatever the order of arrival."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nova.core.effect.history import CLOCK_AHEAD_MAX_NS, EventTimes, History
from nova.core.effect.moment import Moment, moment_at
from nova.core.ordering import TIMEBASES, Timebase, time_key
from nova.core.writer.capabilities import NO_CAPABILITIES
from nova.sdk.timestamps import NS_MAX, NS_MIN

HOUR_NS = 3_600 * 10**9
TIMES = st.integers(-6, 12)
TOLD = st.lists(st.tuples(TIMES, TIMES, TIMES), max_size=8)


def told(number: int, canonical: int, source: int, effective: int) -> EventTimes:
    """One whose eventId is its number."""
    return EventTimes(canonical, source, effective, number.to_bytes(32, "big"))


def expected(all_told: list[EventTimes], timebase: Timebase, time_ns: int) -> bytes | None:
    """The eventId of the item in effect, computed from the rule."""
    best: tuple[int, int, bytes] | None = None
    for one in all_told:
        if timebase == "source":
            rank = (one.effective_ns, one.source_ns, one.event_id)
        else:
            later = max(0, one.effective_ns - one.source_ns)
            rank = (one.canonical_ns + later, one.canonical_ns, one.event_id)
        if rank[0] <= time_ns and (best is None or rank > best):
            best = rank
    return None if best is None else best[2]


@given(TOLD, TIMES, st.sampled_from(TIMEBASES), st.randoms(use_true_random=False))
def test_the_greatest_time_of_effect_counts(
    drawn: list[tuple[int, int, int]], time_ns: int, timebase: Timebase, dice: object
) -> None:
    """A-146…A-152, AMB-37: as brute force finds it, and so are the neighbouring changes."""
    all_told = [told(number, *times) for number, times in enumerate(drawn)]
    history: History[bytes] = History()
    shuffled = list(all_told)
    dice.shuffle(shuffled)  # type: ignore[attr-defined]  # it is a random.Random
    for one in shuffled:
        history.add(one, one.event_id)
    found = history.entry_at(moment_at(timebase, time_ns))
    assert (None if found is None else found.value) == expected(all_told, timebase, time_ns)
    upcoming = history.next_effect_ns(timebase, time_ns)
    for later_ns in range(time_ns, time_ns + 40):
        now = history.entry_at(moment_at(timebase, later_ns))
        if upcoming is None or later_ns < upcoming:
            assert now == found
    if all_told:
        end = history.entry_at(moment_at(timebase, history.last_effect_ns(timebase)))
        assert end == history.entry_at(moment_at(timebase, NS_MAX))
    history.drop_before(moment_at(timebase, time_ns))
    for later_ns in range(time_ns, time_ns + 40):
        kept = history.entry_at(moment_at(timebase, later_ns))
        assert (None if kept is None else kept.value) == expected(all_told, timebase, later_ns)


def test_a_time_beyond_all_times_is_the_last_one() -> None:
    """Received now and dated at the end of time by a clock at its begin: still a key."""
    history: History[frozenset[str]] = History()
    history.add(told(1, 5, NS_MIN, NS_MAX), NO_CAPABILITIES)
    assert history.next_effect_ns("canonical", 5) == NS_MAX
    assert time_key(history.last_effect_ns("canonical"))
    assert history.entry_at(moment_at("canonical", NS_MAX - 1)) is None


def leading(*all_told: EventTimes, time_ns: int, known_ns: int | None = None) -> bytes | None:
    """What is in effect in source time where clocks may be ahead."""
    history: History[bytes] = History()
    for one in all_told:
        history.add(one, one.event_id)
    known = time_ns if known_ns is None else known_ns
    found = history.entry_at_or_ahead(Moment("source", time_ns, known))
    return None if found is None else found.value


def test_the_only_one_of_a_clock_that_is_ahead_counts_from_its_receipt_on() -> None:
    """Up to the largest offset of a zone; what is dated later is meant for later, and so
    is what a right clock has dated later.
    """
    for ahead_ns, counts in ((HOUR_NS, True), (CLOCK_AHEAD_MAX_NS + 1, False)):
        one = told(1, 0, ahead_ns, ahead_ns)
        assert leading(one, time_ns=0) == (one.event_id if counts else None)
        assert leading(one, time_ns=-1) is None
        assert leading(one, time_ns=ahead_ns) == one.event_id
    assert leading(told(1, 0, 0, 24 * HOUR_NS), time_ns=0) is None
    assert leading(told(1, 0, HOUR_NS, 25 * HOUR_NS), time_ns=0) is None


def test_what_is_in_effect_stays_until_the_next_one_is() -> None:
    """A descriptor that is dated ahead does not take the place of the one before."""
    before, ahead = told(1, 0, 0, 0), told(2, 10, HOUR_NS, HOUR_NS)
    assert leading(before, ahead, time_ns=20) == before.event_id
    assert leading(before, ahead, time_ns=HOUR_NS) == ahead.event_id


def test_of_several_that_are_ahead_the_last_received_counts() -> None:
    """Until the first of them takes effect by its own time."""
    first, second = told(1, 0, 9, 9), told(2, 5, 8, 8)
    assert leading(first, second, time_ns=4) == first.event_id
    assert leading(first, second, time_ns=6) == second.event_id


def test_a_clock_that_is_set_back_takes_nothing_away() -> None:
    """What was received counts, wherever the wall clock is."""
    one = told(1, 100, 99, 99)
    assert leading(one, time_ns=50) is None
    assert leading(one, time_ns=50, known_ns=100) == one.event_id
