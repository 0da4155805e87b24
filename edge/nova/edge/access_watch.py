"""Ends sessions soon after their token expires, or their user or key changes, idle ones too."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Iterable
from typing import Protocol

from nova.edge.authorization import Authorizer
from nova.edge.edge_config import EdgeLimits
from nova.edge.user_store import UserStore

RECHECKS_AT_ONCE = 500
"""Sessions that are checked without a pause."""

log = logging.getLogger(__name__)


class WatchedSession(Protocol):
    """A client's session."""

    def recheck(self) -> None:
        """End it if its access does not hold any more."""


class AccessWatch:
    """Checks all sessions of an edge: one task, since a timer for each would keep an edge with ten
    thousand idle sessions busy.
    """

    def __init__(
        self,
        users: UserStore,
        authorizer: Authorizer,
        sessions: Iterable[WatchedSession],
        limits: EdgeLimits,
    ) -> None:
        self._users = users
        self._authorizer = authorizer
        self._sessions = sessions
        self._check_s = limits.access_check_s
        self._poll_s = min(limits.users_poll_s, limits.access_check_s)

    async def run(self) -> None:
        """Check until cancelled: at an interval, and at once when users have changed."""
        checked_s = time.monotonic()
        while True:
            await asyncio.sleep(self._poll_s)
            if self._have_users_changed():
                self._authorizer.clear_cache()
            elif time.monotonic() < checked_s + self._check_s:
                continue
            checked_s = time.monotonic()
            await self._recheck_all()

    def _have_users_changed(self) -> bool:
        try:
            return self._users.has_changed()
        except sqlite3.Error as error:  # Each request still reads the user itself.
            log.error("cannot check whether users have changed: %s", error)
            return True

    async def _recheck_all(self) -> None:
        for number, session in enumerate(self._sessions, 1):
            session.recheck()
            if number % RECHECKS_AT_ONCE == 0:
                await asyncio.sleep(0)
