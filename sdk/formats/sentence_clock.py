"""When sentences are: most say the time of day, few the date, and a receiver without a fix neither
that others may believe.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import NamedTuple

from sdk.formats.sentence import NS_PER_DAY, Sentence
from sdk.timestamps import NS_PER_SECOND

ROLLOVER_NS = 1024 * 7 * NS_PER_DAY
"""Receivers count weeks to 1,023 and begin anew; an old one then tells a date that long ago."""
DISORDER_MAX_NS = 60 * NS_PER_SECOND
"""As much may a time of day before the first date step back without being of the next day."""


class Told(NamedTuple):
    """What one line says of time; `believed` where others may be dated by it."""

    stamp_ns: int | None
    time_of_day_ns: int | None = None
    day: date | None = None
    believed: bool = True


class Start(NamedTuple):
    """Where a log begins, and the first moment that it states, if it states any."""

    begin_ns: int
    stated_ns: int | None


class Fixes:
    """What talkers have said of their fix; a sentence that does not say has its talker's."""

    def __init__(self) -> None:
        self._lost: set[str] = set()

    def foresee(self, said: Iterable[tuple[str, Sentence | None]]) -> None:
        """Take what talkers say first of their fix as true of what they said before."""
        known: set[str] = set()
        for talker, sentence in said:
            if sentence is not None and sentence.fix is not None and talker not in known:
                known.add(talker)
                if not sentence.fix:
                    self._lost.add(talker)

    def told(self, talker: str, sentence: Sentence | None, stamp_ns: int | None) -> Told:
        """What a line says of time, in order of the log."""
        if sentence is None:
            return Told(stamp_ns)
        if sentence.fix is not None:
            (self._lost.discard if sentence.fix else self._lost.add)(talker)
        believed = talker not in self._lost
        return Told(stamp_ns, sentence.time_of_day_ns, sentence.date, believed)


class SentenceClock:
    """Dates the lines of one log in their order."""

    def __init__(self, start: Start, epoch_ns: int | None = None) -> None:
        self._now_ns, self._stated_ns = start
        self._epoch_ns = epoch_ns
        self._is_stated = start.stated_ns is None

    def time_ns(self, told: Told) -> int:
        """When a line is: what it says itself, else what was said last."""
        at_ns = stated_ns(told, self._epoch_ns)
        if at_ns is not None:
            if told.believed or told.stamp_ns is not None:
                self._now_ns, self._is_stated = at_ns, True
            return at_ns
        if told.time_of_day_ns is None:
            return self._now_ns
        if self._is_stated or self._stated_ns is None:
            at_ns = nearest(told.time_of_day_ns, self._now_ns)
        elif told.believed:
            at_ns = _next(told.time_of_day_ns, self._now_ns)
        else:
            return _before(told.time_of_day_ns, self._stated_ns)
        if told.believed:
            self._now_ns = at_ns
        return at_ns


def start(lines: Iterable[Told], epoch_ns: int | None) -> Start | None:
    """Where a log begins: as long before the first moment that is stated as its times of day say.

    None where no line that is believed states one.
    """
    first = latest = None
    for told in lines:
        at_ns = stated_ns(told, epoch_ns)
        is_stated = at_ns is not None and (told.believed or told.stamp_ns is not None)
        time_of_day_ns = at_ns if is_stated else told.time_of_day_ns if told.believed else None
        if time_of_day_ns is not None:
            time_of_day_ns %= NS_PER_DAY
            latest = time_of_day_ns if latest is None else _next(time_of_day_ns, latest)
            first = latest if first is None else first
        if is_stated and at_ns is not None and latest is not None and first is not None:
            return Start(at_ns - (latest - first), at_ns)
    return None


def stated_ns(told: Told, epoch_ns: int | None) -> int | None:
    """The moment that a line states whole: by its own date, or by the time beside it.

    A time of day that is believed is nearer to what happened than the logger's, which dates it.
    """
    if told.stamp_ns is not None:
        if told.time_of_day_ns is None or not told.believed:
            return told.stamp_ns
        if told.day is None:
            return nearest(told.time_of_day_ns, told.stamp_ns)
    if told.day is None or told.time_of_day_ns is None:
        return None
    at_ns = _midnight_ns(told.day) + told.time_of_day_ns
    return at_ns if epoch_ns is None or not told.believed else _rolled(at_ns, epoch_ns)


def _rolled(at_ns: int, epoch_ns: int) -> int:
    """The moment moved by as many times 1,024 weeks as bring it nearest to an epoch."""
    return at_ns + (epoch_ns - at_ns + ROLLOVER_NS // 2) // ROLLOVER_NS * ROLLOVER_NS


def nearest(time_of_day_ns: int, reference_ns: int) -> int:
    """The moment with this time of day that is nearest to another moment, across midnight."""
    half = NS_PER_DAY // 2
    return reference_ns + (time_of_day_ns - reference_ns + half) % NS_PER_DAY - half


def _next(time_of_day_ns: int, reference_ns: int) -> int:
    """The next moment with this time of day, or one that is a little earlier."""
    earliest_ns = reference_ns - DISORDER_MAX_NS
    return earliest_ns + (time_of_day_ns - earliest_ns) % NS_PER_DAY


def _before(time_of_day_ns: int, limit_ns: int) -> int:
    """The last moment with this time of day that is not after another."""
    return limit_ns - (limit_ns - time_of_day_ns) % NS_PER_DAY


def _midnight_ns(day: date) -> int:
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return int(midnight.timestamp()) * NS_PER_SECOND
