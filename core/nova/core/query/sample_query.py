"""Sample queries for plots: computed from the events if they are few, otherwise from the sampler's
rows plus the events after its cursor.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from nova.core.errors import DerivedDamagedError, RequestError
from nova.core.ordering import Timebase, time_of, unsigned_time
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.derived_reader import DerivedReader
from nova.core.query.event_key import EventKey, event_keys
from nova.core.query.fields import numbers_at, source_time, visible_number
from nova.core.query.lookup import look_up
from nova.core.query.summary import choose_buckets, first_time
from nova.core.query.visibility import EVERYTHING, Visibility
from nova.core.store.rollup import Buckets, bucket_of, bucket_time
from nova.core.store.sample_store import (
    FIELDS_MAX,
    SampledSeries,
    SampleRow,
    SampleStore,
    decode_row,
    row_head,
    stored_level,
)
from nova.sdk.protocol.timeline import FieldSample, Sample, SampleResponse
from nova.sdk.timestamps import NS_MIN

MUCH_COARSER_LEVELS = 5
PART_MAX_BYTES = 4 * 1024 * 1024

log = logging.getLogger(__name__)


class SampleLimits(NamedTuple):
    """How many events an answer reads itself, and what is read before sockets are served."""

    direct_max_events: int = 1_500
    """Up to this many events are read directly, in some 50 ms if each is in a block of its own."""

    direct_coarse_max_events: int = 2_500
    """The same limit if the sampler's finest rows are much coarser than requested."""

    tail_max_events: int = 1_500
    """Most unsampled tail events merged into an answer. Beyond that none are merged and the reply
    is flagged `behind`: merging a part would take time and still be incomplete.
    """

    part_max_events: int = 500
    part_max_rows: int = 500
    fields_max: int = FIELDS_MAX
    """Sampled fields per series."""


SAMPLE_LIMITS = SampleLimits()


class SampleAccumulator:
    """Accumulates count, sum, minimum and maximum of the requested fields per bucket."""

    def __init__(self, fields: Sequence[str], chosen: Buckets) -> None:
        self._fields = list(fields)
        self.chosen = chosen
        self._cells: list[dict[int, list[float]]] = [{} for _ in fields]

    def add(self, time_ns: int, stored: bytes) -> None:
        """Add an event; events outside of the buckets are ignored."""
        index = (unsigned_time(time_ns) >> self.chosen.level) - self.chosen.first
        if 0 <= index < self.chosen.total:
            numbers = numbers_at(stored, self._fields)
            for cells, value in zip(self._cells, numbers, strict=True):
                if value is not None:
                    _merge(cells, index, 1, value, value, value)

    def add_row(self, bucket: int, row: SampleRow, paths: dict[int, int]) -> None:
        """Add a sampler row that is within a bucket; `paths` maps field numbers to indexes of the
        requested fields.
        """
        for column, number in enumerate(row.fields):
            if (index := paths.get(number)) is not None:
                _merge(
                    self._cells[index],
                    bucket - self.chosen.first,
                    row.counts[column],
                    row.sums[column],
                    row.least[column],
                    row.greatest[column],
                )

    def response(self, timebase: Timebase, is_behind: bool) -> SampleResponse:
        """The response with all buckets of all fields."""
        fields = [
            _field_sample(path, cells, self.chosen.total)
            for path, cells in zip(self._fields, self._cells, strict=True)
        ]
        return SampleResponse(
            start_time=first_time(self.chosen),
            bucket_ns=1 << self.chosen.level,
            timebase=timebase,
            fields=fields,
            behind=is_behind,
        )


def _merge(
    cells: dict[int, list[float]],
    index: int,
    count: int,
    total: float,
    least: float,
    greatest: float,
) -> None:
    cell = cells.get(index)
    if cell is None:
        cells[index] = [count, total, least, greatest]
    else:
        cell[0] += count
        cell[1] += total
        cell[2] = min(cell[2], least)
        cell[3] = max(cell[3], greatest)


def _field_sample(path: str, cells: dict[int, list[float]], count: int) -> FieldSample:
    found = FieldSample(
        field=path,
        count=[0] * count,
        min=[None] * count,
        max=[None] * count,
        mean=[None] * count,
    )
    for index, (events, total, least, greatest) in cells.items():
        found.count[index] = int(events)
        found.min[index], found.max[index] = least, greatest
        found.mean[index] = total / events
    return found


