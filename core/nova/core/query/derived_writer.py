"""Opens a derived database for writing beside the archive it is computed from, and rebuilds it
when it is damaged.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

from nova.core.disk_reserve import NO_RESERVE, DiskReserve, DiskReserveError
from nova.core.errors import ArchiveBusyError, ArchiveError, DerivedDamagedError
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.pass_pace import PASS_PACE, PassPace
from nova.core.query.shared_snapshot import SharedSnapshot
from nova.core.query.tail_follower import TailFollower
from nova.core.store.archive import TRUTH_FOLDER
from nova.core.store.derived_database import DerivedDatabase
from nova.core.store.durability_marker import durable_ns
from nova.core.store.rebuild_request import discard, raise_if_requested, remove_all
from nova.sdk import archive_id
from nova.sdk.archive_id import ANY_ARCHIVE, ArchiveIdentity
from nova.sdk.errors import ArchiveGoneError
from nova.sdk.process_heartbeat import busy_with

log = logging.getLogger(__name__)

MEMORY_BYTES = 64 * 1024 * 1024
"""Small, as a maker of derived data reads the newest events once and in order."""

LOCK_WAIT_S = 10.0
"""The previous maker runs at the lowest priority and may still be exiting."""

LOCK_INTERVAL_S = 0.2
ROOM_INTERVAL_S = 1.0
STEP_BYTES = 64 * 1024 * 1024
"""What a step of a maker, with the merges that follow, may write at most before the next look at
the disk.
"""

REBUILD_PAUSE_S = 1.0
"""A disk that damages every write leads to rebuild after rebuild. The pause limits their rate;
each one is counted.
"""

Store = TypeVar("Store", bound=DerivedDatabase)

_left_open: list[DerivedDatabase] = []
"""Referenced, for without a reference they would be closed."""


@contextmanager
def open_for_writing(
    data: Path,
    kind: type[Store],
    served: ArchiveIdentity | None = None,
    shared: SharedSnapshot | None = None,
) -> Iterator[tuple[ArchiveSnapshot, Store]]:
    """A snapshot of the archive (None: an unshared one), and the derived database open for writing.
    Raises ArchiveGoneError unless the archive that is there is the one that is served (None: the
    one that is there now).
    """
    if served is None:
        served = archive_id.require(data, ANY_ARCHIVE)
    with (shared or SharedSnapshot(data, MEMORY_BYTES)).opened() as snapshot:
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
            yield snapshot, store
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


async def follow(
    data: Path,
    folder: str,
    advance: Callable[[int], Iterable[int]],
    reserve: DiskReserve = NO_RESERVE,
    room_interval_s: float = ROOM_INTERVAL_S,
    pace: PassPace = PASS_PACE,
    follower: TailFollower | None = None,
) -> None:
    """Call `advance` with the canonical time that is durable (by the follower's tail, or by the
    marker, which may be a second old), again and again until cancelled, and give way between its
    steps, each of which yields its number of events; it pauses while the disk is short. Raises
    DerivedDamagedError if a rebuild of `folder` was requested.
    """
    room = partial(_wait_for_room, data, folder, reserve, room_interval_s)
    while True:
        raise_if_requested(data, folder)
        marker_ns, events = durable_ns(data), 0
        await room()
        for step in advance(marker_ns if follower is None else follower.reach(marker_ns)):
            events += step
            await (asyncio.sleep(0) if follower is None or not step else follower.give_way())
            raise_if_requested(data, folder)
            await room()
        if follower is None:
            await asyncio.sleep(pace.pause_s(events))
        else:
            follower.finish_pass(partial(durable_ns, data))
            await follower.rest(pace.pause_s(events))


async def _wait_for_room(data: Path, folder: str, reserve: DiskReserve, interval_s: float) -> None:
    """Wait while the disk has no room beyond the reserve; replies are then computed from events."""
    is_logged = False
    while True:
        try:
            reserve.require_room(STEP_BYTES)
        except DiskReserveError as error:
            if not is_logged:
                context = {"folder": folder, "reason": error.strerror}
                log.error("paused: the disk is short", extra={"context": context})
                is_logged = True
        else:
            break
        await asyncio.sleep(interval_s)
        raise_if_requested(data, folder)
    if is_logged:
        log.info("continued: the disk has room", extra={"context": {"folder": folder}})


async def maintain(
    data: Path,
    kind: type[Store],
    work: Callable[[ArchiveSnapshot, Store], Awaitable[None]],
    opened: asyncio.Event,
    *,
    served: ArchiveIdentity,
    shared: SharedSnapshot | None = None,
    pause_s: float = REBUILD_PAUSE_S,
) -> None:
    """Run `work` until cancelled; the makers of a process may share their snapshot. When the
    database is damaged, as found by this process or reported by a reader, it is deleted and
    rebuilt; when the archive is too busy to be followed, it is opened again. Sets `opened` once it
    is first open.
    """
    started = time.monotonic()
    while True:
        try:
            with open_for_writing(data, kind, served, shared) as (snapshot, store):
                opened.set()
                await work(snapshot, store)
        except DerivedDamagedError as error:
            # Nothing is made or removed where the archive was, or where another one is.
            archive_id.require(data, served)
            with busy_with(f"removing damaged {kind.CONTENT}"):
                discard(data, kind.FOLDER, str(error))
            await asyncio.sleep(pause_s)
        except ArchiveBusyError as error:
            log.warning("trying again", extra={"context": {"reason": str(error)}})
            await asyncio.sleep(pause_s)
        except ArchiveError as error:
            is_waiting = "/LOCK" in str(error) and not opened.is_set()
            if not is_waiting or time.monotonic() - started > LOCK_WAIT_S:
                raise
            await asyncio.sleep(LOCK_INTERVAL_S)
