"""A reader's view of a database of derived data: opened when it is first there, and opened anew if
it was made anew.

One that is damaged is not read any more, and its maker is asked to make it anew: until then there
is none, and answers come from the events.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Generic, TypeVar

from core.errors import ArchiveError
from core.store.derived import DerivedStore, identity_of
from core.store.remaking import ask

Store = TypeVar("Store", bound=DerivedStore)

PATIENCE_S = 10.0
"""What cannot be followed for so long, whenever somebody looked, is damaged. Before, the maker may
be opening it anew.
"""

LOOKED_AT_MAX_S = 30.0
"""What failed longer ago may have been well since."""

log = logging.getLogger(__name__)


class Followed(Generic[Store]):
    """A secondary of the database in a data folder, if there is one."""

    def __init__(
        self, kind: type[Store], data: Path, scratch: Path, patience_s: float = PATIENCE_S
    ) -> None:
        self._kind = kind
        self._patience_s = patience_s
        self._failing_since: float | None = None
        self._failed_at = 0.0
        self._damaged: bytes | None = None
        """The identity of the one that is damaged."""

        self._data = data
        self._scratch = scratch
        self._store: Store | None = None

    def current(self) -> Store | None:
        """The database as it is by now, None where there is none that can be read."""
        if self._damaged is not None or self._store is not None:
            identity = identity_of(self._data / self._kind.FOLDER)
            if identity == self._damaged:
                self.close()
                return None
            self._damaged = None
        if self._store is not None and not self._store.is_of(self._data):
            self.close()
        try:
            if self._store is None:
                self._store = self._kind.open_secondary(self._data, self._scratch)
            if self._store is not None:
                self._store.catch_up()
            self._failing_since = None
        except ArchiveError as error:
            self.close()
            self._failed(error)
        return self._store

    def _failed(self, error: ArchiveError) -> None:
        """It cannot be opened or followed, at the moment or for good."""
        now, failed_at = time.monotonic(), self._failed_at
        self._failed_at = now
        if self._failing_since is None or now - failed_at > LOOKED_AT_MAX_S:
            log.warning("no %s", self._kind.WHAT, extra={"context": {"error": str(error)}})
            self._failing_since = now
        if now - self._failing_since >= self._patience_s:
            self.discard(error)

    def discard(self, error: ArchiveError) -> None:
        """It is damaged: read it no more, and have it made anew. It is closed by the next look, for
        somebody may be reading it now.
        """
        identity = identity_of(self._data / self._kind.FOLDER)
        if identity != self._damaged:
            self._damaged, self._failing_since = identity, None
            ask(self._data, self._kind.FOLDER, str(error))

    def close(self) -> None:
        """Let go of the database."""
        if self._store is not None:
            self._store.close()
            self._store = None
