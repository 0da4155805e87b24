"""The database file of a hardware host, `host.db` in its data folder: the outboxes of all
transports and the command journal.

It is created under another name, so a file of this name is complete. A damaged file is set aside
with SQLite's files beside it, never repaired or deleted. The file that replaces it says so in
`loss`, from which the host publishes a gap, and in `state`, by which the command journal knows that
its predecessor is lost.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import zlib
from itertools import count
from pathlib import Path

from nova.hardware.lost_records import ALL_KINDS, LostRecords, PendingLoss, record_loss
from nova.sdk import durable, private
from nova.sdk.errors import NovaError

FILE_NAME = "host.db"
SCHEMA_VERSION = 1
BUSY_TIMEOUT_S = 5.0
LOG_KEPT_BYTES = 16 * 1024 * 1024
"""Size to which SQLite's write-ahead log is cut when it begins again. What it keeps lets a full
outbox be emptied on a full disk.
"""
JOURNAL_LOST = "journal lost"
SET_ASIDE = "the database was damaged and set aside"
_BESIDE = ("-wal", "-shm")

_SCHEMA = """
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY, link TEXT NOT NULL, kind TEXT NOT NULL, UNIQUE (link, kind)
) STRICT;
CREATE TABLE batch (
    number INTEGER PRIMARY KEY, records INTEGER NOT NULL, crc32 INTEGER NOT NULL,
    content BLOB NOT NULL
) STRICT;
CREATE TABLE command (
    number INTEGER PRIMARY KEY, command_id TEXT NOT NULL UNIQUE, crc32 INTEGER NOT NULL,
    arrival BLOB NOT NULL, stage TEXT NOT NULL CHECK (stage IN ('came', 'begun', 'ended', 'told')),
    address TEXT, result BLOB
) STRICT;
CREATE TABLE loss (number INTEGER PRIMARY KEY, content BLOB NOT NULL) STRICT;
CREATE TABLE taken_over (path TEXT PRIMARY KEY) STRICT;
CREATE TABLE state (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
"""
_CHECKED = ("outbox", "command", "loss", "taken_over", "state")
"""Tables that are checked when the file is opened; batches are checked when they are read."""

_log = logging.getLogger(__name__)


class _DamagedError(Exception):
    """The content of a file proves that it is damaged."""


def open_database(folder: Path) -> sqlite3.Connection:
    """Open the file, or create it; a damaged one is set aside first. Raises NovaError if it cannot
    be opened for another reason.
    """
    path = folder / FILE_NAME
    try:
        if path.exists():
            try:
                return _open_checked(path)
            except (sqlite3.DatabaseError, _DamagedError) as error:
                if not is_damage(error):
                    raise
                set_aside(path, str(error))
        elif any(_beside(path, end).exists() for end in _BESIDE):
            set_aside(path, "the file is missing, and those beside it are not")
        _create(path)
        return _open_checked(path)
    except (OSError, sqlite3.Error, _DamagedError) as error:
        raise NovaError(f"cannot open {path}: {error}") from error


def is_damage(error: Exception) -> bool:
    """Whether an error proves that the file is damaged, rather than the disk full or busy."""
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    return isinstance(error, _DamagedError)


def set_aside(path: Path, reason: str) -> Path:
    """Rename a damaged file and those beside it, durably. Returns the new path."""
    target = next(
        aside
        for number in count(1)
        if not (aside := path.with_name(f"{path.name}.damaged-{number}")).exists()
        and not any(_beside(aside, end).exists() for end in _BESIDE)
    )
    # The file itself goes first: without the files beside it, it would pass for an older state.
    for end in ("", *_BESIDE):
        with contextlib.suppress(FileNotFoundError):
            durable.move(_beside(path, end), _beside(target, end))
    context = {"file": str(path), "kept": str(target), "reason": reason}
    _log.error("the host's database is damaged and was set aside", extra={"context": context})
    return target


def _beside(path: Path, end: str) -> Path:
    return path.with_name(path.name + end)


def _create(path: Path) -> None:
    """Create an empty file; records in it what was set aside before."""
    fresh = path.with_name(path.name + durable.NEW_SUFFIX)
    for end in ("", "-journal", *_BESIDE):
        _beside(fresh, end).unlink(missing_ok=True)
    private.make_file(fresh)
    with contextlib.closing(sqlite3.connect(fresh, isolation_level=None)) as db:
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT")
        for aside in sorted(path.parent.glob(f"{path.name}.damaged-*"))[-1:]:
            _record_set_aside(db, aside)
    durable.move(fresh, path)


def _record_set_aside(db: sqlite3.Connection, aside: Path) -> None:
    lost = LostRecords(SET_ASIDE, None, aside.stat().st_size)
    db.execute("BEGIN")
    db.execute("INSERT INTO state VALUES (?, 1)", (JOURNAL_LOST,))
    record_loss(db, PendingLoss(None, ALL_KINDS, lost))
    db.execute("COMMIT")


def _open_checked(path: Path) -> sqlite3.Connection:
    # One thread uses it; it is opened in another.
    db = sqlite3.connect(
        path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
    )
    try:
        _check(db)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        # A checkpoint syncs, so `HostDatabase` makes it in its thread.
        db.execute("PRAGMA wal_autocheckpoint = 0")
        db.execute(f"PRAGMA journal_size_limit = {LOG_KEPT_BYTES}")
    except BaseException:
        db.close()
        raise
    return db


def _check(db: sqlite3.Connection) -> None:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise NovaError(
            f"{FILE_NAME} has schema version {version}, this program knows {SCHEMA_VERSION}: "
            "upgrade"
        )
    if version < SCHEMA_VERSION:
        raise _DamagedError("it has no schema")
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if missing := {"batch", *_CHECKED} - tables:
        raise _DamagedError(f"it has no table {', '.join(sorted(missing))}")
    for table in _CHECKED:
        (found,) = db.execute(f"PRAGMA quick_check({table})").fetchone()
        if found != "ok":
            raise _DamagedError(f"table {table}: {found}")
    for number, crc32, arrival in db.execute("SELECT number, crc32, arrival FROM command"):
        if zlib.crc32(arrival) != crc32:
            raise _DamagedError(f"command {number} does not match its checksum")
