"""The users of an archive, in the edge's database."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from msgspec import UNSET, UnsetType

from nova.edge.actor import RESERVED_NAMES, Actor
from nova.edge.admin_action import record_action
from nova.edge.edge_database import EdgeStore, names_of, names_text, revision
from nova.edge.errors import LastAdminError, NoPasswordError
from nova.edge.external_identity import ExternalIdentity
from nova.edge.sqlite_file import transaction
from nova.sdk import timestamps
from nova.sdk.field_types import JsonObject
from nova.sdk.protocol.admin import UserOrigin
from nova.sdk.protocol.submission import Role as Role

_COLUMNS = (
    "username, password_hash, role, enabled, version, scopes, must_change, created, last_login, "
    "issuer, subject, id"
)
USER_ID_BYTES = 16
LAST_ADMIN = "there must be an enabled admin with access to all scopes: add or enable another first"
PasswordAction = Literal["changePassword", "resetPassword"]
"""By the user, who knows the current password, or by somebody who need not know it."""

NAME_TAKEN = "a user or an API key has the name {!r}, or the audit trail needs it: choose another"
NO_PASSWORD = ""
"""The password hash of users who can only log in elsewhere; no password has it."""


@dataclass(frozen=True, slots=True)
class User:
    """One user. Tokens carry `version`, so raising it invalidates all earlier tokens.

    `scopes` are those that the user may see and command, None for all. `must_change`: the password
    was set by somebody else and has to be replaced before anything else. `identity`: the user logs
    in with OpenID Connect, and with no password. A later user of the same name has another `id`.
    """

    username: str
    password_hash: str
    role: Role
    enabled: bool
    version: int
    scopes: tuple[str, ...] | None = None
    must_change: bool = False
    created: str = ""
    last_login: str | None = None
    identity: ExternalIdentity | None = None
    id: str = ""

    @property
    def origin(self) -> UserOrigin:
        """Who says that it is this user."""
        return "local" if self.identity is None else "oidc"

    def require_password(self) -> None:
        """Raise NoPasswordError if the user can have no password."""
        if self.identity is not None:
            raise NoPasswordError(self.username)


class UserStore(EdgeStore):
    """The users of one data folder; several edges and `nova users` may share the file.

    Each change of a user raises the user's version, and is recorded for audit with who makes it
    (`by`). A change that would leave no enabled admin with all scopes raises LastAdminError and has
    no effect.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._seen_revision = revision(self._db)

    def is_empty(self) -> bool:
        """Whether there are no users at all, so that nobody can log in yet."""
        return self._db.execute("SELECT 1 FROM users LIMIT 1").fetchone() is None

    def has_admin(self) -> bool:
        """Whether there is an enabled admin with all scopes, who can manage users."""
        found = self._db.execute(
            "SELECT 1 FROM users WHERE role = 'admin' AND enabled AND scopes IS NULL LIMIT 1"
        )
        return found.fetchone() is not None

    def get(self, username: str) -> User | None:
        row = self._db.execute(
            f"SELECT {_COLUMNS} FROM users WHERE username = ?", (username,)
        ).fetchone()
        return None if row is None else _user(row)

    def get_external(self, identity: ExternalIdentity) -> User | None:
        """The user who logs in with this identity."""
        row = self._db.execute(
            f"SELECT {_COLUMNS} FROM users WHERE issuer = ? AND subject = ?", identity
        ).fetchone()
        return None if row is None else _user(row)

    def list_users(self) -> list[User]:
        """All users by name."""
        rows = self._db.execute(f"SELECT {_COLUMNS} FROM users ORDER BY username")
        return [_user(row) for row in rows]

    def add(
        self,
        username: str,
        password_hash: str,
        role: Role,
        *,
        scopes: Sequence[str] | None = None,
        must_change: bool = False,
        identity: ExternalIdentity | None = None,
        by: Actor | None = None,
    ) -> bool:
        """Add a user; False if the name is reserved, or a user or an API key has it, or a user the
        identity.
        """
        if username in RESERVED_NAMES:
            return False
        with transaction(self._db):
            if self._db.execute("SELECT 1 FROM api_keys WHERE name = ?", (username,)).fetchone():
                return False
            # The version continues the count of all changes, so that tokens of a deleted user never
            # fit a later one of the same name.
            cursor = self._db.execute(
                "INSERT OR IGNORE INTO users "
                "(username, password_hash, role, scopes, must_change, created, issuer, subject, "
                "id, version) SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, number + 1 FROM revision",
                (
                    username,
                    password_hash,
                    role,
                    names_text(scopes),
                    must_change,
                    timestamps.text(timestamps.now()),
                    *(identity or (None, None)),
                    secrets.token_hex(USER_ID_BYTES),
                ),
            )
            if is_new := cursor.rowcount == 1:
                self._record(by, "addUser", username, None)
        return is_new

    def delete(self, username: str, *, by: Actor | None = None) -> bool:
        """Delete a user; False if there is no such user."""
        with self._keeping_an_admin():
            before = self.get(username)
            if before is None:
                return False
            self._db.execute("DELETE FROM users WHERE username = ?", (username,))
            self._record(by, "deleteUser", username, before)
        return True

    def change(
        self,
        username: str,
        *,
        enabled: bool | None = None,
        role: Role | None = None,
        scopes: Sequence[str] | UnsetType | None = UNSET,
        by: Actor | None = None,
    ) -> bool:
        """Change what is given (scopes None: all); False if there is no such user."""
        new: dict[str, str | int | None] = {}
        if enabled is not None:
            new["enabled"] = int(enabled)
        if role is not None:
            new["role"] = role
        if scopes is not UNSET:
            new["scopes"] = names_text(scopes)
        columns = "".join(f"{column} = ?, " for column in new)
        with self._keeping_an_admin():
            before = self.get(username)
            if before is None:
                return False
            self._db.execute(
                f"UPDATE users SET {columns}version = version + 1 WHERE username = ?",
                (*new.values(), username),
            )
            self._record(by, "changeUser", username, before)
        return True

    def set_enabled(self, username: str, enabled: bool, *, by: Actor | None = None) -> bool:
        """Enable or disable a user; False if there is no such user."""
        return self.change(username, enabled=enabled, by=by)

    def set_password(
        self,
        username: str,
        password_hash: str,
        *,
        must_change: bool = False,
        enable: bool = False,
        action: PasswordAction = "resetPassword",
        by: Actor | None = None,
    ) -> bool:
        """Replace a password, and `enable` a disabled user with it; False if there is no such user.
        Raises NoPasswordError.
        """
        with transaction(self._db):
            before = self.get(username)
            if before is None:
                return False
            before.require_password()
            self._db.execute(
                "UPDATE users SET password_hash = ?, must_change = ?, enabled = max(enabled, ?), "
                "version = version + 1 WHERE username = ?",
                (password_hash, must_change, enable, username),
            )
            self._record(by, action, username, before)
        return True

    def set_hash(self, user: User, password_hash: str) -> None:
        """Store a new hash of the same password unless it changed meanwhile; tokens stay valid."""
        self._db.execute(
            "UPDATE users SET password_hash = ? WHERE username = ? AND password_hash = ?",
            (password_hash, user.username, user.password_hash),
        )

    def has_changed(self) -> bool:
        """Whether a user was changed since the last call, by this process or another."""
        seen, self._seen_revision = self._seen_revision, revision(self._db)
        return seen != self._seen_revision

    def _record(self, by: Actor | None, action: str, username: str, before: User | None) -> None:
        """Record a change in its transaction; `before` is the user before it."""
        after = self.get(username)
        record_action(self._db, by, action, username, _members(before), _members(after))

    @contextmanager
    def _keeping_an_admin(self) -> Iterator[None]:
        """Run the block as a transaction that must not remove the last enabled admin."""
        with transaction(self._db):
            had_admin = self.has_admin()
            yield
            if had_admin and not self.has_admin():
                raise LastAdminError(LAST_ADMIN)


_Row = tuple[
    str, str, Role, int, int, str | None, int, str, str | None, str | None, str | None, str
]


def _user(row: _Row) -> User:
    username, password_hash, role, enabled, version, scopes, must_change, created, last, *who = row
    issuer, subject, user_id = who
    return User(
        username,
        password_hash,
        role,
        bool(enabled),
        version,
        names_of(scopes),
        bool(must_change),
        created,
        last,
        None if issuer is None or subject is None else ExternalIdentity(issuer, subject),
        user_id or "",
    )


def _members(user: User | None) -> JsonObject | None:
    """What the audit trail may say of a user."""
    if user is None:
        return None
    return {
        "role": user.role,
        "enabled": user.enabled,
        "scopes": user.scopes,
        "mustChangePassword": user.must_change,
        "origin": user.origin,
    }
