"""Quiet hours are those of a place, whatever its clocks do."""

from __future__ import annotations

import pytest

from nova.core.notifications.quiet_hours import QuietHours, first_time
from nova.sdk import timestamps
from nova.sdk.alarms.alarm_rule import rank_of

NIGHT = QuietHours(start="22:00", end="06:00", time_zone="Europe/Berlin")
NOON = QuietHours(start="12:00", end="13:00", time_zone="UTC", min_severity="severe")


@pytest.mark.parametrize(
    ("quiet", "at", "expected"),
    [
        (NIGHT, "2026-01-10T20:59:59Z", "2026-01-10T20:59:59Z"),
        (NIGHT, "2026-01-10T21:00:00Z", "2026-01-11T05:00:00Z"),
        (NIGHT, "2026-01-11T04:59:59.5Z", "2026-01-11T05:00:00Z"),
        (NIGHT, "2026-07-10T21:00:00Z", "2026-07-11T04:00:00Z"),
        (NIGHT, "2026-03-28T22:00:00Z", "2026-03-29T04:00:00Z"),
        (NIGHT, "2026-01-11T05:00:00Z", "2026-01-11T05:00:00Z"),
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
