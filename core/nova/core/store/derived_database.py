"""A database that is derived from the archive and kept beside it, so that ingest never waits for
it; it is rebuilt whenever it is lost or damaged.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Self

import msgspec
from rocksdict import AccessType, Rdict, WriteBatch

from nova.core.errors import ArchiveBusyError, ArchiveError, DerivedDamagedError
from nova.core.ordering import TIME_BYTES
from nova.core.store.archive import Archive
from nova.core.store.attempts import until_settled
from nova.core.store.completeness import Completeness
from nova.core.store.key_value import KeyValue
from nova.core.store.live_files import DEFAULT_FAMILY, LiveFiles
from nova.core.store.log_tail import refuse_holes
from nova.core.store.options import derived_options
from nova.core.store.rebuild_request import discard
from nova.core.store.recorded_event import has_recorded
from nova.core.store.scan import scan
from nova.core.store.shortage import shortage
from nova.sdk import stored_files
from nova.sdk.timestamps import NS_MIN

log = logging.getLogger(__name__)

AFTER_ALL = b"\xff" * TIME_BYTES
STATE_KEY = b"state"


class DerivedState(msgspec.Struct, array_like=True):
    """How far the database has followed its archive: up to canonical time `cursor_ns`. `origin` is
    the event key of the archive's first event; `newest` that of the last event included, empty
    before the first. `given_back` days of the archive's retention are left out. `making` sets
    one making apart from another, where readers follow the names in a database.
    """

    layout: int
    origin: bytes
    cursor_ns: int
    newest: bytes = b""
    given_back: int = 0
    making: bytes = b""


_state_decoder = msgspec.msgpack.Decoder(DerivedState)


class DerivedDatabase:
    """Opened for writing by its one maker, or as a secondary by readers."""

    FOLDER: ClassVar[str]
    CONTENT: ClassVar[str]
    """Names the content in messages, in the plural."""

    LAYOUT: ClassVar[int]

    def __init__(self, path: Path, access: AccessType) -> None:
        self._path = path
        self._access = access
        self._database_id = database_id(path)
        self._open()

    def _open(self) -> None:
        live = LiveFiles(self._path)
        with contextlib.suppress(FileNotFoundError):  # a new database has no MANIFEST yet
            live.refresh()
        refuse_holes(self._path)
        try:
            options = derived_options()
            # Without its family's options rocksdict reads the OPTIONS file of the database, and a
            # damaged one can end the process with a segmentation fault.
            families = {DEFAULT_FAMILY: options}
            database = Rdict(str(self._path), options, families, self._access)
        except Exception as error:
            raise ArchiveError(
                f"cannot open the {self.CONTENT} in {self._path}: {error}"
            ) from error
        self._database = database
        self._completeness = Completeness(database, live, (DEFAULT_FAMILY, database))

    @classmethod
    def open_primary(cls, data: Path) -> Self:
        """Open for writing; creates the database if it is missing, and discards and recreates one
        that is damaged. Raises ArchiveError if another process has it open.
        """
        path = data / cls.FOLDER
        stored_files.make_folder(path)
        stored_files.protect(path)
        try:
            if not (path / "CURRENT").exists() and any(path.glob("MANIFEST-*")):
                raise DerivedDamagedError("CURRENT is missing")
            return cls._open_proved(path)
        except ArchiveBusyError:
            raise
        except ArchiveError as error:
            if "/LOCK" in str(error) or shortage(cls.CONTENT, str(error)):
                raise
            discard(data, cls.FOLDER, str(error))
            stored_files.make_folder(path)
            return cls(path, AccessType.read_write())

    @classmethod
    def _open_proved(cls, path: Path) -> Self:
        """Open for writing; raises DerivedDamagedError if the database is incomplete."""
        store = cls(path, AccessType.read_write())
        try:
            until_settled(path, store.prove_complete)  # Compactions already run and replace files.
            # An earlier version created databases without them, and RocksDB keeps such options.
            store._database.set_options({"disable_auto_compactions": "false"})
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def open_secondary(cls, data: Path, scratch: Path) -> Self | None:
        """Open as a secondary that follows its maker; None if the database does not exist yet."""
        path = data / cls.FOLDER
        if not (path / "CURRENT").exists():
            return None
        store = cls(path, AccessType.secondary(str(scratch)))
        try:
            store.catch_up()
        except ArchiveError:
            store.close()
            raise
        return store

    def is_in(self, data: Path) -> bool:
        """Whether a data folder still holds this database, not one that was recreated since."""
        return self._database_id == database_id(data / self.FOLDER)

    def catch_up(self) -> None:
        """Bring a secondary up to the primary's current state; raises ArchiveError if it does not
        see all of it.
        """

        def look() -> None:
            fault = self._catch_up_fault()
            if fault is not None:
                raise ArchiveError(f"cannot follow the {self.CONTENT} in {self._path}: {fault}")

        until_settled(self._path, look)

    def _catch_up_fault(self) -> str | None:
        try:
            self._database.try_catch_up_with_primary()
        except Exception as error:
            return str(error)
        fault = self._completeness.fault_of_files()
        if fault is None and self._completeness.is_stale():
            self._open()
            return self._completeness.fault_of_files()
        return fault

    def get(self, key: bytes) -> bytes | None:
        """One value, or None; raises DerivedDamagedError if it cannot be read."""
        return self.get_many([key])[0]

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """One value per key, None for an absent key; raises DerivedDamagedError if one cannot be
        read.
        """
        if not keys:
            return []
        try:
            values = self._database.get(list(keys))
        except Exception as error:
            raise DerivedDamagedError(f"the {self.CONTENT} cannot be read: {error}") from error
        return [] if values is None else list(values)

    def state(self) -> DerivedState | None:
        """The stored state; None in a new database or one of another layout."""
        state = self._stored_state()
        return state if state is not None and state.layout == self.LAYOUT else None

    def stored_layout(self) -> int | None:
        """The layout of the rows; None in a new database."""
        state = self._stored_state()
        return None if state is None else state.layout

    def _stored_state(self) -> DerivedState | None:
        value = self.get(STATE_KEY)
        if value is None:
            return None
        try:
            return _state_decoder.decode(value)
        except msgspec.DecodeError:
            return None

    def state_row(self, state: DerivedState) -> KeyValue:
        return STATE_KEY, msgspec.msgpack.encode(state)

    def prove_complete(self) -> None:
        """Raise DerivedDamagedError unless every file that the MANIFEST names is open."""
        fault = self._completeness.fault_of_files()
        if fault is not None:
            raise DerivedDamagedError(f"the {self.CONTENT} are damaged: {fault}")

    def resume_state(self, archive: Archive) -> DerivedState:
        """The state to continue from. Clears the database if it has another layout, belongs to
        another archive, or to a later state of this archive than the one that was restored.
        """
        archive.catch_up()
        origin = archive.events.first_key()
        state = self.state()
        if (
            state is not None
            and state.origin == origin
            and state.given_back <= archive.given_back.finished
            and _has_event(state.newest, archive)
        ):
            return state
        if self.get(STATE_KEY) is None and next(self.scan(b"", AFTER_ALL), None) is not None:
            raise DerivedDamagedError(f"the {self.CONTENT} in {self._path} have rows but no state")
        self.clear()
        finished, making = archive.given_back.finished, self._new_making()
        return DerivedState(self.LAYOUT, origin, NS_MIN, given_back=finished, making=making)

    def _new_making(self) -> bytes:
        """Empty: the same events make the same bytes."""
        return b""

    def scan(
        self, lower: bytes, upper: bytes, *, reverse: bool = False, expected_rows: int | None = None
    ) -> Iterator[KeyValue]:
        """Rows in key order or backwards; raises DerivedDamagedError if they cannot be read."""
        try:
            yield from scan(
                self._database, lower, upper, reverse=reverse, expected_rows=expected_rows
            )
        except ArchiveError as error:
            raise DerivedDamagedError(f"the {self.CONTENT} cannot be read: {error}") from error

    def all_rows(self) -> list[KeyValue]:
        """Every row; for tests."""
        return list(self.scan(b"", AFTER_ALL))

    def write(self, rows: Iterable[KeyValue]) -> None:
        batch = WriteBatch(raw_mode=True)
        for key, value in rows:
            batch.put(key, value)
        self._write(batch)

    def change(self, rows: Mapping[bytes, bytes | None]) -> None:
        """Write rows, and remove those without a value, atomically."""
        batch = WriteBatch(raw_mode=True)
        for key, value in rows.items():
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        self._write(batch)

    def clear(self) -> None:
        self.delete_range(b"", AFTER_ALL)

    def delete_range(self, lower: bytes, upper: bytes) -> None:
        """Remove the rows in [lower, upper)."""
        batch = WriteBatch(raw_mode=True)
        batch.delete_range(lower, upper)
        self._write(batch)

    def _write(self, batch: WriteBatch) -> None:
        try:
            self._database.write(batch)
        except Exception as error:
            kind = DerivedDamagedError if _is_damage(error) else ArchiveError
            raise kind(f"the {self.CONTENT} cannot be written: {error}") from error

    def close(self) -> None:
        """Close the database; RocksDB's error about a damaged one is only logged."""
        try:
            self._database.close()
        except Exception as error:
            log.warning("closed with an error", extra={"context": {"error": str(error)}})


def _has_event(newest: bytes, archive: Archive) -> bool:
    return not newest or has_recorded(archive, newest)


def _is_damage(error: Exception) -> bool:
    """Whether a write failed because of damaged files, which RocksDB meets in compactions."""
    text = str(error).lower()
    return "corruption" in text or "no such file" in text


def database_id(path: Path) -> bytes:
    """The id that RocksDB assigns a database on creation; empty without a database."""
    try:
        return (path / "IDENTITY").read_bytes()
    except FileNotFoundError:
        return b""
