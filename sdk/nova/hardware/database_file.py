"""The database file of a hardware host, `host.db` in its data folder: the outboxes of all
transports and the command journal.

It is created under another name, so a file of this name is complete. A damaged file is set aside
with the files beside it, never repaired or deleted. The file that replaces it says so in `loss`,
from which the host publishes a gap, and in `state`, by which the command journal knows that its
predecessor is lost. A file that has only lost its newest commits is kept, and says the same.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import sqlite3
from functools import partial
from itertools import count
from pathlib import Path
from typing import NamedTuple

from nova.hardware import state_rows
from nova.hardware.commit_mark import MARK_END, CommitMark, read_mark
from nova.hardware.damage import DamagedError, is_damage, stored_values
from nova.hardware.database_check import check, record_lost_commits, record_missing_batches
from nova.hardware.database_schema import create_tables
from nova.hardware.lost_records import ALL_KINDS, LostRecords, PendingLoss, record_loss
from nova.sdk import durable, private
from nova.sdk.errors import NovaError

FILE_NAME = "host.db"
BUSY_TIMEOUT_S = 5.0
LOG_KEPT_BYTES = 16 * 1024 * 1024
"""Size to which SQLite's write-ahead log is cut when it begins again. What it keeps lets a full
outbox be emptied on a full disk.
"""
SET_ASIDE = "the database was damaged and set aside"
_LOG_END = "-wal"
_BESIDE = (_LOG_END, "-shm", MARK_END)

_log = logging.getLogger(__name__)


class OpenedDatabase(NamedTuple):
    """A checked database with its mark."""

    db: sqlite3.Connection
    mark: CommitMark


def open_database(folder: Path) -> OpenedDatabase:
    """Open the file, or create it; a damaged one is set aside first. Raises NovaError if it cannot
    be opened for another reason.
    """
    path = folder / FILE_NAME
    try:
        if path.exists():
            try:
                return _open_checked(path)
            except (sqlite3.Error, DamagedError) as error:
                if not is_damage(error):
                    raise
                set_aside(path, str(error))
        elif any(_beside(path, end).exists() for end in _BESIDE):
            set_aside(path, "the file is missing, and those beside it are not")
        _create(path)
        return _open_checked(path)
    except (OSError, sqlite3.Error, DamagedError) as error:
        raise NovaError(f"cannot open {path}: {error}") from error


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


def _keep_log(path: Path) -> None:
    """Copy a write-ahead log whose end cannot be read, before SQLite writes over that."""
    log = _beside(path, _LOG_END)
    if not log.exists() or not log.stat().st_size:
        return
    target = next(
        kept
        for number in count(1)
        if not (kept := log.with_name(f"{log.name}.damaged-{number}")).exists()
    )
    private.make_file(target)
    shutil.copyfile(log, target)
    context = {"file": str(log), "kept": str(target)}
    _log.error("the host's database cannot read the end of its log", extra={"context": context})


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
        db.execute("BEGIN")
        create_tables(db)
        if set_aside_before := list(path.parent.glob(f"{path.name}.damaged-*")):
            _record_set_aside(db, path, set_aside_before)
        db.execute("COMMIT")
    durable.move(fresh, path)


def _record_set_aside(db: sqlite3.Connection, path: Path, found: list[Path]) -> None:
    """Record the loss of what was set aside last: the records in a database and in its log."""
    ends = {one: one.name.removeprefix(f"{path.name}.damaged-").partition("-") for one in found}
    numbered = [int(number) for number, _, _ in ends.values() if number.isdecimal()]
    last = str(max(numbered, default=0))
    size_bytes = sum(
        one.stat().st_size
        for one, (number, dash, end) in ends.items()
        if number == last and dash + end in ("", _LOG_END)
    )
    state_rows.store(db, state_rows.JOURNAL_LOST, 1)
    record_loss(db, PendingLoss(None, ALL_KINDS, LostRecords(SET_ASIDE, None, size_bytes)))


def _open_checked(path: Path) -> OpenedDatabase:
    # One thread uses it; it is opened in another.
    db = sqlite3.connect(
        path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
    )
    try:
        with stored_values():
            check(db, path)
            db.execute("PRAGMA journal_mode = WAL")
            mark_path = _beside(path, MARK_END)
            marked = record_lost_commits(db, read_mark(mark_path), partial(_keep_log, path))
            record_missing_batches(db)
        db.execute("PRAGMA synchronous = NORMAL")
        # A checkpoint syncs, so `HostDatabase` makes it in its thread.
        db.execute("PRAGMA wal_autocheckpoint = 0")
        db.execute(f"PRAGMA journal_size_limit = {LOG_KEPT_BYTES}")
        return OpenedDatabase(db, CommitMark(mark_path, marked))
    except BaseException:
        db.close()
        raise
