"""The edge's database: one SQLite file per archive with its users, their sessions and API keys, the
definitions of TCP streams, the displays, the logins that wait for an OpenID Connect provider, and
the audit entries that wait for the Core.

All edges of the archive and `nova users` share it. It is operational state: the archive never
contains it, and it never contains events.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from nova.edge.sqlite_file import open_file, transaction
from nova.sdk import private
from nova.sdk.errors import NovaError
from nova.sdk.users_layout import USERS_LAYOUT

FILE_NAME = "users.db"
BUSY_TIMEOUT_S = 5.0

_MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE IF NOT EXISTS users (
            username TEXT PRIMARY KEY,
            password_hash TEXT NOT NULL,
            role TEXT NOT NULL CHECK (role IN ('admin', 'operator', 'viewer')),
            enabled INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
            version INTEGER NOT NULL DEFAULT 1,
            created TEXT NOT NULL
        ) STRICT
        """,
    ),
    (
        "ALTER TABLE users ADD COLUMN scopes TEXT",
        "ALTER TABLE users ADD COLUMN must_change INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE users ADD COLUMN last_login TEXT",
        "CREATE TABLE revision (number INTEGER NOT NULL) STRICT",
        "INSERT INTO revision SELECT ifnull(max(version), 0) FROM users",
        "CREATE TRIGGER user_changed AFTER UPDATE OF version ON users"
        " BEGIN UPDATE revision SET number = number + 1; END",
        "CREATE TRIGGER user_deleted AFTER DELETE ON users"
        " BEGIN UPDATE revision SET number = number + 1; END",
    ),
    (
        """
        CREATE TABLE sessions (
            id TEXT PRIMARY KEY,
            username TEXT NOT NULL REFERENCES users (username) ON DELETE CASCADE,
            started REAL NOT NULL,
            last_used REAL NOT NULL,
            address TEXT NOT NULL,
            agent TEXT NOT NULL
        ) STRICT
        """,
        "CREATE INDEX sessions_by_user ON sessions (username)",
        """
        CREATE TABLE refresh_tokens (
            digest TEXT PRIMARY KEY,
            session TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
            is_spent INTEGER NOT NULL CHECK (is_spent IN (0, 1))
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session)",
        # Also of a program that knows nothing of sessions: a changed user has none.
        "CREATE TRIGGER sessions_of_changed_user AFTER UPDATE OF version ON users"
        " BEGIN DELETE FROM sessions WHERE username = new.username; END",
        "CREATE TRIGGER session_ended AFTER DELETE ON sessions"
        " BEGIN UPDATE revision SET number = number + 1; END",
        """
        CREATE TABLE api_keys (
            name TEXT PRIMARY KEY,
            digest TEXT NOT NULL UNIQUE,
            role TEXT NOT NULL CHECK (role IN ('admin', 'operator', 'viewer')),
            scopes TEXT,
            lanes TEXT,
            created REAL NOT NULL,
            created_by TEXT NOT NULL,
            expires REAL,
            last_used REAL
        ) STRICT
        """,
        "CREATE TRIGGER key_revoked AFTER DELETE ON api_keys"
        " BEGIN UPDATE revision SET number = number + 1; END",
    ),
    (
        """
        CREATE TABLE audit_queue (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            entry TEXT NOT NULL,
            is_failed_login INTEGER NOT NULL CHECK (is_failed_login IN (0, 1))
        ) STRICT
        """,
        "CREATE INDEX failed_logins ON audit_queue (number) WHERE is_failed_login",
        """
        CREATE TABLE audit_state (
            last_ns INTEGER NOT NULL,
            dropped INTEGER NOT NULL,
            dropped_since_ns INTEGER NOT NULL
        ) STRICT
        """,
        "INSERT INTO audit_state VALUES (0, 0, 0)",
    ),
    (
        """
        CREATE TABLE streams (
            id TEXT PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            port INTEGER NOT NULL UNIQUE,
            definition TEXT NOT NULL,
            enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
            created REAL NOT NULL,
            created_by TEXT NOT NULL,
            creator_kind TEXT NOT NULL
        ) STRICT
        """,
    ),
    (
        "ALTER TABLE users ADD COLUMN issuer TEXT",
        "ALTER TABLE users ADD COLUMN subject TEXT",
        "CREATE UNIQUE INDEX users_by_subject ON users (issuer, subject) WHERE subject IS NOT NULL",
        """
        CREATE TABLE pending_logins (
            state TEXT PRIMARY KEY,
            browser TEXT NOT NULL,
            nonce TEXT NOT NULL,
            verifier TEXT NOT NULL,
            redirect_uri TEXT NOT NULL,
            next TEXT NOT NULL,
            address TEXT NOT NULL,
            started REAL NOT NULL
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX pending_logins_by_address ON pending_logins (address, started)",
        "CREATE INDEX pending_logins_by_time ON pending_logins (started)",
    ),
    (
        # Of whoever gets the name later, the streams are not.
        "CREATE TRIGGER streams_of_deleted_user AFTER DELETE ON users BEGIN"
        " UPDATE streams SET creator_kind = 'gone'"
        " WHERE created_by = old.username AND creator_kind = 'user'; END",
        "CREATE TRIGGER streams_of_revoked_key AFTER DELETE ON api_keys BEGIN"
        " UPDATE streams SET creator_kind = 'gone'"
        " WHERE created_by = old.name AND creator_kind = 'key'; END",
    ),
    (
        # Ids that are never used again say whose a stream is; that of one created before its user
        # or key was is nobody's.
        "DROP TRIGGER streams_of_deleted_user",
        "DROP TRIGGER streams_of_revoked_key",
        "ALTER TABLE users ADD COLUMN id TEXT NOT NULL DEFAULT ''",
        "UPDATE users SET id = lower(hex(randomblob(16)))",
        "ALTER TABLE streams ADD COLUMN creator_id TEXT NOT NULL DEFAULT ''",
        "UPDATE streams SET creator_id = ifnull((SELECT id FROM users WHERE username = created_by"
        " AND ifnull(CAST(strftime('%s', users.created) AS INTEGER), 0) <= streams.created), '')"
        " WHERE creator_kind = 'user'",
        "UPDATE streams SET creator_id = ifnull((SELECT digest FROM api_keys"
        " WHERE name = streams.created_by AND api_keys.created <= streams.created), '')"
        " WHERE creator_kind = 'key'",
        "UPDATE streams SET creator_kind = 'user' WHERE creator_kind = 'gone'",
    ),
    (
        """
        CREATE TABLE displays (
            id TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            version INTEGER NOT NULL,
            shared_with TEXT CHECK (shared_with IN ('admin', 'operator', 'viewer')),
            editable_by TEXT CHECK (editable_by IN ('admin', 'operator')),
            scopes TEXT NOT NULL,
            lanes TEXT NOT NULL,
            owner TEXT NOT NULL,
            owner_kind TEXT NOT NULL,
            owner_id TEXT NOT NULL,
            saved REAL NOT NULL,
            saved_by TEXT NOT NULL
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX displays_by_owner ON displays (owner, owner_kind, owner_id)",
        """
        CREATE TABLE display_versions (
            display_id TEXT NOT NULL REFERENCES displays (id),
            version INTEGER NOT NULL,
            name TEXT NOT NULL,
            content BLOB NOT NULL,
            saved REAL NOT NULL,
            saved_by TEXT NOT NULL,
            UNIQUE (display_id, version)
        ) STRICT
        """,
        """
        CREATE TABLE display_defaults (
            scope_id TEXT PRIMARY KEY,
            display_id TEXT NOT NULL
        ) STRICT, WITHOUT ROWID
        """,
    ),
)
"""The statements that bring a file from one schema version to the next, from version 0 on."""

assert len(_MIGRATIONS) == USERS_LAYOUT


def open_database(folder: Path) -> sqlite3.Connection:
    """Open the database of an edge's folder, created or upgraded if necessary.

    Raises NovaError if a newer program wrote it.
    """
    private.make_folder(folder)
    private.remove_others_access(folder, deep=False)
    path = folder / FILE_NAME
    db = open_file(path, BUSY_TIMEOUT_S)
    try:
        db.execute("PRAGMA foreign_keys = ON")
        _migrate(db, path)
    except BaseException:
        db.close()
        raise
    return db


class EdgeStore:
    """A part of the database with a connection of its own; several edges may share the file."""

    def __init__(self, folder: Path) -> None:
        self._db = open_database(folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._db.close()

    def wait_at_most(self, wait_s: float) -> None:
        """Limit how long a transaction waits for the lock, which blocks the thread."""
        self._db.execute(f"PRAGMA busy_timeout = {int(wait_s * 1_000)}")


def names_text(names: Sequence[str] | None) -> str | None:
    """A set of names as a column holds it; None, which stands for all of them, is NULL."""
    return None if names is None else json.dumps(sorted(set(names)))


def names_of(text: str | None) -> tuple[str, ...] | None:
    """The names of such a column."""
    return None if text is None else tuple(json.loads(text))


def revision(db: sqlite3.Connection) -> int:
    """How often anything changed that decides who is admitted."""
    (number,) = db.execute("SELECT number FROM revision").fetchone()
    return int(number)


def _migrate(db: sqlite3.Connection, path: Path) -> None:
    """Bring the file to this schema version. One that has it is not written, so that it can be
    read while another program writes.
    """
    if _version(db) == USERS_LAYOUT:
        return
    with transaction(db):
        version = _version(db)
        if version > USERS_LAYOUT:
            raise NovaError(
                f"{path} has schema version {version}, this program knows {USERS_LAYOUT}: upgrade"
            )
        for statements in _MIGRATIONS[version:]:
            for statement in statements:
                db.execute(statement)
        db.execute(f"PRAGMA user_version = {USERS_LAYOUT}")


def _version(db: sqlite3.Connection) -> int:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    return int(version)
