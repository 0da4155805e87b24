"""The users, in an SQLite file that the edge owns; the archive never contains them."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from nova.sdk import private, timestamps
from nova.sdk.errors import NovaError

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
    """One user. Tokens carry `version`, so raising it invalidates all earlier tokens."""

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
        # Created before SQLite opens it, so that other users cannot read it at any moment.
        private.make_file(path)
        private.remove_others_access(folder, *folder.glob(f"{FILE_NAME}*"), deep=False)
        self._db = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            self._db.close()
            raise NovaError(
                f"{path} has schema version {version}, this program knows {SCHEMA_VERSION}: upgrade"
            )
        self._db.execute(_SCHEMA)
        self._db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        self._seen_version = self._version_counters()

    def __enter__(self) -> UserStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._db.close()

    def is_empty(self) -> bool:
        """Whether there are no users at all, so that nobody can log in yet."""
        return self._db.execute("SELECT 1 FROM users LIMIT 1").fetchone() is None

    def get(self, username: str) -> User | None:
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
        """Store a new hash of the same password unless it changed meanwhile; tokens stay valid."""
        self._db.execute(
            "UPDATE users SET password_hash = ? WHERE username = ? AND password_hash = ?",
            (password_hash, user.username, user.password_hash),
        )

    def usernames(self) -> list[str]:
        rows = self._db.execute("SELECT username FROM users ORDER BY username")
        return [name for (name,) in rows]

    def set_password(self, username: str, password_hash: str) -> bool:
        """Replace a password; all earlier tokens end. False if the user does not exist."""
        cursor = self._db.execute(
            "UPDATE users SET password_hash = ?, version = version + 1 WHERE username = ?",
            (password_hash, username),
        )
        return cursor.rowcount == 1

    def has_changed(self) -> bool:
        """Whether the file was written since the last call."""
        seen, self._seen_version = self._seen_version, self._version_counters()
        return seen != self._seen_version

    def set_enabled(self, username: str, enabled: bool) -> None:
        """Enable or disable a user; either way all earlier tokens end."""
        self._db.execute(
            "UPDATE users SET enabled = ?, version = version + 1 WHERE username = ?",
            (int(enabled), username),
        )

    def _version_counters(self) -> tuple[int, int]:
        """Counters that change with commits of other connections and with changes of this one."""
        (others,) = self._db.execute("PRAGMA data_version").fetchone()
        return others, self._db.total_changes
