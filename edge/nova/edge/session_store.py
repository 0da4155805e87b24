"""The sessions of users: each login starts one, and each refresh token of it is good for one use.

A refresh token that is presented a second time was copied by somebody, so its session ends. The
database holds digests only.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nova.edge import audit_queue
from nova.edge.actor import Actor
from nova.edge.admin_action import record_action
from nova.edge.edge_database import EdgeStore
from nova.edge.errors import AccessError
from nova.edge.secret_digest import digest_of
from nova.edge.sqlite_file import transaction
from nova.edge.user_store import Role, User
from nova.sdk import timestamps
from nova.sdk.field_types import JsonObject

SESSION_IDLE_S = 7 * 86_400.0
"""A session ends when it is not refreshed for this long."""

SESSION_MAX_S = 30 * 86_400.0
"""A session of somebody who can act ends this long after its login. Viewers only look: a display on
a wall stays as long as it is used.
"""

SESSIONS_PER_USER_MAX = 64
"""Of a user who has more, the one that was used longest ago ends."""

REFRESH_TOKEN_BYTES = 32
AGENT_MAX_CHARS = 200

_COLUMNS = "id, username, started, last_used, address, agent"
_VIEWERS = "(SELECT username FROM users WHERE role = 'viewer')"
_ALIVE = f"last_used > ? AND (started > ? OR username IN {_VIEWERS})"


@dataclass(frozen=True, slots=True)
class Session:
    """One login of a user; times in seconds since 1970."""

    id: str
    username: str
    started: float
    last_used: float
    address: str
    agent: str

    def ends(self, role: Role) -> float | None:
        """When it ends however often it is used; None if it does not."""
        return None if role == "viewer" else self.started + SESSION_MAX_S


class SessionStore(EdgeStore):
    """The sessions of one data folder; several edges may share the file.

    A session ends with logout, with any change of its user, after SESSION_IDLE_S without use and,
    unless its user is a viewer, SESSION_MAX_S after its login.
    """

    def __init__(
        self,
        folder: Path,
        clock: Callable[[], float] = time.time,
        per_user_max: int = SESSIONS_PER_USER_MAX,
    ) -> None:
        super().__init__(folder)
        self._clock = clock
        self._per_user_max = per_user_max

    def start(self, user: User, address: str = "", agent: str = "") -> tuple[Session, str]:
        """Start a session, which is the user's last login; returns it with its first refresh token.
        `agent` may be any header, also no text. Raises AccessError if the user
        changed since the password was checked.
        """
        now = self._clock()
        agent = agent[:AGENT_MAX_CHARS].encode(errors="replace").decode()
        session = Session(secrets.token_hex(16), user.username, now, now, address, agent)
        with transaction(self._db):
            self._require_unchanged(user)
            self._end_expired(now)
            self._db.execute(
                f"INSERT INTO sessions ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",
                (session.id, user.username, now, now, address, session.agent),
            )
            self._db.execute(
                "UPDATE users SET last_login = ? WHERE username = ?",
                (timestamps.text(timestamps.now()), user.username),
            )
            audit_queue.append(
                self._db, "UserLogin", Actor(user.username, "user"), _login_details(session)
            )
            self._end_surplus(user.username)
            return session, self._issue(session.id)

    def refresh(self, token: str) -> tuple[Session, str]:
        """Exchange a refresh token for the next one; raises AccessError if it is not the newest of
        a session, and ends the session if it is an earlier one.
        """
        digest = digest_of(token)
        # Read first: a stranger's guesses must not cost a write each.
        if self._session_of(digest) is None:
            raise AccessError("the refresh token is unknown")
        now = self._clock()
        with transaction(self._db):
            self._end_expired(now)
            found = self._session_of(digest)
            if found is None:
                raise AccessError("the session of the refresh token has ended")
            session_id, is_spent = found
            if not is_spent:
                self._db.execute(
                    "UPDATE refresh_tokens SET is_spent = 1 WHERE digest = ?", (digest,)
                )
                self._db.execute(
                    "UPDATE sessions SET last_used = ? WHERE id = ?", (now, session_id)
                )
                return self._existing(session_id), self._issue(session_id)
            self._end_where("refreshTokenReused", "id = ?", (session_id,))
        raise AccessError("the refresh token was used before: its session was ended")

    def session_of(self, token: str) -> str | None:
        """The session of which a refresh token is the newest, in one read; None if it is not."""
        found = self._session_of(digest_of(token))
        return None if found is None or found[1] else found[0]

    def is_alive(self, username: str, session_id: str) -> bool:
        """Whether a user has a session that has not ended."""
        row = self._db.execute(
            f"SELECT 1 FROM sessions WHERE id = ? AND username = ? AND {_ALIVE}",
            (session_id, username, *self._oldest(self._clock())),
        ).fetchone()
        return row is not None

    def user_of(self, session_id: str) -> str | None:
        """Whose session it is; None if there is none."""
        row = self._db.execute(
            "SELECT username FROM sessions WHERE id = ?", (session_id,)
        ).fetchone()
        return None if row is None else row[0]

    def of_user(self, username: str) -> list[Session]:
        """The sessions of a user, the most recently used first."""
        rows = self._db.execute(
            f"SELECT {_COLUMNS} FROM sessions WHERE username = ? AND {_ALIVE} "
            "ORDER BY last_used DESC, id",
            (username, *self._oldest(self._clock())),
        )
        return [Session(*row) for row in rows]

    def end(self, username: str, session_id: str, *, by: Actor | None = None) -> bool:
        """End a session of a user; False if the user has no such session."""
        with transaction(self._db):
            cursor = self._db.execute(
                "DELETE FROM sessions WHERE id = ? AND username = ?", (session_id, username)
            )
            if cursor.rowcount != 1:
                return False
            if by == Actor(username, "user"):
                self._record_logout(username, session_id, "logout")
            else:
                record_action(
                    self._db, by, "endUserSession", username, before={"session": session_id}
                )
        return True

    def _session_of(self, digest: str) -> tuple[str, bool] | None:
        """The session of a refresh token, and whether the token was used; None if unknown."""
        row = self._db.execute(
            "SELECT session, is_spent FROM refresh_tokens WHERE digest = ?", (digest,)
        ).fetchone()
        return None if row is None else (row[0], bool(row[1]))

    def _issue(self, session_id: str) -> str:
        token = secrets.token_urlsafe(REFRESH_TOKEN_BYTES)
        self._db.execute(
            "INSERT INTO refresh_tokens VALUES (?, ?, 0)", (digest_of(token), session_id)
        )
        return token

    def _existing(self, session_id: str) -> Session:
        row = self._db.execute(
            f"SELECT {_COLUMNS} FROM sessions WHERE id = ?", (session_id,)
        ).fetchone()
        return Session(*row)

    def _require_unchanged(self, user: User) -> None:
        """A change ends all sessions of a user, so none may start with what held before it."""
        row = self._db.execute(
            "SELECT version FROM users WHERE username = ? AND enabled", (user.username,)
        ).fetchone()
        if row is None or row[0] != user.version:
            raise AccessError("the user changed during the login")

    def _end_expired(self, now: float) -> None:
        self._end_where("expired", f"NOT ({_ALIVE})", self._oldest(now))

    def _end_surplus(self, username: str) -> None:
        self._end_where(
            "tooManySessions",
            "username = ?1 AND id NOT IN ("
            "SELECT id FROM sessions WHERE username = ?1 "
            "ORDER BY last_used DESC, started DESC LIMIT ?2)",
            (username, self._per_user_max),
        )

    def _end_where(self, reason: str, condition: str, values: tuple[object, ...]) -> None:
        """End sessions and record each for audit, in the transaction that the caller has begun."""
        ended = self._db.execute(
            f"DELETE FROM sessions WHERE {condition} RETURNING username, id", values
        ).fetchall()
        for username, session_id in ended:
            self._record_logout(username, session_id, reason)

    def _record_logout(self, username: str, session_id: str, reason: str) -> None:
        details: JsonObject = {"session": session_id, "reason": reason}
        audit_queue.append(self._db, "UserLogout", Actor(username, "user"), details)

    def _oldest(self, now: float) -> tuple[float, float]:
        """The last use and the start at or before which a session has expired."""
        return now - SESSION_IDLE_S, now - SESSION_MAX_S


def _login_details(session: Session) -> JsonObject:
    return {
        "outcome": "success",
        "address": session.address,
        "agent": session.agent,
        "session": session.id,
    }
