"""Who may go on: a token's claims against the user as of now, asked per request (AMB-62)."""

from __future__ import annotations

import time

from edge.errors import AccessError
from edge.tokens import Claims, Tokens
from edge.users import User, UserStore


class Access:
    """Admits tokens and re-checks claims; a changed user is seen after `cache_s`."""

    def __init__(self, users: UserStore, tokens: Tokens, cache_s: float) -> None:
        self._users = users
        self._tokens = tokens
        self._cache_s = cache_s
        # Only names from tokens that this key signed come here, so the users bound its size.
        self._cache: dict[str, tuple[float, User | None]] = {}

    def admit(self, token: str) -> Claims:
        """The claims of a token whose user may come in; raises AccessError."""
        claims = self._tokens.read(token)
        self.check(claims)
        return claims

    def check(self, claims: Claims) -> None:
        """Raises AccessError once the token has expired or its user was disabled or changed."""
        if claims.exp <= time.time():
            raise AccessError("the token has expired")
        self.check_user(claims)

    def check_user(self, claims: Claims) -> None:
        """Raises AccessError once the user of a token of any age was disabled or changed."""
        user = self._user(claims.sub)
        if user is None or not user.enabled:
            raise AccessError("the user is not there or is disabled")
        if user.version != claims.ver or user.role != claims.role:
            raise AccessError("the user has changed since the token was given")

    def forget(self) -> None:
        """Ask the store about everybody anew."""
        self._cache.clear()

    def _user(self, username: str) -> User | None:
        now = time.monotonic()
        seen = self._cache.get(username)
        if seen is None or seen[0] <= now:
            seen = self._cache[username] = (now + self._cache_s, self._users.get(username))
        return seen[1]
