"""Finds the counts of the rollups that are not those of the events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nova.core.ordering import LANE_OFFSET, TIMEBASES, Timebase, time_of
from nova.core.proof.finding import Finding
from nova.core.proof.row_search import FIRST, LAST
from nova.core.store.archive import Archive
from nova.core.store.rollup import (
    COARSEST_LEVEL,
    FINEST_LEVEL,
    LANE_UNITS,
    LEVEL_STEP,
    coarsen,
    rollup_scope,
    stored_buckets,
)
from nova.core.store.row_reader import RowReader
from nova.sdk import timestamps
from nova.sdk.address import LANE_PRIORITY
from nova.sdk.events.event import Series
from nova.sdk.timestamps import NS_MIN

BucketName = tuple[int, str, int]
"""Level, scope and number of a bucket."""


class RollupSearch:
    """Counts all events again, one timebase after the other, and compares bucket by bucket."""

    def __init__(self, archive: Archive, names: Sequence[Series]) -> None:
        self._archive = archive
        self._rows = RowReader(archive)
        self._scopes = [rollup_scope(series) for series in names]
        self._lanes = [LANE_PRIORITY[series.lane] for series in names]

    def findings(self) -> list[Finding]:
        """The first bucket of each timebase that differs."""
        return [found for timebase in TIMEBASES if (found := self._first(timebase)) is not None]

    def _first(self, timebase: Timebase) -> Finding | None:
        expected = self._expected(timebase)
        for base, level, scope_id, buckets in stored_buckets(self._archive):
            if base == timebase:
                for bucket, counts in buckets.items():
                    name = level, scope_id, bucket
                    expected[name] = expected.get(name, 0) - counts
        wrong = [name for name, counts in expected.items() if counts]
        if not wrong:
            return None
        level, scope_id, bucket = min(wrong, key=lambda name: (name[0], name[2]))
        start_ns = (bucket << level) + NS_MIN
        missing = expected[level, scope_id, bucket] > 0
        return Finding(
            kind="missing" if missing else "added",
            place=f"rollups in {timebase} time of scope {scope_id}, level {level}",
            reason=f"{'fewer' if missing else 'more'} events are counted than are there",
            time=timestamps.text(start_ns),
        )

    def _expected(self, timebase: Timebase) -> dict[BucketName, int]:
        finest: dict[str, dict[int, int]] = {}
        for time_ns, number in self._events(timebase):
            buckets = finest.setdefault(self._scopes[number], {})
            bucket = (time_ns - NS_MIN) >> FINEST_LEVEL
            buckets[bucket] = buckets.get(bucket, 0) + LANE_UNITS[self._lanes[number]]
        expected = {}
        for scope_id, buckets in finest.items():
            for level in range(FINEST_LEVEL, COARSEST_LEVEL + 1, LEVEL_STEP):
                expected.update({(level, scope_id, n): count for n, count in buckets.items()})
                buckets = coarsen(buckets)
        return expected

    def _events(self, timebase: Timebase) -> Iterator[tuple[int, int]]:
        """Time in ns and series of every event whose series is known."""
        for block in self._rows.blocks(timebase, FIRST, LAST):
            for key, value in block:
                tail = key[8:] if timebase == "canonical" else value[8:]
                number = int.from_bytes(tail, "big")
                if len(key) > LANE_OFFSET and number < len(self._scopes):
                    yield time_of(key), number
