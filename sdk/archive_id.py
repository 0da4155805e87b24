"""Which archive a data folder holds: an id that its first writer gave it, in a file that every
process of an instance can look at.

A path is not an archive. After an unmount or a move the same path is an empty folder, or holds
another archive, and an instance that went on there would acknowledge events into it.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from sdk.errors import ArchiveGoneError

ID_FILE = "archive.id"
WATCH_INTERVAL_S = 1.0


def read(data: Path) -> str | None:
    """The id of the archive in a data folder, None where there is none that can be read."""
    try:
        return (data / ID_FILE).read_text("ascii", "replace").strip() or None
    except OSError:
        return None


def require(data: Path, expected: str | None) -> None:
    """Raise ArchiveGoneError unless a data folder holds the archive with this id; None is any."""
    if expected is None:
        return
    found = read(data)
    if found != expected:
        what = f"archive {found}" if found else "no archive (is its disk mounted?)"
        raise ArchiveGoneError(
            f"this instance serves archive {expected}, and {data.absolute()} holds {what}. Nothing "
            "is written there. Bring the archive back and NOVA goes on by itself; to begin with "
            "what is there instead, stop NOVA, take the setting `archive` away if it is set, and "
            "start NOVA again"
        )


async def watch(data: Path, expected: str | None, interval_s: float = WATCH_INTERVAL_S) -> None:
    """Look again and again; raises ArchiveGoneError once the archive is no longer there."""
    while True:
        require(data, expected)
        await asyncio.sleep(interval_s)
