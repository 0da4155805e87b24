"""Authorization: admits access tokens and API keys, and checks on every request that they hold."""

from __future__ import annotations

import logging
import math
import sqlite3
import time
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from nova.edge.access import Access
from nova.edge.errors import AccessError
from nova.edge.key_store import KEY_PREFIX, ApiKey, KeyStore
from nova.edge.session_store import SessionStore
from nova.edge.tokens import TokenSigner
from nova.edge.user_store import User, UserStore

log = logging.getLogger(__name__)


class _CachedAccess(NamedTuple):
    """What the database said of a principal, valid until `until_s` (monotonic)."""

    until_s: float
    access: Access | None


class Authorizer:
    """Authorizes tokens and keys and re-checks what they gave; a change is noticed within
    `cache_s`.
    """

    def __init__(
        self,
        users: UserStore,
        sessions: SessionStore,
        keys: KeyStore,
        tokens: TokenSigner,
        cache_s: float,
    ) -> None:
        self._users = users
        self._sessions = sessions
        self._keys = keys
        self._tokens = tokens
        self._cache_s = cache_s
        # Only sessions, users and keys that the database has known get here, so their number bounds
        # it.
        self._cache: dict[tuple[str, str], _CachedAccess] = {}

    def authorize(self, token: str) -> Access:
        """The access that a token or an API key gives; raises AccessError."""
        if token.startswith(KEY_PREFIX):
            return self._authorize_key(token)
        claims = self._tokens.verify(token)
        access = self._access_of_session(claims.sub, claims.sid, float(claims.exp))
        if access is None:
            raise AccessError("the session has ended, or its user was disabled or changed")
        if access.version != claims.ver or access.role != claims.role:
            raise AccessError("the user has changed since the token was issued")
        return access

    def check(self, access: Access) -> None:
        """Raises AccessError if the access has expired, or its session, user or key has ended or
        changed.
        """
        if access.expires <= time.time():
            raise AccessError("the token has expired")
        self.check_principal(access)

    def check_principal(self, access: Access) -> None:
        """Like `check`, but ignores the token's expiry."""
        if access.kind == "key":
            current = self._access_of_key(access.key_id)
        else:
            current = self._access_of_session(access.name, access.session, access.expires)
        if current is None:
            raise AccessError("the session or key has ended, or its user was disabled or changed")
        if current != access:
            raise AccessError("the principal has changed since the token was issued")

    def check_without_session(self, access: Access) -> None:
        """Like `check_principal`, but the session of a user may have ended."""
        if access.kind == "key":
            self.check_principal(access)
            return
        name = access.name
        current = self._cached(("user", name), lambda: self._read_user(name, ""))
        if current is None or current != replace(access, session="", expires=current.expires):
            raise AccessError("the user was disabled, changed or deleted")

    def clear_cache(self) -> None:
        """Clear the cache, so that the next check of each principal reads the database."""
        self._cache.clear()

    def _authorize_key(self, secret: str) -> Access:
        key = self._keys.find(secret)
        if key is None:
            raise AccessError("the API key is unknown, revoked or expired")
        try:
            self._keys.record_use(key)
        except sqlite3.Error as error:  # Reading needs no write.
            log.warning("the use of an API key was not recorded: %s", error)
        return _access_by_key(key)

    def _access_of_key(self, key_id: str) -> Access | None:
        return self._cached(("key", key_id), lambda: self._read_key(key_id))

    def _access_of_session(self, username: str, session: str, expires: float) -> Access | None:
        found = self._cached(("session", session), lambda: self._read_session(username, session))
        if found is None or found.name != username:
            return None
        return replace(found, expires=expires)

    def _read_key(self, key_id: str) -> Access | None:
        key = self._keys.current(key_id)
        return None if key is None else _access_by_key(key)

    def _read_session(self, username: str, session: str) -> Access | None:
        if not self._sessions.is_alive(username, session):
            return None
        return self._read_user(username, session)

    def _read_user(self, username: str, session: str) -> Access | None:
        user = self._users.get(username)
        return None if user is None or not user.enabled else _access_by_session(user, session)

    def _cached(self, name: tuple[str, str], read: Callable[[], Access | None]) -> Access | None:
        now_s = time.monotonic()
        seen = self._cache.get(name)
        if seen is None or seen.until_s <= now_s:
            seen = self._cache[name] = _CachedAccess(now_s + self._cache_s, read())
        return seen.access


def _access_by_session(user: User, session: str) -> Access:
    return Access(
        user.username,
        "user",
        user.role,
        math.inf,
        scopes=user.scopes,
        version=user.version,
        user_id=user.id,
        session=session,
        must_change=user.must_change,
    )


def _access_by_key(key: ApiKey) -> Access:
    expires = math.inf if key.expires is None else key.expires
    return Access(key.name, "key", key.role, expires, key.scopes, key.lanes, key_id=key.id)
