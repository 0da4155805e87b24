"""Runs of events without a silence longer than a gap, newest first, found by seeks in the indexes
of series: however many events a run has, about four seeks for each gap that it lasts.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from nova.core.ordering import Timebase, time_key
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.store.series_reader import SeriesSeeker
from nova.sdk.timestamps import NS_MAX, NS_MIN

SEEKS_PER_SLICE = 500
"""Take a few milliseconds; then others are served."""


class Run(NamedTuple):
    """The first and the last time of a run, and the number of its events (None: not counted)."""

    start_ns: int
    stop_ns: int
    events: int | None = None


class Position(NamedTuple):
    """Where a search continues: with events before a time, and the run that may begin earlier."""

    before_ns: int
    opened: Run | None = None


class FoundRun(NamedTuple):
    """A run, and where the search continues behind it (None: there is nothing before it)."""

    run: Run
    rest: Position | None


Finding = FoundRun | Position
"""A run; or, at last, the position at which enough was read."""


class SeriesTimes:
    """The times of durable events of series, by seeks in their index as it is now."""

    def __init__(self, snapshot: ArchiveSnapshot, timebase: Timebase) -> None:
        self._seeker: SeriesSeeker = snapshot.archive.series.seeker(timebase)
        self._durable = time_key(snapshot.watermark) if timebase == "source" else None
        self._until_ns = NS_MAX if timebase == "source" else snapshot.watermark
        self.seeks = 0

    def first(self, number: int, from_ns: int, until_ns: int) -> int | None:
        """The time of the first event of a series in a range."""
        return self._time(number, from_ns, until_ns, reverse=False)

    def last(self, number: int, until_ns: int) -> int | None:
        """The time of the last event of a series up to a time."""
        return self._time(number, NS_MIN, until_ns, reverse=True)

    def _time(self, number: int, from_ns: int, until_ns: int, *, reverse: bool) -> int | None:
        self.seeks += 1
        until_ns = min(until_ns, self._until_ns)
        if until_ns < from_ns:
            return None
        if self._durable is not None:
            return self._seeker.received_time(
                number, from_ns, until_ns, self._durable, reverse=reverse
            )
        if reverse:
            return self._seeker.last_time(number, from_ns, until_ns)
        return self._seeker.first_time(number, from_ns, until_ns)


class SeriesRuns:
    """The runs of some series together."""

    def __init__(
        self,
        snapshot: ArchiveSnapshot,
        numbers: Sequence[int],
        timebase: Timebase,
        gap_ns: int,
        seeks_max: int,
    ) -> None:
        self._snapshot = snapshot
        self._numbers = numbers
        self._timebase: Timebase = timebase
        self._gap_ns = gap_ns
        self._seeks_max = seeks_max
        self._times = SeriesTimes(snapshot, timebase)
        self._heads: list[tuple[int, int]] = []
        """The last time of each series up to where the walk is, negative, and its number."""

    async def runs(self, position: Position | None) -> AsyncIterator[Finding]:
        """The runs behind a position, or all."""
        until_ns, run = NS_MAX, None
        if position is not None:
            until_ns, run = position.before_ns - 1, position.opened
        await self._open_series(until_ns)
        seeks = 0
        while (found := self._last(until_ns)) is not None:
            time_ns, number = found
            if run is not None and run.start_ns - time_ns > self._gap_ns:
                yield FoundRun(run, Position(run.start_ns))
                run = None
            # All events in between are as near to each other: none of them has to be looked at.
            earliest_ns = max((time_ns if run is None else run.start_ns) - self._gap_ns, NS_MIN)
            first_ns = self._times.first(number, earliest_ns, time_ns)
            start_ns = time_ns if first_ns is None else first_ns
            run = Run(start_ns, time_ns) if run is None else run._replace(start_ns=start_ns)
            if start_ns == NS_MIN:
                break
            until_ns = start_ns - 1
            seeks += await self._rest()
            if seeks >= self._seeks_max:
                yield Position(start_ns, run)
                return
        if run is not None:
            yield FoundRun(run, None)

    async def _open_series(self, until_ns: int) -> None:
        for number in self._numbers:
            if (last_ns := self._times.last(number, until_ns)) is not None:
                self._heads.append((-last_ns, number))
            await self._rest()
        heapify(self._heads)

    async def _rest(self) -> int:
        """Let others run after a slice; returns the seeks of it."""
        if self._times.seeks < SEEKS_PER_SLICE:
            return 0
        seeks = self._times.seeks
        await asyncio.sleep(0)
        self._times = SeriesTimes(self._snapshot, self._timebase)
        return seeks

    def _last(self, until_ns: int) -> tuple[int, int] | None:
        """The last time up to `until_ns`, which never grows, and its series."""
        heads = self._heads
        while heads and -heads[0][0] > until_ns:
            _, number = heappop(heads)
            if (last_ns := self._times.last(number, until_ns)) is not None:
                heappush(heads, (-last_ns, number))
        return (-heads[0][0], heads[0][1]) if heads else None
