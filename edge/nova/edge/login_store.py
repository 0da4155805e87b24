"""Login history, in a small file that all edges of a data folder share: how much of each account's
failure allowances is used, and which devices and addresses have logged in to it.
"""

from __future__ import annotations

import sqlite3
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal

from nova.edge.sqlite_file import open_file, open_memory, open_or_replace, transaction

FILE_NAME = "logins.db"
SCHEMA_VERSION = 1
BUSY_TIMEOUT_S = 0.5

KNOWN_PER_ACCOUNT_MAX = 32
"""Devices, and addresses, remembered per account; the most recent stay."""

ClientTrait = Literal["device", "address"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS allowances (
    account TEXT NOT NULL,
    allowance TEXT NOT NULL,
    full_at REAL NOT NULL,
    PRIMARY KEY (account, allowance)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS allowances_by_time ON allowances (full_at);
CREATE TABLE IF NOT EXISTS known (
    account TEXT NOT NULL,
    trait TEXT NOT NULL CHECK (trait IN ('device', 'address')),
    value TEXT NOT NULL,
    last_login REAL NOT NULL,
    PRIMARY KEY (account, trait, value)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS known_by_value ON known (value, trait);
"""


class LoginStore:
    """The login file of a data folder, or an in-memory store if `folder` is None."""

    def __init__(self, folder: Path | None) -> None:
        self._db = (
            open_memory() if folder is None else open_or_replace(folder / FILE_NAME, _connect)
        )
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        self._db.close()

    def transaction(self) -> AbstractContextManager[None]:
        """Run the block as one write transaction, across all edges."""
        return transaction(self._db)

    def full_at(self, account: str, allowance: str) -> float:
        """When an allowance is full again; 0 if nothing of it is used."""
        row = self._db.execute(
            "SELECT full_at FROM allowances WHERE account = ? AND allowance = ?",
            (account, allowance),
        ).fetchone()
        return 0.0 if row is None else float(row[0])

    def set_full_at(self, account: str, allowance: str, full_at: float, now: float) -> None:
        """Store when an allowance will be full; deletes the rows of those that are full already."""
        self._db.execute("DELETE FROM allowances WHERE full_at <= ?", (now,))
        self._db.execute(
            "INSERT OR REPLACE INTO allowances VALUES (?, ?, ?)", (account, allowance, full_at)
        )

    def accounts(self, now: float) -> int:
        """How many names have failures that count, of users or not."""
        (count,) = self._db.execute(
            "SELECT count(DISTINCT account) FROM allowances WHERE full_at > ?", (now,)
        ).fetchone()
        return int(count)

    def release(self, account: str) -> None:
        """Forget the failures of an account; whoever is known to it stays so."""
        self._db.execute("DELETE FROM allowances WHERE account = ?", (account,))

    def is_known(self, account: str, trait: ClientTrait, value: str, since: float) -> bool:
        """Whether an account was logged in to from a device or address at or after `since`."""
        row = self._db.execute(
            "SELECT 1 FROM known WHERE account = ? AND trait = ? AND value = ? AND last_login >= ?",
            (account, trait, value, since),
        ).fetchone()
        return row is not None

    def is_known_device(self, value: str) -> bool:
        """Whether any account was logged in to from a device."""
        row = self._db.execute(
            "SELECT 1 FROM known WHERE trait = 'device' AND value = ? LIMIT 1", (value,)
        ).fetchone()
        return row is not None

    def add_known(self, account: str, trait: ClientTrait, value: str, now: float) -> None:
        """Record a login from a device or address."""
        self._db.execute(
            "INSERT OR REPLACE INTO known VALUES (?, ?, ?, ?)", (account, trait, value, now)
        )
        self._db.execute(
            "DELETE FROM known WHERE account = ?1 AND trait = ?2 AND value NOT IN ("
            "SELECT value FROM known WHERE account = ?1 AND trait = ?2 "
            "ORDER BY last_login DESC LIMIT ?3)",
            (account, trait, KNOWN_PER_ACCOUNT_MAX),
        )

    def reset(self, account: str) -> None:
        """Delete an account's history after its password was replaced: whoever knew the old one
        may have made devices known.
        """
        with self.transaction():
            self._db.execute("DELETE FROM allowances WHERE account = ?", (account,))
            self._db.execute("DELETE FROM known WHERE account = ?", (account,))

    def row_count(self) -> int:
        (rows,) = self._db.execute(
            "SELECT (SELECT count(*) FROM allowances) + (SELECT count(*) FROM known)"
        ).fetchone()
        return int(rows)


def _connect(path: Path) -> sqlite3.Connection:
    db = open_file(path, BUSY_TIMEOUT_S)
    try:
        # A power cut may lose about a second of counts.
        db.execute("PRAGMA synchronous = NORMAL")
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version not in (0, SCHEMA_VERSION):
            raise sqlite3.DatabaseError(f"it has version {version}, not {SCHEMA_VERSION}")
        if version == 0:
            db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    except sqlite3.Error:
        db.close()
        raise
    return db
