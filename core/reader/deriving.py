"""Making a database of derived data beside the archive that it follows from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from core.reader.view import View
from core.scratch import scratch_folder
from core.store.derived import DerivedStore
from core.store.secondary import following

MEMORY_BYTES = 64 * 1024 * 1024
"""Whoever derives reads the newest events, once and in order."""

Store = TypeVar("Store", bound=DerivedStore)


@contextmanager
def deriving(data: Path, kind: type[Store]) -> Iterator[tuple[View, Store]]:
    """A view of an archive, and the database that is made of it, open for writing."""
    with (
        scratch_folder(kind.FOLDER) as scratch,
        following(data, scratch, MEMORY_BYTES) as archive,
    ):
        store = kind.open_primary(data)
        try:
            yield View(archive), store
        finally:
            store.close()
