"""Which archive a data folder holds: an id that its first writer gave it, in a file that every
process of an instance can look at, and which folder its truth is in.

A path is not an archive. After an unmount or a move the same path is an empty folder, or holds
another archive or a copy, and an instance that went on there would acknowledge events into it. A
copy has the same id; its folder has another inode, which outlives a move and a remount.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import NamedTuple

from sdk.errors import ArchiveGoneError

ID_FILE = "archive.id"
TRUTH_FOLDER = "truth"
FOLDER_VARIABLE = "NOVA_ARCHIVE_INODE"
"""The inode of the archive's folder, in the environment of what a supervisor starts again."""

WATCH_INTERVAL_S = 1.0


class Served(NamedTuple):
    """The id of an archive and the inode of its folder of truth; None is any."""

    archive: str | None = None
    folder: int | None = None


ANY = Served()


def read(data: Path) -> str | None:
    """The id of the archive in a data folder, None where there is none that can be read."""
    try:
        return (data / ID_FILE).read_text("ascii", "replace").strip() or None
    except OSError:
        return None


def inode(folder: Path) -> int | None:
    """The inode of a folder, None where there is none."""
    try:
        return folder.stat().st_ino
    except OSError:
        return None


def require_at_start(data: Path, archive: str | None) -> Served:
    """What a data folder holds; raises ArchiveGoneError unless it is the archive with this id, in
    the folder that the supervisor knows. None is any.
    """
    told = os.environ.get(FOLDER_VARIABLE)
    return require(data, Served(archive, int(told) if told else None))


def require(data: Path, expected: Served) -> Served:
    """What a data folder holds; raises ArchiveGoneError unless it is what is expected."""
    found = Served(read(data), inode(data / TRUTH_FOLDER))
    is_it = expected.archive in (None, found.archive)
    if not is_it or expected.folder not in (None, found.folder):
        name = expected.archive or "(without id)"
        raise ArchiveGoneError(
            f"this instance serves archive {name}, and {data.absolute()} holds "
            f"{_described(found, is_copy=is_it)}. Nothing is written there. Bring the archive back "
            "and NOVA goes on by itself; to begin with what is there instead, stop NOVA, take the "
            "setting `archive` away if it is set, and start NOVA again"
        )
    return found


def _described(found: Served, *, is_copy: bool) -> str:
    if found.archive is None or found.folder is None:
        return "no archive (is its disk mounted?)"
    return "another folder with that id, a copy" if is_copy else f"archive {found.archive}"


async def watch(data: Path, expected: Served, interval_s: float = WATCH_INTERVAL_S) -> None:
    """Look again and again; raises ArchiveGoneError once the archive is no longer there."""
    while True:
        require(data, expected)
        await asyncio.sleep(interval_s)
