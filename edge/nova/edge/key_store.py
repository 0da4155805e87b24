"""API keys: the credentials of programs. The database holds their digests; a key is shown once."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from nova.edge.actor import RESERVED_NAMES, Actor
from nova.edge.admin_action import record_action
from nova.edge.edge_database import EdgeStore, names_of, names_text
from nova.edge.secret_digest import digest_of
from nova.edge.sqlite_file import transaction
from nova.sdk.field_types import JsonObject, Lane
from nova.sdk.protocol.submission import Role

KEY_PREFIX = "nova_"
KEY_BYTES = 32
LAST_USED_STEP_S = 60.0
"""How much later a use must be than the last recorded one to be recorded."""

_KEY = re.compile(KEY_PREFIX + r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]", re.ASCII)
_COLUMNS = "digest, name, role, scopes, lanes, created, created_by, expires, last_used"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One API key, without its secret; times in seconds since 1970.

    `id` is the digest of the secret: a later key of the same name has another one. `scopes` and
    `lanes` are those that the program may see and command, None for all. `expires` is None for a
    key that does not.
    """

    id: str
    name: str
    role: Role
    scopes: tuple[str, ...] | None
    lanes: tuple[Lane, ...] | None
    created: float
    created_by: str
    expires: float | None
    last_used: float | None


class KeyStore(EdgeStore):
    """The API keys of one data folder; several edges may share the file."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        super().__init__(folder)
        self._clock = clock

    def add(
        self,
        name: str,
        role: Role,
        created_by: str,
        *,
        scopes: Sequence[str] | None = None,
        lanes: Sequence[Lane] | None = None,
        expires: float | None = None,
        by: Actor | None = None,
    ) -> str | None:
        """Add a key; returns its secret, which is not stored. None if the name is reserved, or a
        key or a user has it: on the timeline a name means one of them.
        """
        if name in RESERVED_NAMES:
            return None
        secret = KEY_PREFIX + secrets.token_urlsafe(KEY_BYTES)
        with transaction(self._db):
            taken = self._db.execute("SELECT 1 FROM users WHERE username = ?", (name,)).fetchone()
            if taken is not None:
                return None
            cursor = self._db.execute(
                f"INSERT OR IGNORE INTO api_keys ({_COLUMNS}) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)",
                (
                    digest_of(secret),
                    name,
                    role,
                    names_text(scopes),
                    names_text(lanes),
                    self._clock(),
                    created_by,
                    expires,
                ),
            )
            if cursor.rowcount != 1:
                return None
            self._record(by, "addKey", name, after=self._read(name))
        return secret

    def find(self, secret: str) -> ApiKey | None:
        """The key with this secret; None if there is none, or if it has expired."""
        if _KEY.fullmatch(secret) is None:
            return None
        return self.current(digest_of(secret))

    def current(self, key_id: str) -> ApiKey | None:
        """The key with this id; None if it was revoked, or if it has expired."""
        row = self._db.execute(
            f"SELECT {_COLUMNS} FROM api_keys WHERE digest = ?", (key_id,)
        ).fetchone()
        return None if row is None else self._unexpired(_api_key(row))

    def get(self, name: str) -> ApiKey | None:
        """The key with this name; None if there is none, or if it has expired."""
        key = self._read(name)
        return None if key is None else self._unexpired(key)

    def list_keys(self) -> list[ApiKey]:
        """All keys by name, the expired ones too."""
        rows = self._db.execute(f"SELECT {_COLUMNS} FROM api_keys ORDER BY name")
        return [_api_key(row) for row in rows]

    def revoke(self, name: str, *, by: Actor | None = None) -> bool:
        """Delete a key; False if there is no such key."""
        with transaction(self._db):
            before = self._read(name)
            if before is None:
                return False
            self._db.execute("DELETE FROM api_keys WHERE name = ?", (name,))
            self._record(by, "revokeKey", name, before=before)
        return True

    def record_use(self, key: ApiKey) -> None:
        """Record that a key was used now, to the minute: a write for each request would cost more
        than most requests. Raises sqlite3.Error at once if the database cannot be written now.
        """
        now = self._clock()
        if (key.last_used or 0) > now - LAST_USED_STEP_S:
            return
        (timeout_ms,) = self._db.execute("PRAGMA busy_timeout").fetchone()
        self.wait_at_most(0)
        try:
            self._db.execute(
                "UPDATE api_keys SET last_used = ? WHERE digest = ? AND ifnull(last_used, 0) <= ?",
                (now, key.id, now - LAST_USED_STEP_S),
            )
        finally:
            self.wait_at_most(timeout_ms / 1_000)

    def _read(self, name: str) -> ApiKey | None:
        row = self._db.execute(
            f"SELECT {_COLUMNS} FROM api_keys WHERE name = ?", (name,)
        ).fetchone()
        return None if row is None else _api_key(row)

    def _record(
        self,
        by: Actor | None,
        action: str,
        name: str,
        *,
        before: ApiKey | None = None,
        after: ApiKey | None = None,
    ) -> None:
        record_action(self._db, by, action, name, _members(before), _members(after))

    def _unexpired(self, key: ApiKey) -> ApiKey | None:
        return key if key.expires is None or key.expires > self._clock() else None


_Row = tuple[str, str, Role, str | None, str | None, float, str, float | None, float | None]


def _api_key(row: _Row) -> ApiKey:
    key_id, name, role, scopes, lanes, created, created_by, expires, last_used = row
    return ApiKey(
        key_id,
        name,
        role,
        names_of(scopes),
        cast(tuple[Lane, ...] | None, names_of(lanes)),
        created,
        created_by,
        expires,
        last_used,
    )


def _members(key: ApiKey | None) -> JsonObject | None:
    """What the audit trail may say of a key."""
    if key is None:
        return None
    return {"role": key.role, "scopes": key.scopes, "lanes": key.lanes, "expires": key.expires}
