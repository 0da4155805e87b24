"""A reader's view of the test's archive, and a way to commit what it is told of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from nova.core.commit_feed import CommitFrame
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.store.archive import Archive
from nova.core.writer.commit import Committer
from nova.sdk.transport.base import Batch, Record


@pytest.fixture
def view(tmp_path: Path, archive: Archive) -> Iterator[ArchiveSnapshot]:
    """A secondary of the archive, as a reader process has it."""
    secondary = Archive.open_secondary(tmp_path, tmp_path / "scratch")
    yield ArchiveSnapshot(secondary)
    secondary.close()


@pytest.fixture
def commit(
    committer: Committer, view: ArchiveSnapshot
) -> Callable[[Sequence[Record]], CommitFrame]:
    """Commits records and tells the view, as the writer would; returns the commit."""

    def run(records: Sequence[Record]) -> CommitFrame:
        committer.add_batch("link", Batch(records))
        committed = committer.close_commit()
        view.advance(committed.watermark)
        return committed

    return run
