"""The truth store itself: RocksDB opened as primary by the writer or as secondary by readers.

The archive owns every handle and drops them in order, for rocksdict keeps a database open as long
as any handle lives. Writes are atomic batches; they are durable only after `sync`.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from rocksdict import AccessType, ColumnFamily, Rdict, WriteBatch

from core.errors import ArchiveDamagedError, ArchiveError
from core.ordering import PLACE_BYTES, TIME_BYTES
from core.store.keys import FAMILIES, series_source_key
from core.store.options import MEMORY_BYTES, tuning
from core.store.scan import first
from core.store.witness import WITNESS_FILE
from sdk import private
from sdk.archive_id import ID_FILE

TRUTH_FOLDER = "truth"
CATCH_UP_ATTEMPTS = 5
CATCH_UP_PAUSE_S = 0.05


class Archive:
    """One open truth store; `families` are its column families by name."""

    def __init__(self, database: Rdict, path: Path) -> None:
        self.path = path
        self._database = database
        self.families: dict[str, Rdict] = {n: database.get_column_family(n) for n in FAMILIES}
        self._handles: dict[str, ColumnFamily] = {
            name: database.get_column_family_handle(name) for name in FAMILIES
        }

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
        return cls._open(path, AccessType.read_write(), memory_bytes)

    @classmethod
    def open_secondary(cls, data: Path, scratch: Path, memory_bytes: int = MEMORY_BYTES) -> Archive:
        """Open a following view of an archive that a writer has made; `scratch` is the view's own
        folder.
        """
        path = data / TRUTH_FOLDER
        if not (path / "CURRENT").exists():
            raise ArchiveError(f"there is no archive in {data} yet: start its writer first")
        return cls._open(path, AccessType.secondary(str(scratch)), memory_bytes)

    @classmethod
    def _open(cls, path: Path, access: AccessType, memory_bytes: int) -> Archive:
        database, families = tuning(memory_bytes)
        try:
            return cls(Rdict(str(path), database, dict(families), access), path)
        except Exception as error:
            raise _opening_error(path, str(error)) from error

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

    def catch_up(self) -> None:
        """Let a secondary see all that the primary has written by now."""
        for attempt in range(CATCH_UP_ATTEMPTS):
            try:
                self._database.try_catch_up_with_primary()
                return
            except Exception as error:
                # The primary may drop a log just as it is followed; the next try has the new one.
                if attempt == CATCH_UP_ATTEMPTS - 1:
                    raise ArchiveError(
                        f"cannot follow the archive in {self.path}: {error}"
                    ) from error
                time.sleep(CATCH_UP_PAUSE_S)

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
        """Let go of every handle, then of the database."""
        self._handles.clear()
        for family in self.families.values():
            family.close()
        self.families.clear()
        self._database.close()


class Batch:
    """Puts into several families that happen together or not at all."""

    def __init__(self, handles: dict[str, ColumnFamily]) -> None:
        self.raw = WriteBatch(raw_mode=True)
        # The archive's own: a handle that a batch held would keep the database open.
        self._handles = handles

    def put(self, family: str, key: bytes, value: bytes) -> None:
        """Set a key of a family."""
        self.raw.put(key, value, self._handles[family])

    def put_rows(self, family: str, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Set several keys of a family."""
        put, handle = self.raw.put, self._handles[family]
        for key, value in rows:
            put(key, value, handle)

    def delete(self, family: str, key: bytes) -> None:
        """Remove a key of a family."""
        self.raw.delete(key, self._handles[family])

    def delete_range(self, family: str, lower: bytes, upper: bytes) -> None:
        """Remove the keys of a family from lower up to upper, which is left out."""
        self.raw.delete_range(lower, upper, self._handles[family])

    def put_events(
        self,
        places: Sequence[bytes],
        source_keys: Sequence[bytes],
        stored: Sequence[bytes],
    ) -> None:
        """Events at their places in canonical order, and the three orders that point at them.

        The rows of a series go in together: beside each other in the memtable as well, they cost a
        third less to insert (bench/results).
        """
        put, to = self.raw.put, self._handles
        canonical, source = to["canonical"], to["source"]
        by_series: defaultdict[bytes, list[tuple[bytes, bytes]]] = defaultdict(list)
        for place, source_key, envelope in zip(places, source_keys, stored, strict=True):
            put(place, envelope, canonical)
            put(source_key, place, source)
            by_series[place[TIME_BYTES:]].append((place[:TIME_BYTES], source_key))
        for series, rows in by_series.items():
            for at, _ in rows:
                put(series + at, b"", to["series_canonical"])
        for series, rows in by_series.items():
            for at, key in rows:
                put(series_source_key(series, key), at, to["series_source"])

    def size_bytes(self) -> int:
        """What the batch has grown to."""
        return int(self.raw.size_in_bytes())


def _opening_error(path: Path, reason: str) -> ArchiveError:
    if "corrupt" in reason.lower():
        return ArchiveDamagedError(
            f"the archive in {path} is damaged: {reason}. Restore it from a copy"
        )
    if "/LOCK" in reason:
        return ArchiveError(f"the archive in {path} is held by another writer: {reason}")
    return ArchiveError(f"cannot open the archive in {path}: {reason}")
