"""What proves that the host's database is damaged, rather than its disk full or the file locked."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec

ROOM_BYTES = 16 * 1024 * 1024
"""A disk with this much room is not full, whatever SQLite says."""
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_SCHEMA_DAMAGED = (
    "no such table",
    "no such column",
    "has no column named",
    "malformed database schema",
    "Could not decode to UTF-8",
)
"""Errors without a code of their own: each statement fits the schema, and all text is UTF-8."""


class DamagedError(Exception):
    """The content of a file proves that it is damaged."""


def is_damage(error: BaseException) -> bool:
    """Whether an error proves that the file is damaged."""
    if isinstance(error, sqlite3.Error):
        is_coded = getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED
        return is_coded or any(words in str(error) for words in _SCHEMA_DAMAGED)
    return isinstance(error, DamagedError | UnicodeDecodeError)


def is_full_by_damage(error: BaseException, db: sqlite3.Connection, path: Path) -> bool:
    """Whether SQLite takes a disk that has room for full because the file is damaged."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code != sqlite3.SQLITE_FULL:
        return False
    try:
        disk = os.statvfs(path)
        if disk.f_bavail * disk.f_frsize < ROOM_BYTES:
            return False
        (found,) = db.execute("PRAGMA quick_check(1)").fetchone()
    except OSError:
        return False
    except sqlite3.Error as also:
        return is_damage(also)
    return bool(found != "ok")


@contextlib.contextmanager
def stored_values() -> Iterator[None]:
    """Within it, values that are not of the kind that was stored prove damage."""
    try:
        yield
    except (TypeError, ValueError, OverflowError, msgspec.DecodeError) as error:
        raise DamagedError(f"a stored value cannot be read: {error}") from error
