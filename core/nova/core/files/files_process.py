"""The process that writes daily files: follows the archive as a secondary, up to the durability
marker.

No other process depends on it: trouble with its files does not affect ingest. A failed write is
logged, counted and retried.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

from nova.core.commit_feed import DERIVED_PAUSE_S
from nova.core.disk_reserve import MIB, DiskReserve
from nova.core.files.daily_files import DailyFiles
from nova.core.files.daily_files_state import read_state, write_state
from nova.core.files.file_folder import FileChangedError
from nova.core.metrics.derived_lag import DerivedCursors
from nova.core.metrics.report import report_metrics
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.pass_pace import PASS_PACE, PassPace
from nova.core.query.tail_feed import follow_feed
from nova.core.query.tail_follower import SharedTail, TailFollower
from nova.core.scratch import scratch_folder
from nova.core.store.durability_marker import durable_ns
from nova.core.store.secondary import open_secondary_archive
from nova.sdk import archive_id, endpoints, lifecycle, stored_files
from nova.sdk.archive_id import ANY_ARCHIVE, ArchiveIdentity
from nova.sdk.drivers.registry import DriverRegistry
from nova.sdk.errors import ArchiveGoneError, NovaError
from nova.sdk.settings import Settings
from nova.sdk.timestamps import NS_MIN

MEMORY_BYTES = 64 * 1024 * 1024
RETRY_FIRST_S = 1.0
RETRY_MAX_S = 60.0
LOCK_FILE = ".lock"

log = logging.getLogger(__name__)


class DailyFilesWriter:
    """Writes the daily files of one archive, with retries."""

    def __init__(
        self,
        snapshot: ArchiveSnapshot,
        settings: Settings,
        served: ArchiveIdentity = ANY_ARCHIVE,
        pace: PassPace = PASS_PACE,
    ) -> None:
        self._pace = pace
        self._tail = SharedTail()
        self.tail = self._tail.tail
        self.snapshot = snapshot
        self._data = settings.data_folder()
        self._served = served
        self._root = settings.files_folder()
        self._reserve = DiskReserve(self._root, settings.reserve_mib * MIB, self._data)
        self._files_max = settings.files_max
        self._compresses = settings.files_compression != "none"
        self._registry = DriverRegistry.load(settings.chosen_drivers())
        self._files: DailyFiles | None = None
        self._failures = 0

    @property
    def cursor_ns(self) -> int:
        """Canonical time in ns up to which all events are in the files, as far as known now."""
        return NS_MIN if self._files is None else self._files.state.cursor_ns

    async def run(self) -> None:
        """Write daily files until cancelled; raises ArchiveGoneError if the archive is replaced."""
        with self._tail.followed(lambda: self.cursor_ns) as follower:
            await self._run(follower)

    async def _run(self, follower: TailFollower) -> None:
        pause_s = RETRY_FIRST_S
        while True:
            try:
                events = await self._follow(follower)
                pause_s = RETRY_FIRST_S
                await follower.rest(self._pace.pause_s(events))
            except ArchiveGoneError:
                raise
            except (OSError, NovaError) as error:
                self._record_failure(error)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, RETRY_MAX_S)

    async def _follow(self, follower: TailFollower) -> int:
        """Make one pass; returns its number of events."""
        archive_id.require(self._data, self._served)
        if self._files is None:
            self._files = DailyFiles(
                self.snapshot,
                self._registry,
                self._root,
                self._reserve,
                files_max=self._files_max,
                compresses=self._compresses,
            )
            self._files.state.failures = max(self._files.state.failures, self._failures)
        events = 0
        for step in self._files.follow(follower.reach(durable_ns(self._data))):
            events += step
            await follower.give_way()
        follower.finish_pass(partial(durable_ns, self._data))
        return events

    def _record_failure(self, error: Exception) -> None:
        """Record the failure and discard state that is not saved: the next try resumes from the
        saved state.
        """
        log.error("cannot write the daily files", extra={"context": {"reason": str(error)}})
        self.close()
        with contextlib.suppress(OSError, NovaError):
            state = read_state(self._root)
            self._failures = state.failures = max(state.failures, self._failures) + 1
            state.last_failure = str(error)
            write_state(self._root, state)

    def save(self) -> None:
        """Save the state on a clean stop."""
        if self._files is not None:
            # Files changed by others are detected at the next start.
            with contextlib.suppress(OSError, FileChangedError):
                self._files.save()
        self.close()

    def close(self) -> None:
        files, self._files = self._files, None
        if files is not None:
            files.close()


def lock_folder(root: Path) -> BinaryIO:
    """Lock a folder of daily files until the returned file is closed; raises NovaError if another
    process holds the lock.
    """
    stored_files.make_folder(root)
    stored_files.protect(root)
    file = (root / LOCK_FILE).open("wb")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise NovaError(
            f"another process writes the daily files in {root}: stop it, or choose another folder"
        ) from None
    return file


@contextlib.contextmanager
def open_snapshot(data: Path) -> Iterator[ArchiveSnapshot]:
    """Open a snapshot of an archive while the block runs."""
    with (
        scratch_folder("files") as scratch,
        open_secondary_archive(data, scratch, MEMORY_BYTES) as archive,
    ):
        yield ArchiveSnapshot(archive)


@asynccontextmanager
async def open_writer(
    settings: Settings, served: ArchiveIdentity = ANY_ARCHIVE
) -> AsyncIterator[DailyFilesWriter]:
    """A writer with its archive snapshot and the lock of its folder."""
    async with AsyncExitStack() as stack:
        snapshot = stack.enter_context(open_snapshot(settings.data_folder()))
        stack.enter_context(lock_folder(settings.files_folder()))
        writer = DailyFilesWriter(snapshot, settings, served)
        stack.callback(writer.close)
        yield writer


async def run_and_report(writer: DailyFilesWriter, data: Path) -> None:
    """Write daily files until cancelled, and report metrics."""
    cursors = DerivedCursors()
    cursors.followed["files"] = lambda: writer.cursor_ns
    await asyncio.gather(
        writer.run(),
        follow_feed(
            endpoints.writer_socket(data), writer.snapshot, writer.tail, pause_s=DERIVED_PAUSE_S
        ),
        report_metrics("files", data, list, cursors.reported),
    )


async def serve(settings: Settings, *, exit_with_stdin: bool = False) -> None:
    """Write daily files until a stop signal."""
    stop = lifecycle.stop_event(exit_with_stdin)
    lifecycle.prepare_for_batches()
    lifecycle.raise_file_limit()
    lifecycle.take_lowest_priority()
    data = settings.data_folder()
    served = archive_id.require_at_start(data, settings.archive)
    async with open_writer(settings, served) as writer:
        lifecycle.print_ready("files", data=str(data))
        log.info("daily files ready")
        await lifecycle.run_until_stopped(run_and_report(writer, data), stop)
        writer.save()
