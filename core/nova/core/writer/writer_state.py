"""The writer's state: what it keeps in memory of the archive and the open commit together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from nova.core.ordering import time_of
from nova.core.store.archive import Archive
from nova.core.store.catalog import Counters
from nova.core.store.durability_marker import DurabilityMarker, read_marker, require_durable
from nova.core.store.series_table import SeriesTable
from nova.core.writer.canonical_clock import CanonicalClock
from nova.core.writer.rollup_backfill import backfill


class WriterState(NamedTuple):
    """The series, the counters, the positions of each link, and the last canonical time."""

    series: SeriesTable
    counters: Counters
    positions: dict[str, dict[str, int]]
    clock: CanonicalClock

    def marker(self, sequence: int) -> DurabilityMarker:
        """The marker of an archive at this state, which is the archive's only while no commit is
        open.
        """
        return DurabilityMarker(
            sequence=sequence,
            canonical_ns=self.clock.last_ns,
            events=self.counters.events,
            positions={link: dict(streams) for link, streams in self.positions.items()},
        )


def recover(archive: Archive, data: Path, wall_clock: Callable[[], int]) -> WriterState:
    """Read the state of an archive; raises ArchiveDamagedError if the archive holds less than its
    durability marker records.
    """
    archive.record.check_schema()
    series = SeriesTable()
    series.load(archive)
    counters = archive.record.counters()
    state = WriterState(series, counters, {}, CanonicalClock(_last_ns(archive), wall_clock))
    require_durable(read_marker(data), state.marker(archive.sequence()), archive.path)
    for _ in backfill(archive, series, counters.held):
        pass
    for link in counters.links:
        state.positions[link] = archive.record.positions(link)
    return state


def _last_ns(archive: Archive) -> int:
    """The last canonical time that was assigned; an older archive has only that of its events."""
    newest = archive.events.last("canonical")
    return max(archive.record.last_canonical_ns(), time_of(newest[0]) if newest else 0)
