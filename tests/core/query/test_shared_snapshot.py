"""Makers of one process read one secondary, which is open for as long as one of them needs it."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest

from nova.core.derived import checkpoint_follower, sampler_process
from nova.core.errors import ArchiveBusyError
from nova.core.metrics.derived_lag import DerivedCursors
from nova.core.query.shared_snapshot import SharedSnapshot
from nova.core.store.durability_marker import write_marker
from nova.core.writer.committer import Committer
from nova.sdk import archive_id
from nova.sdk.archive_id import ANY_ARCHIVE
from nova.sdk.transport.base import Batch
from tests.core.running import WAIT_S
from tests.core.telling import START_NS, telling

MEMORY_BYTES = 8 * 1024 * 1024


@pytest.fixture
def shared(committer: Committer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SharedSnapshot:
    """Of an archive with two events; the folders of secondaries are made in `folders`."""
    committer.add_batch("link", Batch([telling(START_NS + n, {"n": n}) for n in range(2)]))
    committer.close_commit()
    write_marker(tmp_path, committer.marker())
    (folders := tmp_path / "folders").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folders))
    return SharedSnapshot(tmp_path, MEMORY_BYTES)


def secondaries(tmp_path: Path) -> int:
    return len(list((tmp_path / "folders").iterdir()))


def test_it_is_open_from_the_first_user_to_the_last(shared: SharedSnapshot, tmp_path: Path) -> None:
    """The end of one user takes nothing from the others; the next first one opens it anew."""
    with shared.opened() as first:
        with shared.opened() as second:
            assert second is first and secondaries(tmp_path) == 1
        assert first.archive.events.first_key()
    assert secondaries(tmp_path) == 0
    with shared.opened() as third:
        assert third is not first and third.archive.events.first_key()


def test_after_one_found_the_archive_busy_the_next_opens_it_anew(
    shared: SharedSnapshot, tmp_path: Path
) -> None:
    """The others keep theirs until they end."""
    with shared.opened() as first:
        with pytest.raises(ArchiveBusyError), shared.opened():
            raise ArchiveBusyError("too busy to be followed")
        with shared.opened() as second:
            assert second is not first and secondaries(tmp_path) == 2
            assert first.archive.events.first_key() == second.archive.events.first_key()
        assert secondaries(tmp_path) == 1
    assert secondaries(tmp_path) == 0


async def test_samples_and_checkpoints_are_made_from_one(
    shared: SharedSnapshot, tmp_path: Path
) -> None:
    """Both catch up with the archive, and one secondary is open meanwhile."""
    data, served = tmp_path, archive_id.require(tmp_path, ANY_ARCHIVE)
    cursors = DerivedCursors()
    samples, checkpoints = asyncio.Event(), asyncio.Event()
    async with asyncio.timeout(WAIT_S):
        making = asyncio.gather(
            sampler_process.maintain(data, samples, served, cursors, shared=shared),
            checkpoint_follower.maintain(data, checkpoints, served, cursors, shared=shared),
        )
        await samples.wait()
        await checkpoints.wait()
        assert secondaries(tmp_path) == 1
        while min(cursors.reported().values(), default=0) <= 0:
            await asyncio.sleep(0.02)
        making.cancel()
        with pytest.raises(asyncio.CancelledError):
            await making
    assert secondaries(tmp_path) == 0 and set(cursors.followed) == {"samples", "checkpoints"}
