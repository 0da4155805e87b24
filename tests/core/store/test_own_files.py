"""A writer notices that its files were exchanged, and is not misled by files that it replaced."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from nova.core.store.archive import TRUTH_FOLDER, Archive
from nova.core.store.own_files import OwnFiles
from nova.core.writer.committer import Committer
from nova.sdk.errors import ArchiveGoneError
from nova.sdk.transport.base import Batch, Record

Exchange = Callable[[Path, Path], None]


def removed(truth: Path, _: Path) -> None:
    """Every file is removed."""
    for path in truth.iterdir():
        path.unlink()


def without_logs(truth: Path, _: Path) -> None:
    """The logs alone are removed."""
    for path in truth.glob("*.log"):
        path.unlink()


def restored(truth: Path, copy: Path) -> None:
    """A copy's files take the names of those that are there."""
    for path in copy.iterdir():
        shutil.copy(path, truth / "fresh")
        (truth / "fresh").replace(truth / path.name)


def emptied_and_restored(truth: Path, copy: Path) -> None:
    """All removed, then the copy's put there."""
    removed(truth, copy)
    shutil.copytree(copy, truth, dirs_exist_ok=True)


@pytest.mark.parametrize("exchange", [removed, without_logs, restored, emptied_and_restored])
def test_exchanged_files_are_found(
    tmp_path: Path, record: Callable[..., Record], exchange: Exchange
) -> None:
    """The writer acknowledged into deleted logs without end: the folder was still its own."""
    archive = Archive.open_primary(tmp_path)
    committer = Committer(archive, tmp_path)
    committer.add_batch("link", Batch([record(1)]))
    committer.close_commit()
    own = OwnFiles(archive.path)
    own.require()
    own.require_known()
    shutil.copytree(tmp_path / TRUTH_FOLDER, tmp_path / "copy")
    exchange(tmp_path / TRUTH_FOLDER, tmp_path / "copy")
    with pytest.raises(ArchiveGoneError, match="exchanged while NOVA ran"):
        own.require_known()
    with pytest.raises(ArchiveGoneError, match="exchanged while NOVA ran"):
        own.require()
    archive.close()


def test_a_writer_that_goes_on_to_new_logs_keeps_its_own(
    tmp_path: Path, record: Callable[..., Record]
) -> None:
    """RocksDB deletes a log itself once files hold its rows."""
    archive = Archive.open_primary(tmp_path)
    committer = Committer(archive, tmp_path)
    own = OwnFiles(archive.path)
    logs = set()
    for number in range(5):
        committer.add_batch("link", Batch([record(number)]))
        committer.close_commit()
        own.require()
        for family in archive.families.values():
            family.flush(True)
        own.require_known()
        logs |= set(os.listdir(archive.path))
    assert len([name for name in logs if name.endswith(".log")]) > 2
    archive.close()
