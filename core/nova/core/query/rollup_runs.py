"""Runs of the events of whole scopes, newest first, by the counts of buckets that are at most half
as long as the gap. Only where the events of two buckets may be a gap apart or not, and at the ends
of runs, events are read.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence

from nova.core.ordering import Timebase, time_of, unsigned_time
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_filter import EventFilter
from nova.core.query.extent import first_hit
from nova.core.query.range_cursor import RangeCursor, Span
from nova.core.query.recording_runs import Finding, FoundRun, Position, Run
from nova.core.store.rollup import (
    COUNT_BYTES,
    LANE_UNITS,
    LEVELS,
    ROW_STEP,
    SLOTS,
    bucket_of,
    bucket_time,
    decode_row,
    lane_counts,
    row_head,
    rows_between,
    slots_of,
)
from nova.sdk.address import LANES
from nova.sdk.timestamps import NS_MAX

ROWS_PER_SLICE = 2_000
"""Take a few milliseconds; then others are served."""

SCOPE_MIN_ROWS = 16
ROWS_PER_LOOK_UP = 100
"""An event that is looked up takes as long as a hundred rows."""

BUCKETS_PER_GAP = 2
_COUNT = (1 << COUNT_BYTES * 8) - 1

Bucket = tuple[int, int]
"""The number of a bucket, and its counts in slot 0."""


class RollupRuns:
    """The runs of the events of some lanes of some scopes together."""

    def __init__(
        self,
        snapshot: ArchiveSnapshot,
        event_filter: EventFilter,
        bounds: tuple[Sequence[str], frozenset[str]],
        timebase: Timebase,
        gap_ns: int,
        rows_max: int,
    ) -> None:
        """`bounds`: the scopes and lanes that `event_filter` selects."""
        self._snapshot = snapshot
        self._event_filter = event_filter
        self._timebase: Timebase = timebase
        self._gap_ns = gap_ns
        self._rows_max = rows_max
        self._level = max(one for one in LEVELS if BUCKETS_PER_GAP << one <= gap_ns)
        scopes, lanes = bounds
        self._heads = [row_head(timebase, self._level, scope) for scope in scopes]
        units = zip(LANES, LANE_UNITS, strict=True)
        self._wanted = sum(_COUNT * unit for lane, unit in units if lane in lanes)
        self._rows = 0

    async def runs(self, position: Position | None) -> AsyncIterator[Finding]:
        """The runs behind a position, or all."""
        top, begun = unsigned_time(NS_MAX) >> self._level, None
        looked: int | None = None
        if position is not None:
            top = (unsigned_time(position.before_ns) - 1) >> self._level
            begun = position.opened and self._resumed(position.opened)
        async for buckets, reached in self._slices(top):
            for bucket, counts in buckets:
                if looked is not None and self._rows >= self._rows_max:
                    yield await self._position(looked, begun)
                    return
                looked = bucket
                if begun is not None and await self._joins(begun, bucket):
                    begun.add(bucket, counts)
                    continue
                stop_ns = await self._event_time(bucket, bucket, reverse=True)
                if stop_ns is None:  # Counted, and not announced as durable yet.
                    continue
                if begun is not None:
                    yield FoundRun(await self._finished(begun), Position(self._time(begun.first)))
                begun = _BegunRun(bucket, stop_ns, counts)
            if reached and self._rows >= self._rows_max:
                yield await self._position(reached, begun)
                return
        if begun is not None:
            yield FoundRun(await self._finished(begun), None)

    async def _position(self, bucket: int, begun: _BegunRun | None) -> Position:
        """Where the search continues before a bucket."""
        opened = None if begun is None else await self._finished(begun)
        return Position(self._time(bucket), opened)

    def _resumed(self, opened: Run) -> _BegunRun:
        bucket = unsigned_time(opened.start_ns) >> self._level
        return _BegunRun(bucket, opened.stop_ns, 0, opened.events or 0)

    async def _joins(self, begun: _BegunRun, bucket: int) -> bool:
        """Whether the events of an earlier bucket belong to a run."""
        apart = begun.first - bucket
        if (apart + 1) << self._level <= self._gap_ns:
            return True
        if (apart - 1) << self._level >= self._gap_ns:
            return False
        later = await self._event_time(begun.first, begun.first, reverse=False)
        earlier = await self._event_time(bucket, bucket, reverse=True)
        return later is not None and earlier is not None and later - earlier <= self._gap_ns

    async def _finished(self, begun: _BegunRun) -> Run:
        last = unsigned_time(begun.stop_ns) >> self._level
        start_ns = await self._event_time(begun.first, last, reverse=False)
        start_ns = begun.stop_ns if start_ns is None else start_ns
        events = sum(lane_counts(begun.counts)) + begun.more
        return Run(start_ns, begun.stop_ns, events)

    async def _event_time(self, first: int, last: int, *, reverse: bool) -> int | None:
        """The time in ns of the first or the last event of neighbouring buckets."""
        self._rows += ROWS_PER_LOOK_UP
        stop_ns = self._time(last) + (1 << self._level) - 1
        span = Span(self._timebase, self._time(first), min(stop_ns, NS_MAX), reverse)
        hit = await first_hit(RangeCursor(self._snapshot, self._event_filter, span))
        return None if hit is None else time_of(hit[0])

    def _time(self, bucket: int) -> int:
        return time_of(bucket_time(bucket, self._level))

    async def _slices(self, top: int) -> AsyncIterator[tuple[list[Bucket], int]]:
        """The buckets with wanted events, from `top` back, slice by slice, each with the bucket
        that it reached (0: the first one).
        """
        stop = (top >> ROW_STEP) + 1
        each = max(ROWS_PER_SLICE // (len(self._heads) or 1), SCOPE_MIN_ROWS)
        while stop > 0:
            rows: dict[int, int] = {}
            reached = 0
            for head in self._heads:
                found = rows_between(
                    self._snapshot.archive, head, self._level, 0, stop, each, reverse=True
                )
                self._rows += len(found)
                numbers = [bucket_of(key, self._level + ROW_STEP) for key, _ in found]
                if len(found) == each:
                    reached = max(reached, numbers[-1])
                for number, (_, value) in zip(numbers, found, strict=True):
                    rows[number] = rows.get(number, 0) + decode_row(value)
            kept = sorted((number for number in rows if number >= reached), reverse=True)
            buckets = [one for number in kept for one in self._buckets(number, rows[number], top)]
            yield buckets, reached * SLOTS
            await asyncio.sleep(0)
            stop = reached

    def _buckets(self, number: int, row: int, top: int) -> Iterator[Bucket]:
        """The buckets of a row with wanted events, the last one first."""
        for slot, counts in reversed(list(slots_of(row))):
            bucket, wanted = number * SLOTS + slot, counts & self._wanted
            if wanted and bucket <= top:
                yield bucket, wanted


class _BegunRun:
    """A run whose first event is in the bucket `first`, as far as is known."""

    __slots__ = ("counts", "first", "more", "stop_ns")

    def __init__(self, first: int, stop_ns: int, counts: int, more: int = 0) -> None:
        self.first = first
        self.stop_ns = stop_ns
        self.counts = counts
        self.more = more

    def add(self, bucket: int, counts: int) -> None:
        self.first = bucket
        self.counts += counts
