"""Files that change while a process runs."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from nova.sdk.watched_files import WatchedFiles

POLL_S = 0.05


async def is_changed(watched: WatchedFiles) -> bool:
    """Whether a change is reported within some polls."""
    try:
        await asyncio.wait_for(watched.changed(), 20 * POLL_S)
    except TimeoutError:
        return False
    return True


async def test_a_folder_has_changed_once_its_files_rest(tmp_path: Path) -> None:
    watched = WatchedFiles(tmp_path, POLL_S)
    (tmp_path / "notes.txt").write_text("other")
    assert not await is_changed(watched)
    path = tmp_path / "a.toml"
    path.write_text("1")
    assert await is_changed(watched) and not await is_changed(watched)
    # As rsync does: another file of the same size and date.
    before = path.stat()
    (tmp_path / "new").write_text("2")
    os.utime(tmp_path / "new", ns=(before.st_atime_ns, before.st_mtime_ns))
    (tmp_path / "new").rename(path)
    assert await is_changed(watched)
    # As an editor does, for which the file is away for a moment.
    waiting = asyncio.create_task(watched.changed())
    path.unlink()
    await asyncio.sleep(POLL_S / 2)
    assert not waiting.done()
    path.write_text("3")
    await asyncio.wait_for(waiting, 10)
    path.unlink()
    assert await is_changed(watched)


async def test_a_file_has_changed_when_it_comes_and_goes(tmp_path: Path) -> None:
    path = tmp_path / "notifications.toml"
    watched = WatchedFiles(path, POLL_S)
    path.write_text("1")
    assert await is_changed(watched)
    path.unlink()
    assert await is_changed(watched)
