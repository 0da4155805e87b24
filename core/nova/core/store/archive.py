"""The archive: a RocksDB database, opened as primary by the writer or as secondary by readers.

`Archive` owns every handle and drops them in order, because rocksdict keeps a database open while
any handle lives. Writes are atomic batches; they are durable only after `sync`.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from rocksdict import AccessType, ColumnFamily, Rdict

from nova.core.errors import ArchiveBusyError, ArchiveDamagedError, ArchiveError
from nova.core.ordering import time_of
from nova.core.store.attempts import ATTEMPTS, until_settled
from nova.core.store.cache_figures import CacheFigures, cache_figures
from nova.core.store.catalog_reader import CatalogReader
from nova.core.store.completeness import Completeness
from nova.core.store.deleted_ids import DeletedIds
from nova.core.store.durability_marker import MARKER_FILE, DurabilityMarker
from nova.core.store.event_reader import EventReader
from nova.core.store.families import Families
from nova.core.store.given_back import GivenBackDays
from nova.core.store.keys import EVENT_FAMILIES, FAMILIES
from nova.core.store.live_files import CURRENT_FILE, RESTORE, LiveFiles
from nova.core.store.log_tail import refuse_holes, truncate_garbage, unsynced_end
from nova.core.store.made_folder import remove_made_folder
from nova.core.store.mirror import Mirror, needs_mirror
from nova.core.store.open_check import OpenCheck
from nova.core.store.options import MEMORY_BYTES, tuning
from nova.core.store.series_reader import SeriesReader
from nova.core.store.shortage import shortage
from nova.core.store.write_batch import ArchiveBatch
from nova.sdk import archive_id, stored_files, timestamps
from nova.sdk.archive_id import ID_FILE
from nova.sdk.default_timebase import TIMEBASE_FILE
from nova.sdk.timestamps import NS_MIN

TRUTH_FOLDER = archive_id.TRUTH_FOLDER
CATCH_UP_DAMAGED_ATTEMPTS = 2
"""Attempts while the archive is known to be damaged, so that requests do not wait for long."""

REOPEN_INTERVAL_S = 5.0

_open_primaries: set[Path] = set()
"""The archives that this process writes. Closing any descriptor of a lock file releases the lock,
so the lock of these archives must not be probed.
"""


class Archive:
    """One open archive. It is read through `events`, `series` and `record`; only the store knows
    its column families.
    """

    def __init__(self, path: Path, scratch: Path | None, memory_bytes: int) -> None:
        self.path = path
        self.inode = archive_id.inode_of(path)
        """Device and inode: they differ if a copy is put in the folder's place."""
        self._scratch = scratch
        """The secondary's private folder; None for the primary."""
        self._tuning = tuning(memory_bytes)
        self._mirror = Mirror(path) if scratch is not None and needs_mirror(path) else None
        """Used by a secondary whose archive is on a read-only file system."""
        self.families = Families(path)
        self.events = EventReader(self.families)
        self.series = SeriesReader(self.families)
        self.record = CatalogReader(self.families)
        self.given_back = GivenBackDays(self.families)
        self.deleted_ids = DeletedIds(self.families)
        self._is_damaged = False
        self._days_seen = self._deleted_seen = 0
        self._opened_at = 0.0
        try:
            self._open()
        except BaseException:
            self._close_mirror()
            raise

    def _open(self) -> None:
        self._opened_at = time.monotonic()
        scratch = self._scratch
        self._refuse_moved()  # RocksDB would create the missing folder.
        access = AccessType.read_write() if scratch is None else AccessType.secondary(str(scratch))
        live = LiveFiles(self.path)
        with contextlib.suppress(FileNotFoundError):  # a new archive has no MANIFEST yet
            live.refresh()
        try:
            options, families = self._tuning
            database = Rdict(str(self._database_folder()), options, dict(families), access)
        except Exception as error:
            remove_made_folder(self.path)
            raise _opening_error(self.path, str(error)) from error
        if scratch is None:
            _open_primaries.add(self.path)
        self._database = database
        self.families.update({name: database.get_column_family(name) for name in FAMILIES})
        self._handles: dict[str, ColumnFamily] = {
            name: database.get_column_family_handle(name) for name in FAMILIES
        }
        catalog_rows = ("catalog", self.families["catalog"])
        events = {name: self.families[name] for name in EVENT_FAMILIES}
        self._completeness = Completeness(database, live, catalog_rows, events)

    def _refuse_moved(self) -> None:
        found = archive_id.inode_of(self.path)
        if found is None or found != self.inode:
            raise ArchiveError(
                f"the archive folder {self.path} was moved or replaced: put the original back"
            )

    def _database_folder(self) -> Path:
        """The folder for RocksDB to open: the archive's own, or its refreshed mirror."""
        if self._mirror is None:
            return self.path
        self._mirror.refresh()
        return self._mirror.path

    def _close_mirror(self) -> None:
        if self._mirror is not None:
            self._mirror.close()

    @classmethod
    def open_primary(cls, data: Path, memory_bytes: int = MEMORY_BYTES) -> Archive:
        """Open for writing, for one process only; creates the archive if it does not exist. Raises
        ArchiveError under the same conditions as `open_secondary`.
        """
        path = data / TRUTH_FOLDER
        try:
            stored_files.make_folder(path)
        except OSError as error:
            raise ArchiveError(
                f"the data folder {data} cannot be written: {error.strerror}"
            ) from error
        stored_files.protect_data_folder(data)
        stored_files.protect(path, data / MARKER_FILE, data / ID_FILE, data / TIMEBASE_FILE)
        _refuse_missing_current(data, path)
        check = OpenCheck.read(data)
        if path not in _open_primaries:
            truncate_garbage(data, path, check.marker)
        archive = cls(path, None, memory_bytes)
        try:
            archive._prove_complete()
            check.require(archive.record, archive.holdings())
            archive.given_back.refresh()
        except ArchiveError:
            archive.close()
            raise
        return archive

    @classmethod
    def open_secondary(cls, data: Path, scratch: Path, memory_bytes: int = MEMORY_BYTES) -> Archive:
        """Open an existing archive as a secondary that follows its writer; `scratch` is the
        secondary's private folder. Raises ArchiveDamagedError if the archive is incomplete or holds
        less than its durability marker records, and ArchiveError if it has another layout, another
        id than its folder names, or an end that only a writer can cut off.
        """
        path = data / TRUTH_FOLDER
        _refuse_missing_current(data, path)
        if not (path / CURRENT_FILE).exists():
            raise ArchiveError(f"there is no archive in {data} yet: start its writer first")
        check = OpenCheck.read(data)
        try:
            refuse_holes(path)
            return cls._open_checked(path, scratch, memory_bytes, check)
        except ArchiveDamagedError as error:
            if end := unsynced_end(path, check.marker):
                raise ArchiveError(
                    f"the archive in {path} was left by a power cut: {end}. Every event that was "
                    "acknowledged is there. Start NOVA on it once, or only its writer (`nova core "
                    "writer`): it moves that end to the quarantine"
                ) from error
            raise

    @classmethod
    def _open_checked(
        cls, path: Path, scratch: Path, memory_bytes: int, check: OpenCheck
    ) -> Archive:
        archive = cls(path, scratch, memory_bytes)
        try:
            archive._days_seen = archive.record.counters().days_given_back
            archive.catch_up()
            check.require(archive.record, archive.holdings())
        except ArchiveError:
            archive.close()
            raise
        return archive

    def batch(self) -> ArchiveBatch:
        return ArchiveBatch(self._handles)

    def write(self, batch: ArchiveBatch) -> None:
        """Apply a batch atomically; not durable before `sync`."""
        self._database.write(batch.complete())

    def sync(self) -> None:
        """fsync the log, which makes every earlier write durable; releases the GIL, so call it in a
        thread.
        """
        self._database.flush_wal(True)

    def flush(self) -> None:
        """Write every row that is only in memory and in the log to table files; releases the GIL,
        so call it in a thread.
        """
        for family in list(self.families.values()):
            family.flush()

    def sequence(self) -> int:
        """RocksDB's sequence number: the count of records written so far."""
        return int(self._database.latest_sequence_number())

    def catch_up(self, until_ns: int = NS_MIN) -> None:
        """Bring a secondary up to the primary's current state, which is known to reach `until_ns`
        in canonical time. Raises ArchiveDamagedError if the secondary does not see all of it.
        """
        # The primary may delete a file or a log meanwhile; the next attempt sees its replacement.
        attempts = CATCH_UP_DAMAGED_ATTEMPTS if self._is_damaged else ATTEMPTS
        try:
            until_settled(self.path, lambda: self._follow(until_ns), attempts)
        except ArchiveError as error:
            self._is_damaged |= not isinstance(error, ArchiveBusyError)
            raise
        self._is_damaged = False

    def _follow(self, until_ns: int) -> None:
        if self._is_damaged and time.monotonic() - self._opened_at > REOPEN_INTERVAL_S:
            self._reopen()  # Only a new open sees a file that was put back.
        try:
            self._database_folder()
            self._database.try_catch_up_with_primary()
        except Exception as error:
            raise shortage(f"the archive in {self.path}", str(error)) or ArchiveError(
                f"cannot follow the archive in {self.path}: {error}"
            ) from error
        self._refuse_fault(self._completeness.fault_of_files())
        if self._completeness.is_stale():
            self._reopen()
            self._refuse_fault(self._completeness.fault_of_files())
        self._refuse_fault(self._fault_of_rows(until_ns))
        self._follow_deletions()

    def _follow_deletions(self) -> None:
        """Read the days that were given back since. The secondary may still have rows of them in
        memory, in front of files without them, so it opens again.
        """
        counters = self.record.counters()
        days, deleted = counters.days_given_back, counters.deleted
        if (days, deleted) == (self._days_seen, self._deleted_seen) and not self.given_back.entries:
            return
        if days != self._days_seen:
            self._reopen()
            self._refuse_fault(self._completeness.fault_of_files())
        self._days_seen, self._deleted_seen = days, deleted
        self.given_back.refresh()

    def _reopen(self) -> None:
        """Open the secondary again. If that fails, it stays as it was. Iterators over the old
        database go on and keep it open.
        """
        self._open()

    def _fault_of_rows(self, until_ns: int) -> str | None:
        counters, last_ns = self.record.counters_and_last_ns()
        fault = self._completeness.fault_of_counts(counters.held)
        if fault is not None or last_ns >= until_ns:
            return fault
        return (
            f"it ends at {timestamps.text(last_ns)}, but {timestamps.text(until_ns)} "
            "is durable: a log is missing or damaged"
        )

    def _refuse_fault(self, fault: str | None) -> None:
        if fault is not None:
            raise ArchiveDamagedError(
                f"the archive in {self.path} is incomplete and is not served: {fault}. {RESTORE}"
            )

    def _prove_complete(self) -> None:
        """Raise ArchiveDamagedError unless the primary has every file open and these hold every
        counted event.
        """

        def look() -> None:
            self._refuse_fault(self._completeness.fault_of_files() or self._fault_of_rows(NS_MIN))

        until_settled(self.path, look)  # Compactions already run and replace files.

    def holdings(self) -> DurabilityMarker:
        """What the archive holds, in the form of a durability marker without positions."""
        counters, last_ns = self.record.counters_and_last_ns()
        if last_ns == 0 and counters.events:  # An older archive has only the times of its events.
            newest = self.events.last("canonical")
            last_ns = 0 if newest is None else time_of(newest[0])
        return DurabilityMarker(
            sequence=self.sequence(), canonical_ns=last_ns, events=counters.events
        )

    def bytes_on_disk(self) -> int:
        return sum(entry.stat().st_size for entry in self.path.iterdir() if entry.is_file())

    def cache_figures(self) -> CacheFigures:
        """Hits, misses and size of the block cache since this process opened the archive."""
        return cache_figures(self._tuning.database, self.families["canonical"])

    def close(self) -> None:
        """Close every handle, then the database; raises ArchiveDamagedError if a compaction has met
        an unreadable block.
        """
        self._handles.clear()
        faults = []
        for database in (*self.families.values(), self._database):
            try:
                database.close()
            except Exception as error:
                faults.append(str(error))
        self.families.clear()
        self._close_mirror()
        if self._scratch is None:
            _open_primaries.discard(self.path)
        if faults:
            raise shortage(f"the archive in {self.path}", faults[0]) or ArchiveDamagedError(
                f"the archive in {self.path} is damaged: {faults[0]}. {RESTORE}"
            )


def _refuse_missing_current(data: Path, path: Path) -> None:
    """Raise ArchiveDamagedError if the folder has archive files but no CURRENT: RocksDB would
    create a new database there and delete the files that it does not know.
    """
    if (path / CURRENT_FILE).exists():
        return
    left = [*path.glob("*.sst"), *path.glob("*.log"), *data.glob(MARKER_FILE)]
    if left:
        raise ArchiveDamagedError(
            f"the archive in {path} is damaged: {CURRENT_FILE} is missing beside "
            f"{min(left).name}. {RESTORE}, or move it away to start a new one"
        )


def _opening_error(path: Path, reason: str) -> ArchiveError:
    if short := shortage(f"the archive in {path}", reason):
        return short
    if "corrupt" in reason.lower() or ".sst" in reason:
        return ArchiveDamagedError(f"the archive in {path} is damaged: {reason}. {RESTORE}")
    if "/LOCK" in reason:
        return ArchiveError(f"the archive in {path} is held by another writer: {reason}")
    return ArchiveError(f"cannot open the archive in {path}: {reason}")
