"""Backfills the rollups of an archive that was written without them, wholly or in part, when its
writer opens it.

Each part is written with the key up to which the archive is counted, so an interrupted count
resumes there.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from itertools import islice
from operator import itemgetter

from nova.core.ordering import series_of_event_key
from nova.core.store.archive import Archive
from nova.core.store.rollup import (
    COMPLETE_KEY,
    COUNTED_KEY,
    ROLLUP_PREFIX,
    counted_events,
    counted_until,
    is_complete,
    rollup_scope,
)
from nova.core.store.series_table import SeriesTable
from nova.core.writer.rollup_counts import mixed_counts
from nova.core.writer.rollup_rows import RollupRows
from nova.sdk import lifecycle

BACKFILL_EVENTS = 20_000
PROGRESS_INTERVAL_S = 2.0
"""Interval of progress lines; the supervisor waits while they arrive."""

log = logging.getLogger(__name__)


async def backfill_with_progress(
    archive: Archive,
    part_max_events: int = BACKFILL_EVENTS,
    progress_interval_s: float = PROGRESS_INTERVAL_S,
) -> None:
    """Count uncounted events and report progress on stdout. It may be cancelled and resumes the
    next time.
    """
    archive.record.check_schema()
    series = SeriesTable()
    series.load(archive)
    counters = archive.record.counters()
    reported_s = time.monotonic()
    for done in backfill(archive, series, counters.held, part_max_events):
        if time.monotonic() - reported_s >= progress_interval_s:
            lifecycle.print_progress("writer", f"counted {done:,} of {counters.held:,} events")
            reported_s = time.monotonic()
        await asyncio.sleep(0)


def backfill(
    archive: Archive, series: SeriesTable, events: int, part_max_events: int = BACKFILL_EVENTS
) -> Iterator[int]:
    """Count the uncounted events of an archive with `events` events; yields the number counted
    after each part.
    """
    was_complete = is_complete(archive)
    if was_complete and counted_events(archive) == events:
        return
    if events:
        log.info("counting the events of the archive", extra={"context": {"events": events}})
    if was_complete:
        _clear(archive)
    yield from _resume(archive, series, part_max_events)
    if (
        counted_events(archive) != events
    ):  # An older NOVA has written between two interrupted counts.
        _clear(archive)
        yield from _resume(archive, series, part_max_events)
    batch = archive.batch()
    batch.put_record(COMPLETE_KEY, b"1")
    archive.write(batch)


def _clear(archive: Archive) -> None:
    batch = archive.batch()
    batch.delete_records(ROLLUP_PREFIX, ROLLUP_PREFIX + b"\xff")
    archive.write(batch)


def _resume(archive: Archive, series: SeriesTable, part_max_events: int) -> Iterator[int]:
    after, done = counted_until(archive), counted_events(archive)
    rollups = RollupRows(archive)
    rows = archive.events.scan("source", after)
    while part := [row for row in islice(rows, part_max_events) if row[0] != after]:
        last_key = part[-1][0]
        part.sort(key=itemgetter(1))
        scopes = [
            rollup_scope(series.names[series_of_event_key(event_key)]) for _, event_key in part
        ]
        event_keys, source_keys = [row[1] for row in part], [row[0] for row in part]
        counts = mixed_counts(scopes, event_keys, source_keys)
        batch = archive.batch()
        batch.put_records(rollups.after(counts))
        batch.put_record(COUNTED_KEY, last_key)
        archive.write(batch)
        done += len(part)
        yield done
