"""Authorization: checks a token's claims against the current user, on every request."""

from __future__ import annotations

import time

from nova.edge.errors import AccessError
from nova.edge.tokens import Claims, TokenSigner
from nova.edge.user_store import User, UserStore


class Authorizer:
    """Authorizes tokens and re-checks claims; a changed user is noticed within `cache_s`."""

    def __init__(self, users: UserStore, tokens: TokenSigner, cache_s: float) -> None:
        self._users = users
        self._tokens = tokens
        self._cache_s = cache_s
        # Only names from tokens signed with this key get here, so the number of users bounds it.
        self._cache: dict[str, tuple[float, User | None]] = {}

    def authorize(self, token: str) -> Claims:
        """The claims of a valid token; raises AccessError."""
        claims = self._tokens.verify(token)
        self.check(claims)
        return claims

    def check(self, claims: Claims) -> None:
        """Raises AccessError if the token has expired, or its user was disabled or changed."""
        if claims.exp <= time.time():
            raise AccessError("the token has expired")
        self.check_user(claims)

    def check_user(self, claims: Claims) -> None:
        """Like `check`, but ignores the token's expiry."""
        user = self._user(claims.sub)
        if user is None or not user.enabled:
            raise AccessError("the user does not exist or is disabled")
        if user.version != claims.ver or user.role != claims.role:
            raise AccessError("the user has changed since the token was issued")

    def clear_cache(self) -> None:
        """Clear the cache, so that the next check of each user reads the store."""
        self._cache.clear()

    def _user(self, username: str) -> User | None:
        now = time.monotonic()
        seen = self._cache.get(username)
        if seen is None or seen[0] <= now:
            seen = self._cache[username] = (now + self._cache_s, self._users.get(username))
        return seen[1]
