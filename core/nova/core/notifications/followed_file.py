"""The notification file of an instance, followed while it runs."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from nova.core.configured_faults import listed_faults
from nova.core.notifications.notification_file import (
    NotificationFile,
    check_notifications,
)
from nova.sdk import timestamps
from nova.sdk.watched_files import POLL_S, WatchedFiles

OTHERS = 0o077
"""The mode bits of all users but the owner."""

NOBODY = NotificationFile(targets=[], rules=[])

log = logging.getLogger(__name__)


class FollowedFile:
    """The file in effect. One with a fault changes nothing; the first one that can be used is
    awaited, and nobody is notified before.
    """

    def __init__(self, path: Path, poll_s: float = POLL_S) -> None:
        self.path = path
        self.used: NotificationFile | None = None
        self.faults: list[str] = []
        self.read_time = ""
        self._watched = WatchedFiles(path, poll_s)
        self._read()

    async def changed(self) -> None:
        """Return once another file is to be used."""
        while True:
            await self._watched.changed()
            before = self.used
            await asyncio.to_thread(self._read)
            if self.used != before:
                return

    def _read(self) -> None:
        """Read the file; its faults are logged, and no error is raised."""
        file, faults = check_notifications(self.path)
        self.faults = listed_faults(faults)
        if file is None:
            context = {"path": str(self.path), "faults": faults}
            log.error("the notification file cannot be used", extra={"context": context})
            return
        self.used = file
        self.read_time = timestamps.text(timestamps.now())
        if self.path.stat().st_mode & OTHERS:
            context = {"path": str(self.path), "remedy": "chmod 600"}
            log.warning("other users can read the notification file", extra={"context": context})
