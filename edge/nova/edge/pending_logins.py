"""Logins that wait for an OpenID Connect provider, in the edge's database.

A browser may return to another edge than the one that it began with. The database holds digests of
what the browser has to show.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nova.edge.edge_database import EdgeStore
from nova.edge.oidc_error import OidcError
from nova.edge.secret_digest import digest_of
from nova.edge.sqlite_file import transaction

PENDING_LIFETIME_S = 600.0
PENDING_MAX = 10_000
PENDING_PER_ADDRESS_MAX = 64
"""Of an address with more, the login that began first ends."""

SECRET_BYTES = 32

_COLUMNS = "state, browser, nonce, verifier, redirect_uri, next, address, started"


@dataclass(frozen=True, slots=True)
class PendingLogin:
    """What an edge needs when a login continues. `next` is the path to go to after it."""

    nonce: str
    verifier: str
    redirect_uri: str
    next: str


@dataclass(frozen=True, slots=True)
class StartedLogin:
    """A login that begins: `state` goes to the provider, `browser` into the browser's cookie."""

    state: str
    browser: str
    pending: PendingLogin


class PendingLogins(EdgeStore):
    """The pending logins of one data folder; several edges may share the file."""

    def __init__(
        self,
        folder: Path,
        clock: Callable[[], float] = time.time,
        pending_max: int = PENDING_MAX,
        per_address_max: int = PENDING_PER_ADDRESS_MAX,
    ) -> None:
        super().__init__(folder)
        self._clock = clock
        self._pending_max = pending_max
        self._per_address_max = per_address_max

    def start(self, address: str, redirect_uri: str, next_path: str) -> StartedLogin:
        """Start a login; raises OidcError if too many are pending."""
        state, browser, nonce, verifier = (secrets.token_urlsafe(SECRET_BYTES) for _ in range(4))
        now = self._clock()
        with transaction(self._db):
            self._db.execute(
                "DELETE FROM pending_logins WHERE started <= ? OR started > ?",
                (now - PENDING_LIFETIME_S, now + PENDING_LIFETIME_S),
            )
            self._db.execute(
                "DELETE FROM pending_logins WHERE state IN ("
                "SELECT state FROM pending_logins WHERE address = ? "
                "ORDER BY started DESC LIMIT -1 OFFSET ?)",
                (address, self._per_address_max - 1),
            )
            (pending,) = self._db.execute("SELECT count(*) FROM pending_logins").fetchone()
            if pending >= self._pending_max:
                raise OidcError("tooManyLogins", f"{pending} logins are pending")
            self._db.execute(
                f"INSERT INTO pending_logins ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(digest_of(state), digest_of(browser)),
                    *(nonce, verifier, redirect_uri, next_path, address, now),
                ),
            )
        return StartedLogin(state, browser, PendingLogin(nonce, verifier, redirect_uri, next_path))

    def take(self, state: str, browser: str) -> PendingLogin:
        """End a pending login and return it; raises OidcError unless this browser started it. Each
        is returned once.
        """
        key = (digest_of(state), digest_of(browser), self._clock() - PENDING_LIFETIME_S)
        where = "state = ? AND browser = ? AND started > ?"
        # Read first: a stranger's guesses must not cost a write each.
        found = self._db.execute(f"SELECT 1 FROM pending_logins WHERE {where}", key).fetchone()
        if found is not None:
            row = self._db.execute(
                f"DELETE FROM pending_logins WHERE {where} "
                "RETURNING nonce, verifier, redirect_uri, next",
                key,
            ).fetchone()
            if row is not None:
                return PendingLogin(*row)
        raise OidcError("unknownLogin", "no such login is pending for this browser")
