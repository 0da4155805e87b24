"""The users, in a small store that the edge owns; truth never holds them (A-270, AMB-61)."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sdk import private, timestamps
from sdk.errors import NovaError

Role = Literal["admin", "operator", "viewer"]

FILE_NAME = "users.db"
SCHEMA_VERSION = 1
BUSY_TIMEOUT_S = 5.0

_SCHEMA = """
CREATE TABLE IF NOT EXISTS users (
    username TEXT PRIMARY KEY,
    password_hash TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('admin', 'operator', 'viewer')),
    enabled INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
    version INTEGER NOT NULL DEFAULT 1,
    created TEXT NOT NULL
) STRICT
"""


@dataclass(frozen=True, slots=True)
class User:
    """One user; `version` is what tokens must carry, so raising it ends all tokens given before."""

    username: str
    password_hash: str
    role: Role
    enabled: bool
    version: int


class UserStore:
    """The users of one data folder; several edges may share the file."""

    def __init__(self, folder: Path) -> None:
        private.make_folder(folder)
        path = folder / FILE_NAME
        # Made here and not by SQLite, so that nobody else can read it even for a moment.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        private.mend(folder, *folder.glob(f"{FILE_NAME}*"), deep=False)
        self._db = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        (found,) = self._db.execute("PRAGMA user_version").fetchone()
        if found > SCHEMA_VERSION:
            self._db.close()
            raise NovaError(
                f"{path} has version {found}, this program knows {SCHEMA_VERSION}: use a newer one"
            )
        self._db.execute(_SCHEMA)
        self._db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        self._seen = self._state()

    def __enter__(self) -> UserStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def empty(self) -> bool:
        """Whether nobody can log in yet because there are no users at all."""
        return self._db.execute("SELECT 1 FROM users LIMIT 1").fetchone() is None

    def get(self, username: str) -> User | None:
        """The user of a name."""
        row = self._db.execute(
            "SELECT username, password_hash, role, enabled, version FROM users WHERE username = ?",
            (username,),
        ).fetchone()
        if row is None:
            return None
        return User(row[0], row[1], row[2], bool(row[3]), row[4])

    def add(self, username: str, password_hash: str, role: Role) -> bool:
        """Add a user; False if the name is taken."""
        cursor = self._db.execute(
            "INSERT OR IGNORE INTO users (username, password_hash, role, created) "
            "VALUES (?, ?, ?, ?)",
            (username, password_hash, role, timestamps.text(timestamps.now())),
        )
        return cursor.rowcount == 1

    def set_hash(self, user: User, password_hash: str) -> None:
        """Store the same password hashed anew, unless it changed meanwhile; tokens stay valid."""
        self._db.execute(
            "UPDATE users SET password_hash = ? WHERE username = ? AND password_hash = ?",
            (password_hash, user.username, user.password_hash),
        )

    def names(self) -> list[str]:
        """The names of all users."""
        rows = self._db.execute("SELECT username FROM users ORDER BY username")
        return [name for (name,) in rows]

    def set_password(self, username: str, password_hash: str) -> bool:
        """Give a user another password; all earlier tokens end. False if there is no such user."""
        cursor = self._db.execute(
            "UPDATE users SET password_hash = ?, version = version + 1 WHERE username = ?",
            (password_hash, username),
        )
        return cursor.rowcount == 1

    def changed(self) -> bool:
        """Whether anybody has written to the file since this was asked last."""
        seen, self._seen = self._seen, self._state()
        return seen != self._seen

    def set_enabled(self, username: str, enabled: bool) -> None:
        """Let a user in or keep one out; either way all earlier tokens end."""
        self._db.execute(
            "UPDATE users SET enabled = ?, version = version + 1 WHERE username = ?",
            (int(enabled), username),
        )

    def _state(self) -> tuple[int, int]:
        """What differs after a commit of another connection, or after a change of this one."""
        (others,) = self._db.execute("PRAGMA data_version").fetchone()
        return others, self._db.total_changes
