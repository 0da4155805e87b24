"""A path is not an archive: processes know theirs by its id."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sdk import archive_id
from sdk.archive_id import ID_FILE
from sdk.errors import ArchiveGoneError

WAIT_S = 20.0


def test_any_archive_will_do_for_who_expects_none(tmp_path: Path) -> None:
    """A first start, on a folder that need not even be there."""
    archive_id.require(tmp_path / "not there", None)


@pytest.mark.parametrize("held", [None, "", "b"])
def test_a_folder_without_the_archive_is_refused(tmp_path: Path, held: str | None) -> None:
    """Issue 14: empty, unreadable or another; the message says what to do."""
    if held is not None:
        (tmp_path / ID_FILE).write_text(held)
    with pytest.raises(
        ArchiveGoneError, match=r"serves archive a, .* holds .*[Bb]ring the archive"
    ):
        archive_id.require(tmp_path, "a")
    (tmp_path / ID_FILE).write_text("a\n")
    archive_id.require(tmp_path, "a")


async def test_a_watch_ends_when_the_archive_goes(tmp_path: Path) -> None:
    """Issue 14: a running process sees it too."""
    (tmp_path / ID_FILE).write_text("a\n")
    watching = asyncio.create_task(archive_id.watch(tmp_path, "a", 0.01))
    await asyncio.sleep(0.05)
    assert not watching.done()
    (tmp_path / ID_FILE).unlink()
    with pytest.raises(ArchiveGoneError, match="is its disk mounted"):
        async with asyncio.timeout(WAIT_S):
            await watching
