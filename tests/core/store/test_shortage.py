"""Errors name a full disk or missing file descriptors as the cause."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nova.core.errors import ArchiveDamagedError, ArchiveError
from nova.core.store.archive import Archive
from nova.core.store.shortage import shortage
from nova.core.writer.committer import Committer
from nova.sdk.transport.base import Batch, Record


@pytest.fixture
def few_files() -> Iterator[Callable[[int], None]]:
    """Limits the open files of this process, until the test ends."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield lambda most: resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_too_many_open_files_are_no_damage(
    tmp_path: Path, record: Callable[..., Record], few_files: Callable[[int], None]
) -> None:
    """Writer and reader said that the truth was damaged and was to be restored from a copy."""
    archive = Archive.open_primary(tmp_path)
    committer = Committer(archive, tmp_path)
    for number in range(0, 40, 10):
        committer.add_batch("link", Batch([record(n) for n in range(number, number + 10)]))
        committer.close_commit()
        for family in archive.families.values():
            family.flush(True)
    archive.close()
    files = len(list(Path("/proc/self/fd").iterdir()))
    refused = []
    for more in range(1, 60, 3):
        few_files(files + more)
        try:
            Archive.open_primary(tmp_path).close()
        except OSError:
            continue
        except ArchiveError as error:
            refused.append(error)
    assert refused
    for refusal in refused:
        assert "too many open files" in str(refusal)
        assert not isinstance(refusal, ArchiveDamagedError)


def test_a_full_disk_is_said_with_what_to_do() -> None:
    """As RocksDB words it, with the name of a table file in it."""
    reason = "IO error: No space left on device: While appending to file: /d/truth/000012.sst"
    error = shortage("the archive in /d/truth", reason)
    assert error is not None
    assert "disk is full: free space" in str(error)
    assert "not damaged" in str(error)
    assert shortage("the archive in /d/truth", "Corruption: bad block in 000012.sst") is None
