"""A reader's view of a database of derived data: opened when it is first there, and opened anew if
it was made anew.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Generic, TypeVar

from core.errors import ArchiveError
from core.store.derived import DerivedStore

Store = TypeVar("Store", bound=DerivedStore)

log = logging.getLogger(__name__)


class Followed(Generic[Store]):
    """A secondary of the database in a data folder, if there is one."""

    def __init__(self, kind: type[Store], data: Path, scratch: Path) -> None:
        self._kind = kind
        self._data = data
        self._scratch = scratch
        self._store: Store | None = None

    def current(self) -> Store | None:
        """The database as it is by now, None where there is none that can be read."""
        if self._store is not None and not self._store.is_of(self._data):
            self.close()
        try:
            if self._store is None:
                self._store = self._kind.open_secondary(self._data, self._scratch)
            if self._store is not None:
                self._store.catch_up()
        except ArchiveError as error:
            log.warning("no %s", self._kind.WHAT, extra={"context": {"error": str(error)}})
            self.close()
        return self._store

    def close(self) -> None:
        """Let go of the database."""
        if self._store is not None:
            self._store.close()
            self._store = None
