"""Quiet hours: times of the day, in a time zone, in which only bad alarms are notified of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from nova.sdk.alarms.alarm_rule import Severity, rank_of
from nova.sdk.timestamps import NS_PER_SECOND

_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)


class QuietHours(
    msgspec.Struct, kw_only=True, frozen=True, rename="camel", forbid_unknown_fields=True
):
    """From a time of the day until another one, maybe of the next day. Milder alarms wait for the
    end.
    """

    start: str = msgspec.field(name="from")
    end: str = msgspec.field(name="to")
    time_zone: str
    min_severity: Severity = "critical"


def quiet_faults(quiet: QuietHours) -> Iterator[str]:
    """Every fault of quiet hours: member, reason and remedy."""
    for member, text in (("from", quiet.start), ("to", quiet.end)):
        if not _TIME.fullmatch(text):
            yield f"{member}: {text[:32]!r} is no time of the day: give one such as 22:00"
    if quiet.start == quiet.end:
        yield "to: is the same as `from`: give another time"
    try:
        ZoneInfo(quiet.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield (
            f"timeZone: {quiet.time_zone[:64]!r} is unknown: give a name such as Europe/Berlin, "
            "or UTC"
        )


def first_time(quiet: QuietHours | None, rank: int, time_ns: int) -> int:
    """When an alarm may be notified of, from a time on, in ns: at once, or at the end of the quiet
    hours.
    """
    if quiet is None or rank >= rank_of(quiet.min_severity):
        return time_ns
    zone = ZoneInfo(quiet.time_zone)
    today = datetime.fromtimestamp(time_ns // NS_PER_SECOND, zone).date()
    for days in (-1, 0, 1):
        begin_s, end_s = _span(quiet, today + timedelta(days=days), zone)
        if begin_s * NS_PER_SECOND <= time_ns < end_s * NS_PER_SECOND:
            time_ns = end_s * NS_PER_SECOND
    return time_ns


def _span(quiet: QuietHours, day: date, zone: ZoneInfo) -> tuple[int, int]:
    """The quiet hours that begin on a day, in seconds since 1970, without their end. Where the
    clock is put back they begin at the first time that it shows `from`, and end at the last that it
    shows `to`; a time that is skipped is the instant at which the clock is put forward.
    """
    start, end = time.fromisoformat(quiet.start), time.fromisoformat(quiet.end)
    last_day = day + timedelta(days=1) if end <= start else day
    begins = _instants(datetime.combine(day, start), zone)
    ends = _instants(datetime.combine(last_day, end), zone)
    return min(begins), max(ends)


def _instants(wall: datetime, zone: ZoneInfo) -> tuple[int, int]:
    """The first and the last instant at which clocks show a time of the day."""
    first, last = (int(wall.replace(tzinfo=zone, fold=fold).timestamp()) for fold in (0, 1))
    if first <= last:
        return first, last
    # It is skipped. The two are as far before and after it as the clock is put forward.
    before, after = last, first
    while after - before > 1:
        middle = (before + after) // 2
        if datetime.fromtimestamp(middle, zone).replace(tzinfo=None) < wall:
            before = middle
        else:
            after = middle
    return after, after
