"""A following view of an archive, for as long as somebody needs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.store import catalog
from core.store.archive import Archive


@contextmanager
def following(data: Path, scratch: Path, memory_bytes: int) -> Iterator[Archive]:
    """An archive that its writer has made, of a layout that this version reads, open for as long as
    the block runs; raises ArchiveError.
    """
    archive = Archive.open_secondary(data, scratch, memory_bytes)
    try:
        catalog.check_schema(archive.get("catalog", catalog.SCHEMA_KEY), archive.path)
        yield archive
    finally:
        archive.close()
