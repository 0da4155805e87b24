"""Dates sentences: most have a time of day, few a date, and those of a receiver without a fix are
not used to date others.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import NamedTuple

from nova.recordings.sentence import NS_PER_DAY, Sentence
from nova.sdk.timestamps import NS_PER_SECOND

ROLLOVER_NS = 1024 * 7 * NS_PER_DAY
"""Receivers count weeks modulo 1,024; after a rollover an old one reports a date that long ago."""
DISORDER_MAX_NS = 60 * NS_PER_SECOND
"""A time of day before the first date may step back this far without being of the next day."""


class LineTimes(NamedTuple):
    """A line's times; `is_trusted` says whether others may be dated by them."""

    stamp_ns: int | None
    time_of_day_ns: int | None = None
    day: date | None = None
    is_trusted: bool = True


class LogStart(NamedTuple):
    """The start of a log, and its first full date and time, if there is one."""

    begin_ns: int
    first_full_ns: int | None


class TalkerFixes:
    """The fix state of each talker; a sentence that does not say takes its talker's.

    `trust_unknown` says whether a talker is trusted before it has said whether it has a fix.
    """

    def __init__(self, *, trust_unknown: bool = True) -> None:
        self._trust_unknown = trust_unknown
        self.states: dict[str, bool] = {}
        """Whether each talker that has said so has a fix."""

    def initialize(self, sentences: Iterable[tuple[str, Sentence | None]]) -> None:
        """Apply each talker's first fix state to the lines before it."""
        for talker, sentence in sentences:
            if sentence is not None and sentence.has_fix is not None:
                self.states.setdefault(talker, sentence.has_fix)

    def line_times(self, talker: str, sentence: Sentence | None, stamp_ns: int | None) -> LineTimes:
        """The times of a line. Call it in the order of the log."""
        if sentence is None:
            return LineTimes(stamp_ns)
        if sentence.has_fix is not None:
            self.states[talker] = sentence.has_fix
        believed = self.states.get(talker, self._trust_unknown)
        return LineTimes(stamp_ns, sentence.time_of_day_ns, sentence.date, believed)


class SentenceClock:
    """Dates the lines of one log in order.

    `now_ns` is the last known time, and `has_full_time` whether a date has led to it.
    """

    def __init__(self, start: LogStart, epoch_ns: int | None = None) -> None:
        self.now_ns, self._first_full_ns = start
        self._epoch_ns = epoch_ns
        self.has_full_time = start.first_full_ns is None

    def trusted_ns(self, times: LineTimes) -> int | None:
        """The full time of a line by which others may be dated."""
        if not (times.is_trusted or times.stamp_ns is not None):
            return None
        return full_time_ns(times, self._epoch_ns)

    def time_ns(self, times: LineTimes) -> int:
        """The time of a line: its own, else the last known one."""
        at_ns = full_time_ns(times, self._epoch_ns)
        if at_ns is not None:
            if times.is_trusted or times.stamp_ns is not None:
                self.now_ns, self.has_full_time = at_ns, True
            return at_ns
        if times.time_of_day_ns is None:
            return self.now_ns
        if self.has_full_time or self._first_full_ns is None:
            at_ns = nearest(times.time_of_day_ns, self.now_ns)
        elif times.is_trusted:
            at_ns = _next(times.time_of_day_ns, self.now_ns)
        else:
            return _before(times.time_of_day_ns, self._first_full_ns)
        if times.is_trusted:
            self.now_ns = at_ns
        return at_ns


