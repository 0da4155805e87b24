"""The reader as a process of its own: what it refuses to read, and what it waits for."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import ArchiveError
from core.reader import app
from core.store.archive import Archive
from sdk.settings import Settings


async def test_a_reader_refuses_an_archive_of_another_layout(data: Path) -> None:
    """Pitfalls row 36: a newer format is refused by older code in words."""
    archive = Archive.open_primary(data)
    try:
        batch = archive.batch()
        batch.put("catalog", b"schema/version", b"999")
        archive.write(batch)
        with pytest.raises(ArchiveError, match="layout"):
            async with app.opened(Settings(data=str(data), mode="ground")):
                pass
    finally:
        archive.close()


async def test_a_reader_without_an_archive_says_what_to_start(data: Path) -> None:
    """A mistyped folder is an error in words."""
    with pytest.raises(ArchiveError, match="start its writer first"):
        async with app.opened(Settings(data=str(data / "typo"), mode="ground")):
            pass
