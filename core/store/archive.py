"""The truth store itself: RocksDB opened as primary by the writer or as secondary by readers.

The archive owns every handle and drops them in order, for rocksdict keeps a database open as long
as any handle lives. Writes are atomic batches; they are durable only after `sync`.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path

from rocksdict import AccessType, ColumnFamily, Rdict

from core.errors import ArchiveDamagedError, ArchiveError
from core.ordering import PLACE_BYTES
from core.store import catalog
from core.store.batch import Batch
from core.store.completeness import Completeness
from core.store.keys import EVENT_FAMILIES, FAMILIES
from core.store.live_files import CURRENT_FILE, RESTORE, LiveFiles
from core.store.log_tail import cut_garbage, refuse_holes
from core.store.mirror import Mirror, needs_mirror
from core.store.options import MEMORY_BYTES, tuning
from core.store.scan import first
from core.store.witness import WITNESS_FILE, Witness, compare, read_witness
from sdk import archive_id, private, timestamps
from sdk.archive_id import ID_FILE
from sdk.timestamps import NS_MIN

TRUTH_FOLDER = archive_id.TRUTH_FOLDER
CATCH_UP_ATTEMPTS = 5
CATCH_UP_AGAIN_ATTEMPTS = 2
"""Of an archive that was found damaged the last time, so that nobody waits for long."""

CATCH_UP_PAUSE_S = 0.05
REOPEN_INTERVAL_S = 5.0


_held: set[Path] = set()
"""The archives that this process writes to. Closing any descriptor of a lock lets go of it, so the
lock of one of these must not be tried.
"""


class Archive:
    """One open truth store; `families` are its column families by name."""

    def __init__(self, path: Path, scratch: Path | None, memory_bytes: int) -> None:
        self.path = path
        self.folder = archive_id.inode(path)
        """Tells this folder from a copy that is put in its place."""

        self._scratch = scratch
        """The own folder of a secondary; None of the primary."""

        self._tuning = tuning(memory_bytes)
        self._mirror = Mirror(path) if scratch is not None and needs_mirror(path) else None
        """Where a secondary is opened whose archive cannot be written."""

        self._is_damaged = False
        self._opened_at = 0.0
        try:
            self._open()
        except BaseException:
            self._let_mirror_go()
            raise

    def _open(self) -> None:
        self._opened_at = time.monotonic()
        scratch = self._scratch
        self._refuse_moved()  # RocksDB makes the folder that it is to open.
        access = AccessType.read_write() if scratch is None else AccessType.secondary(str(scratch))
        live = LiveFiles(self.path)
        with contextlib.suppress(FileNotFoundError):  # where it is being made
            live.refresh()
        try:
            options, families = self._tuning
            database = Rdict(str(self._where()), options, dict(families), access)
        except Exception as error:
            raise _opening_error(self.path, str(error)) from error
        if scratch is None:
            _held.add(self.path)
        self._database = database
        self.families: dict[str, Rdict] = {n: database.get_column_family(n) for n in FAMILIES}
        self._handles: dict[str, ColumnFamily] = {
            name: database.get_column_family_handle(name) for name in FAMILIES
        }
        catalog_rows = ("catalog", self.families["catalog"])
        events = {name: self.families[name] for name in EVENT_FAMILIES}
        self._completeness = Completeness(database, live, catalog_rows, events)

    def _refuse_moved(self) -> None:
        found = archive_id.inode(self.path)
        if found is None or found != self.folder:
            raise ArchiveError(f"{self.path} was moved away or exchanged: bring it back")

    def _where(self) -> Path:
        """Where RocksDB finds the files as they are at this moment."""
        if self._mirror is None:
            return self.path
        self._mirror.refresh()
        return self._mirror.path

    def _let_mirror_go(self) -> None:
        if self._mirror is not None:
            self._mirror.close()

    @classmethod
    def open_primary(cls, data: Path, memory_bytes: int = MEMORY_BYTES) -> Archive:
        """Open for writing, making it if it is not there; only one process can."""
        path = data / TRUTH_FOLDER
        try:
            private.make_folder(path)
        except OSError as error:
            raise ArchiveError(
                f"the data folder {data} cannot be written: {error.strerror}"
            ) from error
        private.mend(path, data / WITNESS_FILE, data / ID_FILE)
        _refuse_headless(data, path)
        if path not in _held:
            cut_garbage(data, path, read_witness(data))
        archive = cls(path, None, memory_bytes)
        try:
            archive._prove_whole()
        except ArchiveError:
            archive.close()
            raise
        return archive

    @classmethod
    def open_secondary(cls, data: Path, scratch: Path, memory_bytes: int = MEMORY_BYTES) -> Archive:
        """Open a following view of an archive that a writer has made; `scratch` is the view's own
        folder. Raises ArchiveDamagedError where the archive is not whole, or holds less than its
        witness saw.
        """
        path = data / TRUTH_FOLDER
        _refuse_headless(data, path)
        if not (path / CURRENT_FILE).exists():
            raise ArchiveError(f"there is no archive in {data} yet: start its writer first")
        witness = read_witness(data)  # before opening, so that what it saw must be there
        refuse_holes(path)
        archive = cls(path, scratch, memory_bytes)
        try:
            archive.catch_up()
            compare(witness, archive.holdings(), path)
        except ArchiveError:
            archive.close()
            raise
        return archive

    def batch(self) -> Batch:
        """An empty atomic batch."""
        return Batch(self._handles)

    def write(self, batch: Batch) -> None:
        """Apply a batch atomically; not durable before `sync`."""
        self._database.write(batch.raw)

    def sync(self) -> None:
        """Make all that was written durable; releases the GIL, so call it in a thread."""
        self._database.flush_wal(True)

    def sequence(self) -> int:
        """RocksDB's count of records written so far."""
        return int(self._database.latest_sequence_number())

    def catch_up(self, until_ns: int = NS_MIN) -> None:
        """Let a secondary see all that the primary has written by now, which is known to reach a
        canonical time; raises ArchiveDamagedError where it does not see all of it.
        """
        # The primary may drop a file or a log just as it is followed; the next try has the new one.
        attempts = CATCH_UP_AGAIN_ATTEMPTS if self._is_damaged else CATCH_UP_ATTEMPTS
        for attempt in range(attempts):
            if attempt:
                time.sleep(CATCH_UP_PAUSE_S)
            try:
                self._follow(until_ns)
                self._is_damaged = False
                return
            except ArchiveError:
                if attempt == attempts - 1:
                    self._is_damaged = True
                    raise

    def _follow(self, until_ns: int) -> None:
        if self._is_damaged and time.monotonic() - self._opened_at > REOPEN_INTERVAL_S:
            self._reopen()  # A file that was put back is seen by who opens it anew.
        try:
            self._where()
            self._database.try_catch_up_with_primary()
        except Exception as error:
            raise ArchiveError(f"cannot follow the archive in {self.path}: {error}") from error
        self._refuse_fault(self._completeness.fault_of_files())
        if self._completeness.is_shadowed():
            self._reopen()
            self._refuse_fault(self._completeness.fault_of_files())
        self._refuse_fault(self._fault_of_rows(until_ns))

    def _reopen(self) -> None:
        """Open a secondary anew; where that fails, it stays as it was. Iterators over the old one
        go on, and keep it.
        """
        self._open()

    def _fault_of_rows(self, until_ns: int) -> str | None:
        held = self.holdings()
        fault = self._completeness.fault_of_counts(held.events)
        if fault is not None or held.canonical_ns >= until_ns:
            return fault
        return (
            f"it ends at {timestamps.text(held.canonical_ns)} where {timestamps.text(until_ns)} "
            "is durable: a log is missing or damaged"
        )

    def _refuse_fault(self, fault: str | None) -> None:
        if fault is not None:
            raise ArchiveDamagedError(
                f"the archive in {self.path} is not whole: {fault}. It is not served; "
                f"{RESTORE.lower()}"
            )

    def _prove_whole(self) -> None:
        """Raise ArchiveDamagedError unless the primary has all files open, and they hold what was
        counted.
        """
        for attempt in range(CATCH_UP_ATTEMPTS):
            if attempt:
                time.sleep(CATCH_UP_PAUSE_S)  # Compactions run since it was opened.
            fault = self._completeness.fault_of_files() or self._fault_of_rows(NS_MIN)
            if fault is None:
                return
        self._refuse_fault(fault)

    def holdings(self) -> Witness:
        """What the archive holds, as its witness would say; positions are left out."""
        counters, last_ns = self.get_many(
            "catalog", [catalog.COUNTERS_KEY, catalog.LAST_CANONICAL_KEY]
        )
        return Witness(
            sequence=self.sequence(),
            canonical_ns=catalog.decode_time(last_ns),
            events=catalog.decode_counters(counters).events,
        )

    def get(self, family: str, key: bytes) -> bytes | None:
        """One value, or None; raises ArchiveDamagedError where it cannot be read."""
        return self.get_many(family, [key])[0]

    def get_many(self, family: str, keys: Sequence[bytes]) -> list[bytes | None]:
        """The values of keys, None where there is none; raises ArchiveDamagedError where one cannot
        be read.
        """
        if not keys:
            return []
        try:
            values = self.families[family].get(list(keys))
        except Exception as error:
            raise ArchiveDamagedError(
                f"{family} of the archive in {self.path} cannot be read: {error}"
            ) from error
        return [] if values is None else list(values)

    def origin(self) -> bytes:
        """The place of the first event, empty where there is none: it tells archives apart."""
        oldest = first(self.families["canonical"], b"", b"\xff" * PLACE_BYTES)
        return b"" if oldest is None else oldest[0]

    def holds(self, place: bytes) -> bool:
        """Whether there is an event at a place; raises ArchiveError where that cannot be read."""
        return self.get("canonical", place) is not None

    def bytes_on_disk(self) -> int:
        """What the store's files take."""
        return sum(entry.stat().st_size for entry in self.path.iterdir() if entry.is_file())

    def close(self) -> None:
        """Let go of every handle, then of the database; raises ArchiveDamagedError where merging
        has met what it cannot read.
        """
        self._handles.clear()
        faults = []
        for database in (*self.families.values(), self._database):
            try:
                database.close()
            except Exception as error:
                faults.append(str(error))
        self.families.clear()
        self._let_mirror_go()
        if self._scratch is None:
            _held.discard(self.path)
        if faults:
            raise ArchiveDamagedError(
                f"the archive in {self.path} is damaged: {faults[0]}. {RESTORE}"
            )


def _refuse_headless(data: Path, path: Path) -> None:
    """Raise ArchiveDamagedError where files of an archive lie without the one that names the
    others: RocksDB would make a new archive of them, and remove what it does not know.
    """
    if (path / CURRENT_FILE).exists():
        return
    left = [*path.glob("*.sst"), *path.glob("*.log"), *data.glob(WITNESS_FILE)]
    if left:
        raise ArchiveDamagedError(
            f"the archive in {path} is damaged: {CURRENT_FILE} is missing beside "
            f"{min(left).name}. {RESTORE}, or move it away to start anew"
        )


def _opening_error(path: Path, reason: str) -> ArchiveError:
    if "corrupt" in reason.lower() or ".sst" in reason:
        return ArchiveDamagedError(f"the archive in {path} is damaged: {reason}. {RESTORE}")
    if "/LOCK" in reason:
        return ArchiveError(f"the archive in {path} is held by another writer: {reason}")
    return ArchiveError(f"cannot open the archive in {path}: {reason}")
