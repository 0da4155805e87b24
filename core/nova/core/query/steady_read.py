"""Reads one page of an archive as it is before retention begins a day, or after."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from nova.core.query.archive_snapshot import ArchiveSnapshot

YIELDING_ATTEMPTS = 3
"""Attempts that serve sockets meanwhile. The next one does not, so nothing changes under it."""

T = TypeVar("T")


async def read_steadily(snapshot: ArchiveSnapshot, read: Callable[[bool], Awaitable[T]]) -> T:
    """What `read` returns; it is called again if retention began a day meanwhile. Its argument says
    whether it may let others run.
    """
    attempt = 0
    while True:
        attempt += 1
        snapshot.refresh()
        days = snapshot.deletions_begun
        found = await read(attempt <= YIELDING_ATTEMPTS)
        if snapshot.deletions_begun == days:
            return found
