"""A read-only secondary of a derived database: opened once the database exists, and reopened when
it was rebuilt.

A damaged database is closed and its maker is requested to rebuild it. Until it has, `current()`
returns None and replies are computed from the events.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Generic, TypeVar

from nova.core.errors import ArchiveBusyError, ArchiveError, DerivedDamagedError
from nova.core.store.derived_database import DerivedDatabase, database_id
from nova.core.store.rebuild_request import request_rebuild

Store = TypeVar("Store", bound=DerivedDatabase)
ReplyT = TypeVar("ReplyT")

PATIENCE_S = 10.0
"""A database for which every attempt within this time failed is damaged. Until then its maker may
just be reopening it.
"""

SAME_OUTAGE_MAX_S = 30.0
"""Failures further apart than this are not counted as one outage: the database may have been
readable in between.
"""

log = logging.getLogger(__name__)


class DerivedReader(Generic[Store]):
    """The secondary of one derived database in a data folder."""

    def __init__(
        self, kind: type[Store], data: Path, scratch: Path, patience_s: float = PATIENCE_S
    ) -> None:
        self._kind = kind
        self._patience_s = patience_s
        self._failing_since: float | None = None
        self._failed_at = 0.0
        self._damaged_identity: bytes | None = None
        """Identity of the database that was found damaged."""

        self._data = data
        self._scratch = scratch
        self._store: Store | None = None
        self._lock = asyncio.Lock()

    async def reply(self, compute: Callable[[], Awaitable[ReplyT]]) -> ReplyT:
        """Compute a reply that asks for `current()`, one at a time, so that each sees the database
        at one cursor; once more, without the database, if it shows to be damaged.
        """
        async with self._lock:
            try:
                return await compute()
            except DerivedDamagedError as error:
                self.discard(error)
                return await compute()

    def current(self) -> Store | None:
        """The database, caught up with its maker; None if there is no readable one."""
        if self._damaged_identity is not None or self._store is not None:
            identity = database_id(self._data / self._kind.FOLDER)
            if identity == self._damaged_identity:
                self.close()
                return None
            self._damaged_identity = None
        if self._store is not None and not self._store.is_in(self._data):
            self.close()
        try:
            if self._store is None:
                self._store = self._kind.open_secondary(self._data, self._scratch)
            if self._store is not None:
                self._store.catch_up()
            self._failing_since = None
        except ArchiveError as error:
            self.close()
            self._record_failure(error)
        return self._store

    def _record_failure(self, error: ArchiveError) -> None:
        """Record a failed attempt; discard the database once it has failed for `patience_s`,
        unless it is only busy.
        """
        now, failed_at = time.monotonic(), self._failed_at
        self._failed_at = now
        if self._failing_since is None or now - failed_at > SAME_OUTAGE_MAX_S:
            log.warning("no %s", self._kind.CONTENT, extra={"context": {"error": str(error)}})
            self._failing_since = now
        is_busy = isinstance(error, ArchiveBusyError)
        if not is_busy and now - self._failing_since >= self._patience_s:
            self.discard(error)

    def discard(self, error: ArchiveError) -> None:
        """Mark the database as damaged and request its rebuild. The next `current()` closes it, as
        another task may be reading from it now.
        """
        identity = database_id(self._data / self._kind.FOLDER)
        if identity != self._damaged_identity:
            self._damaged_identity, self._failing_since = identity, None
            request_rebuild(self._data, self._kind.FOLDER, str(error))

    def close(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None
