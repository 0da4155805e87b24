"""The open commit of a new archive, whose wall clock stands still."""

from __future__ import annotations

from pathlib import Path

import pytest

from nova.core.store.archive import Archive
from nova.core.writer.commit import Commit
from nova.core.writer.commit_limits import CommitLimits
from nova.core.writer.writer_state import recover
from tests.core.conftest import START_NS

LARGE = CommitLimits(commit_max_bytes=10**9, commit_max_events=10**6)


@pytest.fixture
def open_commit(archive: Archive, tmp_path: Path) -> Commit:
    """A commit that holds nothing yet."""
    return Commit(archive, recover(archive, tmp_path, lambda: START_NS), LARGE)
