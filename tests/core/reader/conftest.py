"""A reader's view of the test's archive, and a way to commit what it is told of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from core.feed import Committed
from core.reader.view import View
from core.store.archive import Archive
from core.writer.commit import Committer
from sdk.transport.base import Batch, Record


@pytest.fixture
def view(tmp_path: Path, archive: Archive) -> Iterator[View]:
    """A secondary of the archive, as a reader process has it."""
    secondary = Archive.open_secondary(tmp_path, tmp_path / "scratch")
    yield View(secondary)
    secondary.close()


@pytest.fixture
def commit(committer: Committer, view: View) -> Callable[[Sequence[Record]], Committed]:
    """Commits records and tells the view, as the writer would; returns the commit."""

    def run(records: Sequence[Record]) -> Committed:
        committer.take("link", Batch(records))
        committed = committer.close()
        view.advance(committed.mark)
        return committed

    return run
