"""Rebuilds a day's files from the archive in a temporary folder, then replaces the old ones."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path

from nova.core.disk_reserve import NO_RESERVE, DiskReserve
from nova.core.files.bound_drivers import BoundDrivers
from nova.core.files.daily_files import SLICE_EVENTS
from nova.core.files.file_folder import FileFolder, remove_tree
from nova.core.files.file_quota import FileQuota
from nova.core.files.file_router import FileRouter, UnwrittenEvents
from nova.core.files.initial_states import InitialStates
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_filter import EventFilter
from nova.core.query.range_cursor import RangeCursor, Span
from nova.core.query.visibility import NO_AUDIT
from nova.core.utc_day import span_of
from nova.sdk.drivers.registry import BINDING_DRIVER, DriverRegistry
from nova.sdk.errors import NovaError
from nova.sdk.files_settings import FILES_MAX
from nova.sdk.protocol.messages import Filters

REBUILT_PREFIX = ".rebuild-"


def rebuild_day_files(
    snapshot: ArchiveSnapshot,
    registry: DriverRegistry,
    root: Path,
    day: str,
    report: Callable[[int], None],
    reserve: DiskReserve = NO_RESERVE,
    files_max: int = FILES_MAX,
    *,
    compresses: bool = False,
) -> list[UnwrittenEvents]:
    """Rebuild the files of a day; `report` is called with the number of events read so far."""
    start_ns, stop_ns = span_of(day)
    fresh = root / f"{REBUILT_PREFIX}{day}"
    remove_tree(fresh)
    snapshot.refresh()
    _refuse_given_back(snapshot, day)
    bound = BoundDrivers(snapshot, registry, "canonical")
    bound.load(snapshot.watermark)
    folder = FileFolder(fresh, reserve, compresses=compresses)
    try:
        everything = EventFilter(Filters(), snapshot.series, NO_AUDIT)
        initial_states = InitialStates(snapshot, everything, bound, "canonical", start_ns)
        quota = FileQuota(registry.named(BINDING_DRIVER), files_max)
        router = FileRouter(folder, bound, initial_states, quota)
        range_cursor = RangeCursor(snapshot, everything, Span("canonical", start_ns, stop_ns))
        events = 0
        while not range_cursor.done:
            found = range_cursor.read_slice(SLICE_EVENTS)
            router.route(found)
            events += len(found)
            report(events)
        deque(router.seal(), maxlen=0)
        failures = router.unwritten()
        router.sync()
        router.remove_unsealed()
    finally:
        folder.close()
    remove_tree(root / day)
    fresh.rename(root / day)
    return failures


def _refuse_given_back(snapshot: ArchiveSnapshot, day: str) -> None:
    """Raise NovaError if the archive no longer has all events of a day, but its files may."""
    for entry in snapshot.archive.given_back.entries:
        if entry.day == day:
            raise NovaError(
                f"{day} of {entry.scope_id}/{entry.lane} was given back by retention: the files of "
                "that day cannot be rebuilt, and stay as they are"
            )
