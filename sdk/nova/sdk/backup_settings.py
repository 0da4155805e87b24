"""Settings of scheduled backups, `backup_*`: their help, and the time of day."""

from __future__ import annotations

import re
from collections.abc import Mapping

from nova.sdk.errors import SettingsError

_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)

BACKUP_HELP: Mapping[str, str] = {
    "backup_to": "Target to which the instance backs up its archive; none for no backups.",
    "backup_at": "Time of day in UTC, HH:MM, of one backup a day; by interval if absent.",
    "backup_interval_h": "Time from one backup to the next, without `backup_at`.",
    "backup_keep": "Number of newest backups that are kept in the target.",
    "backup_with_users": "Whether backups include users, keys and TCP streams.",
}


def minute_of_day(text: str) -> int:
    """The minute of the UTC day of `backup_at`; raises SettingsError."""
    match = _TIME_OF_DAY.fullmatch(text)
    if match is None:
        raise SettingsError(f"backup_at: {text[:16]!r} is not a time of day in UTC such as 02:30")
    return 60 * int(match[1]) + int(match[2])
