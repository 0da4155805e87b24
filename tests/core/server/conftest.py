"""An archive that grows, and a reader's view of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.store.archive import Archive
from nova.core.writer.committer import Committer
from nova.sdk.transport.base import Record
from tests.core.server.followed import GrowingArchive


@pytest.fixture
def growing(
    tmp_path: Path, archive: Archive, committer: Committer, record: Callable[..., Record]
) -> Iterator[GrowingArchive]:
    """An empty one; its view is a secondary, as in a reader process."""
    secondary = Archive.open_secondary(tmp_path, tmp_path / "scratch")
    yield GrowingArchive(committer, ArchiveSnapshot(secondary), record)
    secondary.close()
