"""Opens an archive as a secondary for the duration of a block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nova.core.store.archive import Archive


@contextmanager
def open_secondary_archive(data: Path, scratch: Path, memory_bytes: int) -> Iterator[Archive]:
    """An archive, open as a secondary; raises ArchiveError if there is none or its layout is not
    this version's.
    """
    archive = Archive.open_secondary(data, scratch, memory_bytes)
    try:
        archive.record.check_schema()
        yield archive
    finally:
        archive.close()
