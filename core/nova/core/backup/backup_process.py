"""The process that makes the scheduled backups, at the lowest priority. No other process depends on
it: a backup that fails is logged, shown in the status, and tried again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from pathlib import Path

import msgspec

from nova.core.backup.backup_run import BackupRequest, BackupSummary, make_backup
from nova.core.backup.backup_schedule import BackupSchedule
from nova.core.backup.backup_target import BackupTarget
from nova.core.backup.generation import generation_names
from nova.core.backup.target_place import open_target
from nova.core.disk_reserve import MIB
from nova.core.store.backup_record import BackupRecord, read_record, write_record
from nova.sdk import archive_id, lifecycle, timestamps
from nova.sdk.archive_id import ArchiveIdentity
from nova.sdk.errors import ArchiveGoneError, NovaError, SettingsError
from nova.sdk.settings import Settings

POLL_INTERVAL_S = 5.0
RETRY_FIRST_S = 60.0
RETRY_MAX_S = 3_600.0

log = logging.getLogger(__name__)


class BackupStoppedError(NovaError):
    """The process was stopped while it made a backup."""


class ScheduledBackups:
    """Makes the backups of one instance."""

    def __init__(
        self,
        settings: Settings,
        served: ArchiveIdentity,
        *,
        poll_interval_s: float = POLL_INTERVAL_S,
        retry_first_s: float = RETRY_FIRST_S,
    ) -> None:
        if settings.backup_to is None:
            raise SettingsError("backup_to: no target of backups is set")
        self._data = settings.data_folder()
        self._served = served
        self._place = settings.backup_to
        self._reserve_bytes = settings.reserve_mib * MIB
        self._schedule = BackupSchedule.of(settings.backup_interval_h, settings.backup_at)
        self._request = BackupRequest(
            self._data, with_users=settings.backup_with_users, keep=settings.backup_keep
        )
        self._poll_interval_s, self._retry_first_s = poll_interval_s, retry_first_s
        self._is_stopped = threading.Event()

    async def run(self) -> None:
        """Make backups until cancelled; raises ArchiveGoneError if the archive is replaced."""
        pause_s = self._retry_first_s
        try:
            while True:
                archive_id.require(self._data, self._served)
                if not self._is_due():
                    await asyncio.sleep(self._poll_interval_s)
                elif await self._succeeds():
                    pause_s = self._retry_first_s
                else:
                    await asyncio.sleep(pause_s)
                    pause_s = min(2 * pause_s, RETRY_MAX_S)
        finally:
            self._is_stopped.set()

    def _is_due(self) -> bool:
        record = read_record(self._data)
        is_known = bool(record.time) and record.target == str(self._target())
        last_ns = timestamps.parse(record.time) if is_known else None
        return self._schedule.is_due(last_ns, timestamps.now())

    def _target(self) -> BackupTarget:
        return open_target(self._place, self._data, self._reserve_bytes)

    async def _succeeds(self) -> bool:
        """Make a backup in a thread; returns whether it is made."""
        try:
            summary = await asyncio.to_thread(self._make)
        except ArchiveGoneError:
            raise
        except (OSError, NovaError) as error:
            if not self._is_stopped.is_set():
                self._record_failure(error)
            return False
        log.info("backup made", extra={"context": msgspec.to_builtins(summary)})
        return True

    def _make(self) -> BackupSummary:
        target = self._target()
        _refuse_lost(self._data, target)
        return make_backup(self._request, target, self._report)

    def _report(self, _what: str, _done: int, _total: int) -> None:
        if self._is_stopped.is_set():
            raise BackupStoppedError("stopped")

    def _record_failure(self, error: Exception) -> None:
        log.error(
            "no backup could be made", extra={"context": {"to": self._place, "reason": str(error)}}
        )
        with contextlib.suppress(OSError, NovaError):
            record = read_record(self._data)
            failed = timestamps.text(timestamps.now())
            write_record(
                self._data,
                msgspec.structs.replace(record, failed_time=failed, failure=str(error)),
            )


def _refuse_lost(data: Path, target: BackupTarget) -> None:
    """Raise NovaError if the target had backups and has none: its disk may not be mounted, and a
    backup beside it would fill the disk below.
    """
    record: BackupRecord = read_record(data)
    if record.generation and record.target == str(target) and not generation_names(target):
        raise NovaError(
            f"{target} had the backup {record.generation} and has none now: is its disk mounted? "
            "If it was emptied on purpose, make a backup by `nova backup`"
        )


async def serve(settings: Settings, *, exit_with_stdin: bool = False) -> None:
    """Make backups until a stop signal."""
    stop = lifecycle.stop_event(exit_with_stdin)
    lifecycle.raise_file_limit()
    lifecycle.take_lowest_priority()
    lifecycle.take_idle_disk_priority()
    data = settings.data_folder()
    served = archive_id.require_at_start(data, settings.archive)
    backups = ScheduledBackups(settings, served)
    lifecycle.print_ready("backup", data=str(data))
    log.info("backups ready", extra={"context": {"to": settings.backup_to}})
    await lifecycle.run_until_stopped(backups.run(), stop)
