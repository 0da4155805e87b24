"""An archive to back up, and a folder for its backups."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nova.core.backup.folder_target import FolderTarget
from tests.core.backup.backing_up import LivingArchive, Make


@pytest.fixture
def living(tmp_path: Path, record: Make) -> Iterator[LivingArchive]:
    """An archive of 2,000 events, all in table files."""
    living = LivingArchive(tmp_path / "data", record)
    living.grow(20)
    living.archive.flush()
    yield living
    living.close()


@pytest.fixture
def target(tmp_path: Path) -> FolderTarget:
    return FolderTarget(tmp_path / "target")
