"""Quiet hours: times of the day, in a time zone, in which only bad alarms are notified of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
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
    now = datetime.fromtimestamp(time_ns // NS_PER_SECOND, UTC).astimezone(zone)
    start, end = time.fromisoformat(quiet.start), time.fromisoformat(quiet.end)
    at = now.time()
    is_over_midnight = end <= start
    is_quiet = (at >= start or at < end) if is_over_midnight else start <= at < end
    if not is_quiet:
        return time_ns
    days = 1 if is_over_midnight and at >= start else 0
    until = datetime.combine(now.date() + timedelta(days=days), end, zone)
    return max(time_ns, int(until.timestamp()) * NS_PER_SECOND)
