"""Opens an archive as a secondary for the duration of a block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nova.core.store.archive import Archive


@contextmanager
def open_secondary_archive(data: Path, scratch: Path, memory_bytes: int) -> Iterator[Archive]:
    """An archive, open as a secondary; raises ArchiveError if it may not be used."""
    archive = Archive.open_secondary(data, scratch, memory_bytes)
    try:
        yield archive
    finally:
        archive.close()
