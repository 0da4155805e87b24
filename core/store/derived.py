"""A database of what is derived from the archive: beside it, so that ingest never waits for it, and
made again whenever it is lost.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar, Self

import msgspec
from rocksdict import AccessType, Rdict, WriteBatch

from core.errors import ArchiveError, DerivedDamagedError
from core.ordering import TIME_BYTES
from core.store.archive import CATCH_UP_ATTEMPTS, CATCH_UP_PAUSE_S, Archive
from core.store.completeness import Completeness
from core.store.live_files import DEFAULT_FAMILY, LiveFiles
from core.store.log_tail import refuse_holes
from core.store.options import derived_options
from core.store.remaking import throw_away
from core.store.scan import Row, scan
from sdk import private
from sdk.timestamps import NS_MIN

log = logging.getLogger(__name__)

BEHIND_ALL = b"\xff" * TIME_BYTES
STATE_KEY = b"state"


class State(msgspec.Struct, array_like=True):
    """What was taken in: everything up to a canonical time in ns, of the archive whose first event
    has the place `origin`; `newest` is the place of the last event, empty before there was one.
    """

    layout: int
    origin: bytes
    cursor_ns: int
    newest: bytes = b""


_states = msgspec.msgpack.Decoder(State)


class DerivedStore:
    """Opened by the one process that makes it, or by readers that follow."""

    FOLDER: ClassVar[str]
    WHAT: ClassVar[str]
    """What it holds, for people."""

    LAYOUT: ClassVar[int]

    def __init__(self, path: Path, access: AccessType, *, merges: bool = True) -> None:
        self._path = path
        self._access = access
        self._merges = merges
        self._identity = identity_of(path)
        self._open()

    def _open(self) -> None:
        live = LiveFiles(self._path)
        with contextlib.suppress(FileNotFoundError):  # where it is being made
            live.refresh()
        refuse_holes(self._path)
        options = derived_options()
        options.set_disable_auto_compactions(not self._merges)
        try:
            database = Rdict(str(self._path), options, access_type=self._access)
        except Exception as error:
            raise ArchiveError(f"cannot open the {self.WHAT} in {self._path}: {error}") from error
        self._database = database
        self._completeness = Completeness(database, live, (DEFAULT_FAMILY, database))

    @classmethod
    def open_primary(cls, data: Path) -> Self:
        """Open for writing, made anew if it is not there or cannot be read."""
        path = data / cls.FOLDER
        private.make_folder(path)
        private.mend(path)
        try:
            if not (path / "CURRENT").exists() and any(path.glob("MANIFEST-*")):
                raise DerivedDamagedError("CURRENT is missing")
            return cls._open_proved(path)
        except ArchiveError as error:
            if "/LOCK" in str(error):
                raise
            throw_away(data, cls.FOLDER, str(error))
            private.make_folder(path)
            return cls(path, AccessType.read_write())

    @classmethod
    def _open_proved(cls, path: Path) -> Self:
        """Open for writing; raises DerivedDamagedError where it is not whole."""
        # Files are merged only once it is known that they are all there.
        store = cls(path, AccessType.read_write(), merges=False)
        try:
            store.prove()
            store.begin_merging()
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def open_secondary(cls, data: Path, scratch: Path) -> Self | None:
        """Open a following view, None where there is nothing yet."""
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

    def begin_merging(self) -> None:
        """Let RocksDB merge files in the background."""
        self._database.set_options({"disable_auto_compactions": "false"})

    def is_of(self, data: Path) -> bool:
        """Whether a folder still holds this database, and not one that was made anew."""
        return self._identity == identity_of(data / self.FOLDER)

    def catch_up(self) -> None:
        """Let a secondary see all that has been written by now; raises ArchiveError where it does
        not see all of it.
        """
        for attempt in range(CATCH_UP_ATTEMPTS):
            if attempt:
                time.sleep(CATCH_UP_PAUSE_S)
            fault = self._fault_of_following()
            if fault is None:
                return
        raise ArchiveError(f"cannot follow the {self.WHAT}: {fault}")

    def _fault_of_following(self) -> str | None:
        try:
            self._database.try_catch_up_with_primary()
        except Exception as error:
            return str(error)
        fault = self._completeness.fault_of_files()
        if fault is None and self._completeness.is_shadowed():
            self._open()
            return self._completeness.fault_of_files()
        return fault

    def get(self, key: bytes) -> bytes | None:
        """One value, or None; raises DerivedDamagedError where it cannot be read."""
        return self.get_many([key])[0]

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """The values of keys, None where there is none; raises DerivedDamagedError where one cannot
        be read.
        """
        if not keys:
            return []
        try:
            values = self._database.get(list(keys))
        except Exception as error:
            raise DerivedDamagedError(f"the {self.WHAT} cannot be read: {error}") from error
        return [] if values is None else list(values)

    def state(self) -> State | None:
        """What was taken in, None if nothing was or by another version."""
        value = self.get(STATE_KEY)
        if value is None:
            return None
        try:
            state = _states.decode(value)
        except msgspec.DecodeError:
            return None
        return state if state.layout == self.LAYOUT else None

    def state_row(self, state: State) -> Row:
        """What was taken in, as stored."""
        return STATE_KEY, msgspec.msgpack.encode(state)

    def prove(self) -> None:
        """Raise DerivedDamagedError unless all files are open that the MANIFEST names."""
        fault = self._completeness.fault_of_files()
        if fault is not None:
            raise DerivedDamagedError(f"the {self.WHAT} are damaged: {fault}")

    def resumed(self, archive: Archive) -> State:
        """Where it was; what was derived of another archive or by another layout is forgotten, and
        what was of an archive that was put back to an earlier state.
        """
        archive.catch_up()
        origin = archive.origin()
        state = self.state()
        if state is not None and state.origin == origin and _is_held(state.newest, archive):
            return state
        if self.get(STATE_KEY) is None and next(self.scan(b"", BEHIND_ALL), None) is not None:
            raise DerivedDamagedError(f"the {self.WHAT} do not say how far they go")
        self.clear()
        return State(self.LAYOUT, origin, NS_MIN)

    def scan(
        self, lower: bytes, upper: bytes, *, reverse: bool = False, want: int | None = None
    ) -> Iterator[Row]:
        """Rows in key order or backwards; raises DerivedDamagedError where they cannot be read."""
        try:
            yield from scan(self._database, lower, upper, reverse=reverse, want=want)
        except ArchiveError as error:
            raise DerivedDamagedError(f"the {self.WHAT} cannot be read: {error}") from error

    def everything(self) -> list[Row]:
        """All rows; for tests."""
        return list(self.scan(b"", BEHIND_ALL))

    def write(self, rows: Iterable[Row]) -> None:
        """Set rows atomically."""
        batch = WriteBatch(raw_mode=True)
        for key, value in rows:
            batch.put(key, value)
        self._write(batch)

    def clear(self) -> None:
        """Forget everything."""
        self.forget(b"", BEHIND_ALL)

    def forget(self, lower: bytes, upper: bytes) -> None:
        """Remove the rows from lower up to upper, which is left out."""
        batch = WriteBatch(raw_mode=True)
        batch.delete_range(lower, upper)
        self._write(batch)

    def _write(self, batch: WriteBatch) -> None:
        try:
            self._database.write(batch)
        except Exception as error:
            kind = DerivedDamagedError if _is_damage(error) else ArchiveError
            raise kind(f"the {self.WHAT} cannot be written: {error}") from error

    def close(self) -> None:
        """Let go of the database; of a damaged one RocksDB says once more that it is."""
        try:
            self._database.close()
        except Exception as error:
            log.warning("closed with an error", extra={"context": {"error": str(error)}})


def _is_held(newest: bytes, archive: Archive) -> bool:
    return not newest or archive.holds(newest)


def _is_damage(error: Exception) -> bool:
    """Whether a write failed by what is on the disk already, which RocksDB meets as it merges."""
    text = str(error).lower()
    return "corruption" in text or "no such file" in text


def identity_of(path: Path) -> bytes:
    """What RocksDB calls a database, given when it is made; nothing where there is none."""
    try:
        return (path / "IDENTITY").read_bytes()
    except FileNotFoundError:
        return b""
