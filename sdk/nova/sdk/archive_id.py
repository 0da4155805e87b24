"""The identity of the archive in a data folder: the id that its first writer stored in `archive.id`
and the inode of its truth folder.

A path does not identify an archive. After an unmount or a move the same path may be an empty
folder, another archive or a copy, and an instance that continued there would acknowledge events
into the wrong archive. A copy has the same id but another inode; the inode survives a move and a
remount.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import NamedTuple

from nova.sdk import durable
from nova.sdk.errors import ArchiveGoneError

ID_FILE = "archive.id"
TRUTH_FOLDER = "truth"
FOLDER_VARIABLE = "NOVA_ARCHIVE_INODE"
"""Environment variable by which a supervisor passes the folder's inode to restarted processes."""

WATCH_INTERVAL_S = 1.0


class ArchiveIdentity(NamedTuple):
    """The id of an archive and the inode of its truth folder; None matches any."""

    archive_id: str | None = None
    inode: int | None = None


ANY_ARCHIVE = ArchiveIdentity()


def read(data: Path) -> str | None:
    """The archive id of a data folder; None if there is none or it cannot be read."""
    try:
        return durable.read(data / ID_FILE).decode("ascii", "replace").strip() or None
    except OSError:
        return None


def inode_of(folder: Path) -> int | None:
    """The inode of a folder; None if the folder does not exist."""
    try:
        return folder.stat().st_ino
    except OSError:
        return None


def require_at_start(data: Path, archive: str | None) -> ArchiveIdentity:
    """The identity of a data folder; raises ArchiveGoneError unless it has this archive id (None:
    any) and the inode that the supervisor passed.
    """
    known_inode = os.environ.get(FOLDER_VARIABLE)
    return require(data, ArchiveIdentity(archive, int(known_inode) if known_inode else None))


def require(data: Path, expected: ArchiveIdentity) -> ArchiveIdentity:
    """The identity of a data folder; raises ArchiveGoneError unless it matches `expected`."""
    found = ArchiveIdentity(read(data), inode_of(data / TRUTH_FOLDER))
    is_it = expected.archive_id in (None, found.archive_id)
    if not is_it or expected.inode not in (None, found.inode):
        name = expected.archive_id or "(without id)"
        raise ArchiveGoneError(
            f"this instance serves archive {name}, but {data.absolute()} holds "
            f"{_description(found, is_copy=is_it)}. Nothing is written there. Restore the archive "
            "and NOVA resumes by itself. To start with the present folder instead, stop NOVA, "
            "remove the setting `archive` if it is set, and start NOVA again"
        )
    return found


def _description(found: ArchiveIdentity, *, is_copy: bool) -> str:
    if found.archive_id is None or found.inode is None:
        return "no archive (is its disk mounted?)"
    return "another folder with that id, a copy" if is_copy else f"archive {found.archive_id}"


async def watch(
    data: Path, expected: ArchiveIdentity, interval_s: float = WATCH_INTERVAL_S
) -> None:
    """Check the identity every `interval_s`; raises ArchiveGoneError once it no longer matches."""
    while True:
        require(data, expected)
        await asyncio.sleep(interval_s)
