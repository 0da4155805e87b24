"""Named numbers in the host's database, each with a checksum."""

from __future__ import annotations

import sqlite3
import zlib

from nova.hardware.damage import DamagedError

COMMITS = "commits"
"""How many transactions have changed something."""
JOURNAL_LOST = "journal lost"


def find(db: sqlite3.Connection, name: str) -> int | None:
    """The value under a name; raises DamagedError if it does not match its checksum."""
    query = "SELECT value, crc32 FROM state WHERE name = ?"
    found = db.execute(query, (name,)).fetchone()
    return None if found is None else _checked(name, *found)


def check_all(db: sqlite3.Connection) -> None:
    """Raise DamagedError if a value does not match its checksum."""
    for name, value, crc32 in db.execute("SELECT name, value, crc32 FROM state"):
        _checked(name, value, crc32)


def store(db: sqlite3.Connection, name: str, value: int) -> None:
    values = (value, _crc32(name, value), name)
    # Nearly always it is there; this costs half of an upsert.
    if not db.execute("UPDATE state SET value = ?, crc32 = ? WHERE name = ?", values).rowcount:
        db.execute("INSERT INTO state (value, crc32, name) VALUES (?, ?, ?)", values)


def remove(db: sqlite3.Connection, name: str) -> bool:
    """Remove a name; False if it is not there."""
    return db.execute("DELETE FROM state WHERE name = ?", (name,)).rowcount > 0


def _checked(name: str, value: int, crc32: int) -> int:
    if _crc32(name, value) != crc32:
        raise DamagedError(f"state {name!r} does not match its checksum")
    return value


def _crc32(name: str, value: int) -> int:
    return zlib.crc32(b"%s=%d" % (name.encode(), value))
