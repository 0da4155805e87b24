"""When the next scheduled backup is due."""

from __future__ import annotations

from typing import NamedTuple

from nova.sdk.backup_settings import minute_of_day
from nova.sdk.timestamps import NS_PER_SECOND

NS_PER_MINUTE = 60 * NS_PER_SECOND
NS_PER_HOUR = 60 * NS_PER_MINUTE
NS_PER_DAY = 24 * NS_PER_HOUR


class BackupSchedule(NamedTuple):
    """One backup per period, which begins `offset_ns` after a multiple of it, or whenever the last
    backup was made if that is None.
    """

    period_ns: int
    offset_ns: int | None

    @classmethod
    def of(cls, interval_h: float, at: str | None = None) -> BackupSchedule:
        """The schedule of the settings `backup_interval_h` and `backup_at`."""
        if at is not None:
            return cls(NS_PER_DAY, minute_of_day(at) * NS_PER_MINUTE)
        return cls(round(interval_h * NS_PER_HOUR), None)

    def is_due(self, last_ns: int | None, now_ns: int) -> bool:
        """Whether a backup is due if the last was begun at `last_ns` (None: there is none). A last
        backup in the future was made before the clock was set back.
        """
        if last_ns is None or last_ns > now_ns:
            return True
        if self.offset_ns is None:
            return now_ns - last_ns >= self.period_ns
        begin_ns = now_ns - (now_ns - self.offset_ns) % self.period_ns
        return last_ns < begin_ns
