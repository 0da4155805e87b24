"""When a backup is due: by interval, or once a day at a time."""

from __future__ import annotations

import pytest

from nova.core.backup.backup_schedule import BackupSchedule
from nova.sdk import timestamps

HOURLY = BackupSchedule.of(1)
DAILY = BackupSchedule.of(1, "02:30")


@pytest.mark.parametrize(
    ("schedule", "last", "now", "is_due"),
    [
        (HOURLY, None, "2026-01-01T00:00:00Z", True),
        (HOURLY, "2026-01-01T00:00:00Z", "2026-01-01T00:59:59Z", False),
        (HOURLY, "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z", True),
        (HOURLY, "2026-01-01T12:00:00Z", "2026-01-01T01:00:00Z", True),
        (DAILY, None, "2026-01-01T00:00:00Z", True),
        (DAILY, "2026-01-01T02:30:00Z", "2026-01-02T02:29:59Z", False),
        (DAILY, "2026-01-01T02:30:00Z", "2026-01-02T02:30:00Z", True),
        (DAILY, "2026-01-01T23:00:00Z", "2026-01-02T02:31:00Z", True),
        (DAILY, "2026-01-02T02:30:01Z", "2026-01-02T23:59:00Z", False),
    ],
)
def test_a_backup_is_due(
    schedule: BackupSchedule, last: str | None, now: str, is_due: bool
) -> None:
    """Also after the clock was set back to before the last one."""
    last_ns = None if last is None else timestamps.parse(last)
    assert schedule.is_due(last_ns, timestamps.parse(now)) is is_due
