"""A path does not identify an archive: processes recognise theirs by its id."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from nova.sdk import archive_id
from nova.sdk.archive_id import ANY_ARCHIVE, FOLDER_VARIABLE, ID_FILE, TRUTH_FOLDER, ArchiveIdentity
from nova.sdk.errors import ArchiveGoneError

WAIT_S = 60.0


def test_any_archive_will_do_for_who_expects_none(tmp_path: Path) -> None:
    """A first start, on a folder that need not even be there."""
    archive_id.require(tmp_path / "not there", ANY_ARCHIVE)


@pytest.mark.parametrize("held", [None, "", "b"])
def test_a_folder_without_the_archive_is_refused(tmp_path: Path, held: str | None) -> None:
    """Empty, unreadable or another; the message says what to do."""
    if held is not None:
        (tmp_path / ID_FILE).write_text(held)
    with pytest.raises(ArchiveGoneError, match=r"serves archive a, .* holds .*Restore the archive"):
        archive_id.require(tmp_path, ArchiveIdentity("a"))
    (tmp_path / ID_FILE).write_text("a\n")
    archive_id.require(tmp_path, ArchiveIdentity("a"))


def test_a_copy_with_the_same_id_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its folder is another one; the one that was is known when it is back."""
    for name in ("one", "copy"):
        (tmp_path / name / TRUTH_FOLDER).mkdir(parents=True)
        (tmp_path / name / ID_FILE).write_text("a\n")
    data = tmp_path / "data"
    (tmp_path / "one").rename(data)
    served = archive_id.require_at_start(data, "a")
    monkeypatch.setenv(FOLDER_VARIABLE, str(served.inode))
    data.rename(tmp_path / "one")
    (tmp_path / "copy").rename(data)
    with pytest.raises(ArchiveGoneError, match="another folder with that id"):
        archive_id.require_at_start(data, "a")
    with pytest.raises(ArchiveGoneError, match="another folder with that id"):
        archive_id.require(data, served)
    data.rename(tmp_path / "copy")
    (tmp_path / "one").rename(data)
    assert archive_id.require_at_start(data, "a") == served


def test_truth_that_was_moved_away_is_refused(tmp_path: Path) -> None:
    """The id alone is no archive."""
    (tmp_path / TRUTH_FOLDER).mkdir()
    (tmp_path / ID_FILE).write_text("a\n")
    served = archive_id.require(tmp_path, ANY_ARCHIVE)
    (tmp_path / TRUTH_FOLDER).rename(tmp_path / "away")
    with pytest.raises(ArchiveGoneError, match="holds no archive"):
        archive_id.require(tmp_path, served)


async def test_a_watch_ends_when_the_archive_goes(tmp_path: Path) -> None:
    """A running process sees it too."""
    (tmp_path / ID_FILE).write_text("a\n")
    watching = asyncio.create_task(archive_id.watch(tmp_path, ArchiveIdentity("a"), 0.01))
    await asyncio.sleep(0.05)
    assert not watching.done()
    (tmp_path / ID_FILE).unlink()
    with pytest.raises(ArchiveGoneError, match="is its disk mounted"):
        async with asyncio.timeout(WAIT_S):
            await watching