class LiveClock:
    """Dates the sentences of a device by the rule of SentenceClock, but foresees none.

    The host's clock decides week rollovers, and the day until a receiver with a fix said a date.
    Afterwards it only measures how long the device was silent, so a device whose clock is wrong,
    or that replays an old log, keeps its own time.
    """

    def __init__(self) -> None:
        self.last_ns: int | None = None
        """The last time of a receiver with a fix."""
        self.heard_ns: int | None = None
        """The host's time at which that was read."""

    def leave_out(self, begin_ns: int, end_ns: int) -> None:
        """Take no silence from a time in which the host read nothing: what it reads next may be of
        its begin.
        """
        if self.heard_ns is not None:
            self.heard_ns += max(0, end_ns - max(begin_ns, self.heard_ns))

    def time_ns(self, times: LineTimes, host_ns: int) -> int | None:
        """The time of a sentence; None, so that the host dates it, if it has no time to trust."""
        at_ns = full_time_ns(times, host_ns)
        if at_ns is None:
            if times.time_of_day_ns is None:
                return None
            if self.last_ns is None:
                return nearest(times.time_of_day_ns, host_ns) if times.is_trusted else None
            at_ns = nearest(times.time_of_day_ns, self.last_ns + self._silence_ns(host_ns))
        if times.is_trusted or times.stamp_ns is not None:
            self.last_ns, self.heard_ns = at_ns, host_ns
        return at_ns

    def _silence_ns(self, host_ns: int) -> int:
        """How long nothing with a time came; 0 where the host's clock was put back."""
        return 0 if self.heard_ns is None else max(0, host_ns - self.heard_ns)


def find_start(lines: Iterable[LineTimes], epoch_ns: int | None) -> LogStart | None:
    """The start of a log: its first full date and time, minus the span of the times of day before
    it.

    None if no trusted line has one.
    """
    first = latest = None
    for line in lines:
        at_ns = full_time_ns(line, epoch_ns)
        is_stated = at_ns is not None and (line.is_trusted or line.stamp_ns is not None)
        time_of_day_ns = at_ns if is_stated else line.time_of_day_ns if line.is_trusted else None
        if time_of_day_ns is not None:
            time_of_day_ns %= NS_PER_DAY
            latest = time_of_day_ns if latest is None else _next(time_of_day_ns, latest)
            first = latest if first is None else first
        if is_stated and at_ns is not None and latest is not None and first is not None:
            return LogStart(at_ns - (latest - first), at_ns)
    return None


def full_time_ns(times: LineTimes, epoch_ns: int | None) -> int | None:
    """The full time of a line, by its own date or by the logger's stamp; None if it has neither.

    A trusted time of day is closer to the event than the logger's stamp, which only dates it.
    """
    if times.stamp_ns is not None:
        if times.time_of_day_ns is None or not times.is_trusted:
            return times.stamp_ns
        if times.day is None:
            return nearest(times.time_of_day_ns, times.stamp_ns)
    if times.day is None or times.time_of_day_ns is None:
        return None
    at_ns = _midnight_ns(times.day) + times.time_of_day_ns
    return at_ns if epoch_ns is None or not times.is_trusted else _correct_rollover(at_ns, epoch_ns)


def _correct_rollover(at_ns: int, epoch_ns: int) -> int:
    """Shift the time by multiples of 1,024 weeks to the one nearest to an epoch."""
    return at_ns + (epoch_ns - at_ns + ROLLOVER_NS // 2) // ROLLOVER_NS * ROLLOVER_NS


def nearest(time_of_day_ns: int, reference_ns: int) -> int:
    """The time with this time of day that is nearest to a reference, across midnight."""
    half = NS_PER_DAY // 2
    return reference_ns + (time_of_day_ns - reference_ns + half) % NS_PER_DAY - half


def _next(time_of_day_ns: int, reference_ns: int) -> int:
    """The next time with this time of day, or one up to DISORDER_MAX_NS earlier."""
    earliest_ns = reference_ns - DISORDER_MAX_NS
    return earliest_ns + (time_of_day_ns - earliest_ns) % NS_PER_DAY


def _before(time_of_day_ns: int, limit_ns: int) -> int:
    """The last time with this time of day that is not after a limit."""
    return limit_ns - (limit_ns - time_of_day_ns) % NS_PER_DAY


def _midnight_ns(day: date) -> int:
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return int(midnight.timestamp()) * NS_PER_SECOND
