"""Rebuilds a day's files from the archive in a temporary folder, then replaces the old ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from core.files.bindings import Bound
from core.files.daily import TAKEN_TOGETHER_EVENTS
from core.files.day import span_of
from core.files.folder import Folder, remove_tree
from core.files.openings import Openings
from core.files.router import Failure, Router
from core.reader.reading import Reading, Span
from core.reader.selection import Selection
from core.reader.view import View
from sdk.drivers.registry import Registry
from sdk.protocol import Filters

REBUILT_PREFIX = ".rebuild-"


def rebuild(
    view: View, registry: Registry, root: Path, day: str, report: Callable[[int], None]
) -> list[Failure]:
    """Rebuild the files of a day; `report` is called with the number of events read so far."""
    start_ns, stop_ns = span_of(day)
    fresh = root / f"{REBUILT_PREFIX}{day}"
    remove_tree(fresh)
    view.refresh()
    bound = Bound(view, registry, "canonical")
    bound.load(view.mark)
    folder = Folder(fresh)
    try:
        everything = Selection(Filters(), view.series)
        initial_states = Openings(view, everything, bound, "canonical", start_ns)
        router = Router(folder, bound, initial_states)
        range_cursor = Reading(view, everything, Span("canonical", start_ns, stop_ns))
        events = 0
        while not range_cursor.done:
            found = range_cursor.slice(TAKEN_TOGETHER_EVENTS)
            router.take(found)
            events += len(found)
            report(events)
        failures = router.failures()
        for sink in router.seal():
            if sink.failed:
                failures.append(failure_of(sink.paths[0], sink.driver.name, sink.failed, sink.lost))
        router.sync()
        router.tidy()
    finally:
        folder.close()
    remove_tree(root / day)
    fresh.rename(root / day)
    return failures


def failure_of(path: str, driver: str, reason: str, events: int) -> Failure:
    """The failure record of a file that its driver could not write; `target_id` is its path."""
    return Failure(
        target_id=path, lane="", stream_type="", driver=driver, reason=reason, events=events
    )