class SampleQueries:
    """Answers Sample requests from the sampler's database; shared by all sessions of a reader."""

    def __init__(
        self,
        snapshot: ArchiveSnapshot,
        data: Path,
        scratch: Path,
        limits: SampleLimits = SAMPLE_LIMITS,
    ) -> None:
        self._snapshot = snapshot
        self._limits = limits
        self._derived = DerivedReader(SampleStore, data, scratch)
        self._lock = asyncio.Lock()

    def close(self) -> None:
        self._derived.close()

    async def respond(
        self, request: Sample, timebase: Timebase, visibility: Visibility = EVERYTHING
    ) -> SampleResponse:
        """Aggregates per bucket of a series' fields; raises RequestError."""
        request.fields = list(dict.fromkeys(request.fields))
        wanted = choose_buckets(request.start_time, request.stop_time, request.buckets, 0)
        self._snapshot.refresh()
        number = visible_number(self._snapshot, request, visibility)
        if number is None:
            return SampleAccumulator(request.fields, wanted).response(timebase, is_behind=False)
        few = self._keys_if_few(number, timebase, wanted, self._limits.direct_max_events)
        if few is not None:
            return await self._from_events(number, request, timebase, wanted, few)
        async with self._lock:  # One request at a time sees the database at one cursor.
            try:
                return await self._from_rows(number, request, timebase, wanted)
            except DerivedDamagedError as error:
                self._derived.discard(error)
                return await self._from_rows(number, request, timebase, wanted)

    def _keys_if_few(
        self, number: int, timebase: Timebase, chosen: Buckets, max_events: int
    ) -> list[EventKey] | None:
        """The keys of a series' events in these buckets; None if they are too many."""
        low, high = _bounds(chosen)
        rows = event_keys(self._snapshot, number, timebase, high, reverse=False, from_ns=low)
        found = list(islice(rows, max_events + 1))
        return found if len(found) <= max_events else None

    async def _from_events(
        self,
        number: int,
        request: Sample,
        timebase: Timebase,
        chosen: Buckets,
        event_keys: Sequence[EventKey],
    ) -> SampleResponse:
        accumulator = SampleAccumulator(request.fields, chosen)
        await self._add_events(accumulator, event_keys, lambda event, _: event.time_ns)
        return accumulator.response(timebase, is_behind=False)

    async def _add_events(
        self,
        accumulator: SampleAccumulator,
        event_keys: Sequence[EventKey],
        time_ns: Callable[[EventKey, bytes], int],
    ) -> None:
        start = 0
        while start < len(event_keys):
            part = event_keys[start : start + self._limits.part_max_events]
            keys = [row.canonical_key for row in part]
            stored = look_up(self._snapshot.archive, keys, sorted(keys), PART_MAX_BYTES)
            for row, envelope in zip(part, stored, strict=False):
                accumulator.add(time_ns(row, envelope), envelope)
            start += len(stored)
            await asyncio.sleep(0)

    # --- from the sampler's rows ------------------------------------------------------------------

    async def _from_rows(
        self, number: int, request: Sample, timebase: Timebase, wanted: Buckets
    ) -> SampleResponse:
        store, record, cursor_ns = self._sampled_series(number)
        finest = record.finest.get(timebase)
        if store is None or finest is None:
            return SampleAccumulator(request.fields, wanted).response(timebase, is_behind=True)
        if finest > wanted.level + MUCH_COARSER_LEVELS:
            most = self._limits.direct_coarse_max_events
            few = self._keys_if_few(number, timebase, wanted, most)
            if few is not None:
                return await self._from_events(number, request, timebase, wanted, few)
        chosen = choose_buckets(
            request.start_time, request.stop_time, request.buckets, max(finest, wanted.level)
        )
        accumulator = SampleAccumulator(request.fields, chosen)
        await self._add_rows(store, accumulator, number, timebase, record, request.fields)
        tail = self._unsampled_keys(number, timebase, chosen, cursor_ns)
        if len(tail) > self._limits.tail_max_events:
            return accumulator.response(timebase, is_behind=True)
        if timebase == "source":
            await self._add_events(accumulator, tail, lambda _, stored: source_time(stored))
        else:
            await self._add_events(accumulator, tail, lambda event, _: event.time_ns)
        return accumulator.response(timebase, is_behind=False)

    def _sampled_series(self, number: int) -> tuple[SampleStore | None, SampledSeries, int]:
        """The database, the series' record in it, and the sampler's canonical cursor in ns."""
        store = self._derived.current()
        state = None if store is None else store.state()
        if store is None or state is None:
            return None, SampledSeries(), NS_MIN
        if state.given_back != self._snapshot.archive.given_back.finished:
            # Its rows may still hold values of deleted events.
            return None, SampledSeries(), NS_MIN
        return store, store.series(number) or SampledSeries(), state.cursor_ns

    async def _add_rows(
        self,
        store: SampleStore,
        accumulator: SampleAccumulator,
        number: int,
        timebase: Timebase,
        record: SampledSeries,
        fields: Sequence[str],
    ) -> None:
        chosen = accumulator.chosen
        level = stored_level(chosen.level, record.finest[timebase])
        most = self._limits.part_max_rows
        head, steps = row_head(number, timebase, level), chosen.level - level
        paths = _index_by_field_number(record, fields, self._limits.fields_max)
        first, stop = chosen.first << steps, (chosen.first + chosen.total) << steps
        while first < stop:
            rows = store.rows(head, level, first, stop, most)
            for key, value in rows:
                accumulator.add_row(bucket_of(key, chosen.level), decode_row(value), paths)
            if len(rows) < most:
                return
            first = bucket_of(rows[-1][0], level) + 1
            await asyncio.sleep(0)

    def _unsampled_keys(
        self, number: int, timebase: Timebase, chosen: Buckets, cursor_ns: int
    ) -> list[EventKey]:
        """The keys of a series' events after the cursor, one more than may be merged at most."""
        low, high = (
            _bounds(chosen) if timebase == "canonical" else (NS_MIN, self._snapshot.watermark)
        )
        low = max(low, cursor_ns + 1)
        rows = event_keys(self._snapshot, number, "canonical", high, reverse=False, from_ns=low)
        return list(islice(rows, self._limits.tail_max_events + 1))


def _index_by_field_number(
    record: SampledSeries, fields: Sequence[str], fields_max: int
) -> dict[int, int]:
    """The index of each requested field by its field number; a field without samples is omitted."""
    numbers = {path: number for number, path in enumerate(record.fields)}
    for path in fields:
        if path not in numbers and len(numbers) >= fields_max:
            raise RequestError(
                "notSampled",
                f"fields: {path!r} is not sampled: only the first {fields_max} fields of a series "
                "are. Request a shorter span",
            )
    return {numbers[path]: index for index, path in enumerate(fields) if path in numbers}


def _bounds(chosen: Buckets) -> tuple[int, int]:
    """The first and the last time in these buckets, in ns."""
    low = time_of(bucket_time(chosen.first, chosen.level))
    return low, low + (chosen.total << chosen.level) - 1
