"""Opens a derived database for writing beside the archive it is computed from, and rebuilds it
when it is damaged.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from nova.core.errors import ArchiveError, DerivedDamagedError
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.scratch import scratch_folder
from nova.core.store.archive import TRUTH_FOLDER
from nova.core.store.derived_database import DerivedDatabase
from nova.core.store.durability_marker import read_marker
from nova.core.store.rebuild_request import discard, raise_if_requested, remove_all
from nova.core.store.secondary import open_secondary_archive
from nova.sdk import archive_id
from nova.sdk.archive_id import ANY_ARCHIVE, ArchiveIdentity
from nova.sdk.errors import ArchiveGoneError
from nova.sdk.process_heartbeat import busy_with

MEMORY_BYTES = 64 * 1024 * 1024
"""Small, as a maker of derived data reads the newest events once and in order."""

LOCK_WAIT_S = 10.0
"""The previous maker runs at the lowest priority and may still be exiting."""

LOCK_INTERVAL_S = 0.2
POLL_INTERVAL_S = 0.5
REBUILD_PAUSE_S = 1.0
"""A disk that damages every write leads to rebuild after rebuild. The pause limits their rate;
each one is counted.
"""

Store = TypeVar("Store", bound=DerivedDatabase)

_left_open: list[DerivedDatabase] = []
"""Referenced, for without a reference they would be closed."""


@contextmanager
def open_for_writing(
    data: Path, kind: type[Store], served: ArchiveIdentity | None = None
) -> Iterator[tuple[ArchiveSnapshot, Store]]:
    """A snapshot of the archive, and the derived database open for writing. Raises ArchiveGoneError
    unless the archive that is there is the one that is served (None: the one that is there now).
    """
    if served is None:
        served = archive_id.require(data, ANY_ARCHIVE)
    with (
        scratch_folder(kind.FOLDER) as scratch,
        open_secondary_archive(data, scratch, MEMORY_BYTES) as archive,
    ):
        archive_id.require(data, served)
        with busy_with(f"opening the {kind.CONTENT}"):
            store = kind.open_primary(data)
        try:
            archive_id.require(data, served)
        except ArchiveGoneError:
            store.close()
            if archive_id.inode_of(data / TRUTH_FOLDER) is None:
                # It was moved away while the database opened, which made one anew in its place.
                remove_all(data, kind.FOLDER)
            raise
        try:
            yield ArchiveSnapshot(archive), store
        finally:
            _close(data, served, store)


def _close(data: Path, served: ArchiveIdentity, store: DerivedDatabase) -> None:
    """Close a database, unless its archive is gone: RocksDB opens files by path, and on close it
    would remove files of whatever is at that path now. It then stays open until the process ends
    without closing it.
    """
    try:
        archive_id.require(data, served)
    except ArchiveGoneError:
        _left_open.append(store)
    else:
        store.close()


async def follow(data: Path, folder: str, advance: Callable[[int], Iterable[object]]) -> None:
    """Call `advance` with the canonical time that is durable, again and again until cancelled, and
    give way between its steps. Raises DerivedDamagedError if a rebuild of `folder` was requested.
    """
    while True:
        raise_if_requested(data, folder)
        marker = read_marker(data)
        if marker is not None:
            for _ in advance(marker.canonical_ns):
                await asyncio.sleep(0)
                raise_if_requested(data, folder)
        await asyncio.sleep(POLL_INTERVAL_S)


async def maintain(
    data: Path,
    kind: type[Store],
    work: Callable[[ArchiveSnapshot, Store], Awaitable[None]],
    opened: asyncio.Event,
    *,
    served: ArchiveIdentity,
    pause_s: float = REBUILD_PAUSE_S,
) -> None:
    """Run `work` until cancelled. When the database is damaged, as found by this process or
    reported by a reader, it is deleted and rebuilt. Sets `opened` once it is first open.
    """
    started = time.monotonic()
    while True:
        try:
            with open_for_writing(data, kind, served) as (snapshot, store):
                opened.set()
                await work(snapshot, store)
        except DerivedDamagedError as error:
            # Nothing is made or removed where the archive was, or where another one is.
            archive_id.require(data, served)
            with busy_with(f"removing damaged {kind.CONTENT}"):
                discard(data, kind.FOLDER, str(error))
            await asyncio.sleep(pause_s)
        except ArchiveError as error:
            is_waiting = "/LOCK" in str(error) and not opened.is_set()
            if not is_waiting or time.monotonic() - started > LOCK_WAIT_S:
                raise
            await asyncio.sleep(LOCK_INTERVAL_S)
