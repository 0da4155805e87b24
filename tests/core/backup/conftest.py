"""An archive to back up, and a folder for its backups."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nova.core.backup.folder_target import FolderTarget
from tests.core.backup.backing_up import LivingArchive, Make


@pytest.fixture
def growing(tmp_path: Path, record: Make) -> Iterator[LivingArchive]:
    """An archive of 2,000 events, all in table files."""
    growing = LivingArchive(tmp_path / "data", record)
    growing.grow(20)
    growing.archive.flush()
    yield growing
    growing.close()


@pytest.fixture
def target(tmp_path: Path) -> FolderTarget:
    return FolderTarget(tmp_path / "target")
