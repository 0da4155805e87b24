"""Private SQLite files that all edges of a data folder share."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nova.sdk import private

PRIMARY_CODE_MASK = 0xFF
"""Mask of an SQLite extended error code that leaves the primary code."""

log = logging.getLogger(__name__)


def open_file(path: Path, busy_timeout_s: float) -> sqlite3.Connection:
    """Open a file of mode 600 in autocommit, with a write-ahead log; raises sqlite3.Error."""
    private.make_folder(path.parent)
    # Before SQLite opens the file, since it gives the files beside it the same mode.
    private.make_file(path)
    private.remove_others_access(*path.parent.glob(f"{path.name}*"), deep=False)
    db = sqlite3.connect(path, timeout=busy_timeout_s, isolation_level=None)
    try:
        db.execute("PRAGMA journal_mode = WAL")
    except sqlite3.Error:
        db.close()
        raise
    return db


def open_or_replace(
    path: Path, connect: Callable[[Path], sqlite3.Connection]
) -> sqlite3.Connection:
    """Open a file whose loss costs little; a damaged one or one of another version is replaced."""
    try:
        return connect(path)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as error:
        log.error("%s cannot be used and is replaced: %s", path, error)
        for name in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))):
            name.unlink(missing_ok=True)
        return connect(path)


def open_memory() -> sqlite3.Connection:
    """A database of this process alone, in autocommit."""
    return sqlite3.connect(":memory:", isolation_level=None)


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another connection holds the lock that was needed."""
    return error.sqlite_errorcode & PRIMARY_CODE_MASK == sqlite3.SQLITE_BUSY


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Run the block as one write transaction, across all processes."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        db.rollback()
        raise
