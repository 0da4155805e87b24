"""Quiet hours are those of a place, whatever its clocks do."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from nova.core.notifications.quiet_hours import QuietHours, first_time
from nova.sdk import timestamps
from nova.sdk.alarms.alarm_rule import rank_of
from nova.sdk.timestamps import NS_PER_SECOND

NIGHT = QuietHours(start="22:00", end="06:00", time_zone="Europe/Berlin")
NOON = QuietHours(start="12:00", end="13:00", time_zone="UTC", min_severity="severe")
UNTIL_HALF_PAST = QuietHours(start="22:00", end="02:30", time_zone="Europe/Berlin")
FROM_HALF_PAST = QuietHours(start="02:30", end="06:00", time_zone="Europe/Berlin")
CHANGES = (
    ("Europe/Berlin", "2026-03-29"),
    ("Europe/Berlin", "2026-10-25"),
    ("America/New_York", "2026-11-01"),
    ("Australia/Lord_Howe", "2026-10-04"),  # By half an hour.
    ("America/Havana", "2026-03-08"),  # At midnight.
    ("Pacific/Apia", "2011-12-30"),  # The whole day was skipped.
)
MINUTE_S = 60
DAY_S = 86_400


@pytest.mark.parametrize(
    ("quiet", "at", "expected"),
    [
        (NIGHT, "2026-01-10T20:59:59Z", "2026-01-10T20:59:59Z"),
        (NIGHT, "2026-01-10T21:00:00Z", "2026-01-11T05:00:00Z"),
        (NIGHT, "2026-01-11T04:59:59.5Z", "2026-01-11T05:00:00Z"),
        (NIGHT, "2026-07-10T21:00:00Z", "2026-07-11T04:00:00Z"),
        (NIGHT, "2026-03-28T22:00:00Z", "2026-03-29T04:00:00Z"),
        (NIGHT, "2026-01-11T05:00:00Z", "2026-01-11T05:00:00Z"),
        (NIGHT, "2026-03-28T21:00:00Z", "2026-03-29T04:00:00Z"),
        (NIGHT, "2026-10-24T20:00:00Z", "2026-10-25T05:00:00Z"),
        (UNTIL_HALF_PAST, "2026-03-29T00:59:00Z", "2026-03-29T01:00:00Z"),
        (UNTIL_HALF_PAST, "2026-10-25T00:31:00Z", "2026-10-25T01:30:00Z"),
        (FROM_HALF_PAST, "2026-03-29T01:00:00Z", "2026-03-29T04:00:00Z"),
        (FROM_HALF_PAST, "2026-10-25T01:01:00Z", "2026-10-25T05:00:00Z"),
        (NOON, "2026-01-10T12:30:00Z", "2026-01-10T13:00:00Z"),
        (NOON, "2026-01-10T11:59:59Z", "2026-01-10T11:59:59Z"),
        (None, "2026-01-10T12:30:00Z", "2026-01-10T12:30:00Z"),
    ],
)
def test_mild_alarms_wait_for_the_end(quiet: QuietHours | None, at: str, expected: str) -> None:
    found = first_time(quiet, rank_of("warning"), timestamps.parse(at))
    assert found == timestamps.parse(expected)


def test_bad_alarms_do_not_wait() -> None:
    at_ns = timestamps.parse("2026-01-10T23:00:00Z")
    assert first_time(NIGHT, rank_of("critical"), at_ns) == at_ns


def walked_first_time(quiet: QuietHours, shown: Sequence[tuple[int, datetime]], at_s: int) -> int:
    """By what the clock shows in every minute of some days: quiet hours begin when it first shows
    `from` or later, and end after it has last shown less than `to`.
    """
    start, end = time.fromisoformat(quiet.start), time.fromisoformat(quiet.end)
    first_day = shown[0][1].date() + timedelta(days=1)
    for number in range(6):
        day = first_day + timedelta(days=number)
        begin = datetime.combine(day, start)
        until = datetime.combine(day + timedelta(days=end <= start), end)
        begin_s = next(one for one, wall in shown if wall >= begin)
        end_s = max(one for one, wall in shown if wall < until) + MINUTE_S
        if begin_s <= at_s < end_s:
            at_s = end_s
    return at_s


@pytest.mark.parametrize(("zone", "day"), CHANGES)
def test_nights_of_any_length_are_quiet_as_the_clock_shows(zone: str, day: str) -> None:
    draw = random.Random(day)
    middle_s = timestamps.parse(f"{day}T00:00:00Z") // NS_PER_SECOND
    instants = range(middle_s - 4 * DAY_S, middle_s + 4 * DAY_S, MINUTE_S)
    place = ZoneInfo(zone)
    shown = [(one, datetime.fromtimestamp(one, place).replace(tzinfo=None)) for one in instants]
    for _ in range(8):
        minutes = draw.sample(range(0, 1440, 15), 2)
        start, end = (f"{minute // 60:02}:{minute % 60:02}" for minute in minutes)
        quiet = QuietHours(start=start, end=end, time_zone=zone)
        for _ in range(5):
            at_s = middle_s + draw.randint(-24 * 60, 24 * 60) * MINUTE_S
            found = first_time(quiet, rank_of("warning"), at_s * NS_PER_SECOND)
            assert found == walked_first_time(quiet, shown, at_s) * NS_PER_SECOND, quiet
