"""Dates lines across gaps of a log: a time of day behind a gap belongs to the next date.

Of a receiver that was off for three days the first GGA comes before the RMC with its date.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple, TypeVar

from nova.recordings.sentence import NS_PER_DAY
from nova.recordings.sentence_clock import LineTimes, SentenceClock, nearest
from nova.sdk.timestamps import NS_PER_SECOND

LOOKAHEAD_LINES = 1_000
"""Lines that wait for the next date; those farther before it follow the last one."""
BURST_DISORDER_NS = 2 * NS_PER_SECOND
"""Sentences of one burst may step back this far; a larger step back is a gap."""

Line = TypeVar("Line")


class _Reading(NamedTuple):
    """The time of day of the line `at` this index."""

    at: int
    time_of_day_ns: int


def dated(
    lines: Iterable[tuple[Line, LineTimes]], clock: SentenceClock, lookahead: int = LOOKAHEAD_LINES
) -> Iterator[tuple[Line, int]]:
    """Each line with its time, in order."""
    waiting: deque[tuple[Line, LineTimes]] = deque()
    for one in lines:
        waiting.append(one)
        next_ns = clock.trusted_ns(one[1])
        if not clock.has_full_time:
            yield from _dated(waiting, clock, 1)
        elif next_ns is not None:
            behind = gap([times for _, times in waiting], clock.now_ns, next_ns)
            if behind is not None:
                yield from _dated(waiting, clock, behind)
                clock.now_ns = _back(next_ns, [times for _, times in waiting])
            yield from _dated(waiting, clock, len(waiting))
        elif len(waiting) > lookahead:
            yield from _dated(waiting, clock, 1)
    yield from _dated(waiting, clock, len(waiting))


def gap(lines: Sequence[LineTimes], now_ns: int, next_ns: int) -> int | None:
    """The index of the first line behind a gap, among lines after `now_ns` of which the last has
    the date of `next_ns`; None if the times of day lead there without one.
    """
    last = _Reading(len(lines) - 1, next_ns % NS_PER_DAY)
    between = [
        (_Reading(index, times.time_of_day_ns), times.is_trusted)
        for index, times in enumerate(lines[:-1])
        if times.time_of_day_ns is not None and times.day is None
    ]
    believed = [reading for reading, is_believed in between if is_believed]
    reached_ns = now_ns
    for reading in (*believed, last):
        reached_ns = nearest(reading.time_of_day_ns, reached_ns)
    if reached_ns == next_ns:
        return None
    begin, end = _widest([_Reading(-1, now_ns % NS_PER_DAY), *believed, last])
    # A receiver without a fix may run another clock: it only decides where nothing better does.
    lost = [reading for reading, _ in between if begin.at < reading.at < end.at]
    return _widest([begin, *lost, end])[1].at


def _widest(readings: Sequence[_Reading]) -> tuple[_Reading, _Reading]:
    """The neighbours between which most time passes, within a day."""
    return max(pairwise(readings), key=lambda pair: _step_ns(*pair))


def _step_ns(earlier: _Reading, later: _Reading) -> int:
    step_ns = later.time_of_day_ns - earlier.time_of_day_ns
    return -step_ns if -BURST_DISORDER_NS <= step_ns < 0 else step_ns % NS_PER_DAY


def _back(next_ns: int, lines: Sequence[LineTimes]) -> int:
    """The time of the first line, by the times of day between it and the date of the last."""
    at_ns = next_ns
    for times in reversed(lines[:-1]):
        if times.time_of_day_ns is not None and times.is_trusted:
            at_ns = nearest(times.time_of_day_ns, at_ns)
    return at_ns


def _dated(
    waiting: deque[tuple[Line, LineTimes]], clock: SentenceClock, count: int
) -> Iterator[tuple[Line, int]]:
    """Date and remove the first lines."""
    for _ in range(count):
        line, times = waiting.popleft()
        yield line, clock.time_ns(times)
