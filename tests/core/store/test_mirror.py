"""Mirrors: archives that cannot be written are read, and followed while another writes them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from nova.core.errors import ArchiveDamagedError
from nova.core.store import archive as archives
from nova.core.store.archive import TRUTH_FOLDER, Archive
from nova.core.store.scan import scan
from nova.core.writer.committer import Committer
from nova.sdk.transport.base import Batch, Record

Make = Callable[..., Record]


@pytest.fixture(autouse=True)
def read_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Secondaries find that they may not write; the writer, who is elsewhere, may. Returns where
    scratch folders are.
    """
    folder = tmp_path / "scratches"
    folder.mkdir()
    monkeypatch.setattr(archives, "needs_mirror", lambda path: True)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def commit(committer: Committer, *records: Record) -> None:
    """Write events."""
    committer.add_batch("link", Batch(list(records)))
    committer.close_commit()


def count(view: Archive) -> int:
    """How many events a view sees."""
    return sum(1 for _ in scan(view.families["canonical"], b"", b"\xff" * 64))


def test_a_mirror_follows_the_writer_over_new_files(
    archive: Archive, committer: Committer, record: Make, tmp_path: Path, read_only: Path
) -> None:
    """New logs and tables are linked, deleted ones released, and nothing stays in the end."""
    commit(committer, record(0))
    view = Archive.open_secondary(tmp_path, tmp_path / "scratch")
    assert count(view) == 1
    own = (tmp_path / TRUTH_FOLDER / "rocksdict-config.json").stat().st_mtime_ns
    for number in range(1, 6):
        commit(committer, record(number))
        archive.families["canonical"].flush(True)
        view.catch_up(committer.last_ns)
        assert count(view) == number + 1
    archive.families["canonical"].compact_range(None, None)
    view.catch_up(committer.last_ns)
    assert count(view) == 6
    assert (tmp_path / TRUTH_FOLDER / "rocksdict-config.json").stat().st_mtime_ns == own
    view.close()
    assert list(read_only.iterdir()) == []


def test_a_mirror_of_a_damaged_archive_is_refused_and_removed(
    archive: Archive, committer: Committer, record: Make, tmp_path: Path, read_only: Path
) -> None:
    """Links do not hide that a file is gone."""
    commit(committer, *(record(number) for number in range(100)))
    archive.families["canonical"].flush(True)
    file = max((tmp_path / TRUTH_FOLDER).glob("*.sst"), key=lambda path: path.stat().st_size)
    os.rename(file, tmp_path / "aside")
    with pytest.raises(ArchiveDamagedError, match=file.name):
        Archive.open_secondary(tmp_path, tmp_path / "scratch")
    assert list(read_only.iterdir()) == []
