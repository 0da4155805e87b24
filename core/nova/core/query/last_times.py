"""The times of the last events of many series at or before a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from nova.core.ordering import Timebase, time_key, time_of
from nova.core.query.archive_snapshot import ArchiveSnapshot


class LastTimesCosts(NamedTuple):
    """How many rows of the timeline are read together, and how many seeks are made together; and
    how many rows are read for less than a seek takes.
    """

    block_rows: int = 1_024
    seeks: int = 256
    rows_per_seek: int = 6


LAST_TIMES_COSTS = LastTimesCosts()


class LastTimes:
    """Finds last times as of the snapshot's watermark at its start: those of the newest events by a
    scan of the timeline, for as long as that costs less than a seek for each series.
    """

    def __init__(
        self,
        snapshot: ArchiveSnapshot,
        timebase: Timebase,
        time_ns: int,
        known: dict[bytes, int | None],
        costs: LastTimesCosts = LAST_TIMES_COSTS,
    ) -> None:
        """`known`: last times that are known, to which those that are read ahead are added."""
        self._events = snapshot.archive.events
        self._timebase: Timebase = timebase
        self._time_ns = min(time_ns, snapshot.watermark) if timebase == "canonical" else time_ns
        self._received_by = time_key(snapshot.watermark)
        # Only index rows in source time have a receive time.
        durable = self._received_by if timebase == "source" else None
        self._seek = snapshot.archive.series.seeker(timebase).last_times(self._time_ns, durable)
        self._costs = costs
        self._known = known

    def find(self, series: bytes) -> int | None:
        """The time in ns of the last event of a series, given by its bytes; None without an event,
        and if the last one was received after the watermark.
        """
        if series in self._known:
            return self._known[series]
        return self._seek(series)

    def read_ahead(self, wanted: set[bytes]) -> Iterator[None]:
        """Read the last times of series in steps of a millisecond or less."""
        left = wanted - self._known.keys()
        for _ in self._scan(left):
            yield
        # In the order of the index, neighbours are in the same blocks.
        for count, series in enumerate(sorted(left), 1):
            self._known[series] = self._seek(series)
            if count % self._costs.seeks == 0:
                yield

    def _scan(self, left: set[bytes]) -> Iterator[None]:
        """Remove the series from `left` that are found."""
        rows = self._costs.block_rows
        if len(left) * self._costs.rows_per_seek < rows:
            return
        blocks = self._events.last_times(self._timebase, self._time_ns, self._received_by, rows)
        for times in blocks:
            found = times.keys() & left
            for series in found:
                self._known[series] = time_of(times[series])
            left -= found
            yield
            if len(found) * self._costs.rows_per_seek < rows:
                return
