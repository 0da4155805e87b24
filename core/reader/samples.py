"""Numbers over time, for plots: from the events themselves where they are few, otherwise from the
rows that the sampler keeps, and the events that it has not reached.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

from core.errors import DerivedDamagedError, QueryError
from core.ordering import Timebase, time_of, unsigned
from core.reader.derived import Followed
from core.reader.fields import numbers_at, series_of_request, source_time
from core.reader.lookup import look_up
from core.reader.places import Place, places_of
from core.reader.summary import buckets_of, first_time
from core.reader.view import View
from core.store.rollup import Buckets, bucket_of, bucket_time
from core.store.samples import (
    FIELDS_MAX,
    Row,
    SampledSeries,
    SampleStore,
    decode_row,
    row_head,
    stored_level,
)
from sdk.timeline import FieldSample, Sample, SampleResponse
from sdk.timestamps import NS_MIN

DIRECT_MAX_EVENTS = 1_500
"""Fewer are read and parsed themselves, in some 50 ms where each lies in a block of its own."""

DIRECT_MOST_EVENTS = 2_500
"""So many are where no row of the sampler is fine enough."""

MUCH_COARSER_LEVELS = 5
TAIL_MAX_EVENTS = 1_500
"""So many events of a series behind the sampler are added; of more none is, and it is said to be
behind: they would only make wait longer for an answer that lacks some all the same."""

PART_EVENTS = 500
PART_ROWS = 500
PART_MAX_BYTES = 4 * 1024 * 1024

log = logging.getLogger(__name__)


class Tally:
    """The fields that are asked for, bucket by bucket."""

    def __init__(self, fields: Sequence[str], chosen: Buckets) -> None:
        self._fields = list(fields)
        self.chosen = chosen
        self._cells: list[dict[int, list[float]]] = [{} for _ in fields]

    def add(self, time_ns: int, stored: bytes) -> None:
        """Take in an event; one that lies outside is passed over."""
        place = (unsigned(time_ns) >> self.chosen.level) - self.chosen.first
        if 0 <= place < self.chosen.total:
            numbers = numbers_at(stored, self._fields)
            for cells, value in zip(self._cells, numbers, strict=True):
                if value is not None:
                    _merge(cells, place, 1, value, value, value)

    def add_row(self, bucket: int, row: Row, paths: dict[int, int]) -> None:
        """Take in a row that lies in a bucket; `paths` are the places of fields by their
        numbers.
        """
        for column, number in enumerate(row.fields):
            if (place := paths.get(number)) is not None:
                _merge(
                    self._cells[place],
                    bucket - self.chosen.first,
                    row.counts[column],
                    row.sums[column],
                    row.least[column],
                    row.greatest[column],
                )

    def answer(self, timebase: Timebase, behind: bool) -> SampleResponse:
        """All buckets of all fields."""
        fields = [
            _field_sample(path, cells, self.chosen.total)
            for path, cells in zip(self._fields, self._cells, strict=True)
        ]
        return SampleResponse(
            start_time=first_time(self.chosen),
            bucket_ns=1 << self.chosen.level,
            timebase=timebase,
            fields=fields,
            behind=behind,
        )


def _merge(
    cells: dict[int, list[float]],
    place: int,
    count: int,
    total: float,
    least: float,
    greatest: float,
) -> None:
    cell = cells.get(place)
    if cell is None:
        cells[place] = [count, total, least, greatest]
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
    for place, (events, total, least, greatest) in cells.items():
        found.count[place] = int(events)
        found.min[place], found.max[place] = least, greatest
        found.mean[place] = total / events
    return found


class Samples:
    """Shared by all sessions of a reader: its view of the sampler's database."""

    def __init__(self, view: View, data: Path, scratch: Path) -> None:
        self._view = view
        self._followed = Followed(SampleStore, data, scratch)
        self._turn = asyncio.Lock()

    def close(self) -> None:
        """Let go of the database."""
        self._followed.close()

    async def answer(self, request: Sample, timebase: Timebase) -> SampleResponse:
        """What the fields of a series were in a span; raises QueryError."""
        request.fields = list(dict.fromkeys(request.fields))
        wanted = buckets_of(request.start_time, request.stop_time, request.buckets, 0)
        self._view.refresh()
        number = self._view.series.number(series_of_request(request))
        if number is None:
            return Tally(request.fields, wanted).answer(timebase, behind=False)
        if (few := self._few(number, timebase, wanted, DIRECT_MAX_EVENTS)) is not None:
            return await self._directly(number, request, timebase, wanted, few)
        async with self._turn:  # What is read of the samples is of one moment.
            try:
                return await self._from_rows(number, request, timebase, wanted)
            except DerivedDamagedError as error:
                self._followed.discard(error)
                return await self._from_rows(number, request, timebase, wanted)

    def _few(
        self, number: int, timebase: Timebase, chosen: Buckets, most: int
    ) -> list[Place] | None:
        """A series' events in these buckets, None if they are too many."""
        low, high = _bounds(chosen)
        rows = places_of(self._view, number, timebase, high, reverse=False, from_ns=low)
        found = list(islice(rows, most + 1))
        return found if len(found) <= most else None

    async def _directly(
        self,
        number: int,
        request: Sample,
        timebase: Timebase,
        chosen: Buckets,
        places: Sequence[Place],
    ) -> SampleResponse:
        tally = Tally(request.fields, chosen)
        await self._add_events(tally, places, lambda place, _: place.time_ns)
        return tally.answer(timebase, behind=False)

    async def _add_events(
        self, tally: Tally, found: Sequence[Place], time_ns: Callable[[Place, bytes], int]
    ) -> None:
        start = 0
        while start < len(found):
            part = found[start : start + PART_EVENTS]
            places = [row.place for row in part]
            stored = look_up(self._view.archive, places, sorted(places), PART_MAX_BYTES)
            for row, envelope in zip(part, stored, strict=False):
                tally.add(time_ns(row, envelope), envelope)
            start += len(stored)
            await asyncio.sleep(0)

    # --- from the sampler's rows ------------------------------------------------------------------

    async def _from_rows(
        self, number: int, request: Sample, timebase: Timebase, wanted: Buckets
    ) -> SampleResponse:
        store, record, cursor_ns = self._sampled(number)
        finest = record.finest.get(timebase)
        if store is None or finest is None:
            return Tally(request.fields, wanted).answer(timebase, behind=True)
        if finest > wanted.level + MUCH_COARSER_LEVELS:
            places = self._few(number, timebase, wanted, DIRECT_MOST_EVENTS)
            if places is not None:
                return await self._directly(number, request, timebase, wanted, places)
        chosen = buckets_of(
            request.start_time, request.stop_time, request.buckets, max(finest, wanted.level)
        )
        tally = Tally(request.fields, chosen)
        await self._add_rows(store, tally, number, timebase, record, request.fields)
        tail = self._tail(number, timebase, chosen, cursor_ns)
        if len(tail) > TAIL_MAX_EVENTS:
            return tally.answer(timebase, behind=True)
        if timebase == "source":
            await self._add_events(tally, tail, lambda _, told: source_time(told))
        else:
            await self._add_events(tally, tail, lambda place, _: place.time_ns)
        return tally.answer(timebase, behind=False)

    def _sampled(self, number: int) -> tuple[SampleStore | None, SampledSeries, int]:
        """What the sampler knows of a series, and up to which canonical time it has come."""
        store = self._followed.current()
        state = None if store is None else store.state()
        if store is None or state is None:
            return None, SampledSeries(), NS_MIN
        return store, store.series(number) or SampledSeries(), state.cursor_ns

    async def _add_rows(
        self,
        store: SampleStore,
        tally: Tally,
        number: int,
        timebase: Timebase,
        record: SampledSeries,
        fields: Sequence[str],
    ) -> None:
        chosen = tally.chosen
        level = stored_level(chosen.level, record.finest[timebase])
        head, steps = row_head(number, timebase, level), chosen.level - level
        paths = _places_by_number(record, fields)
        first, stop = chosen.first << steps, (chosen.first + chosen.total) << steps
        while first < stop:
            rows = store.rows(head, level, first, stop, PART_ROWS)
            for key, value in rows:
                tally.add_row(bucket_of(key, chosen.level), decode_row(value), paths)
            if len(rows) < PART_ROWS:
                return
            first = bucket_of(rows[-1][0], level) + 1
            await asyncio.sleep(0)

    def _tail(
        self, number: int, timebase: Timebase, chosen: Buckets, cursor_ns: int
    ) -> list[Place]:
        """A series' events that are not sampled yet, one more than are wanted."""
        low, high = _bounds(chosen) if timebase == "canonical" else (NS_MIN, self._view.mark)
        low = max(low, cursor_ns + 1)
        rows = places_of(self._view, number, "canonical", high, reverse=False, from_ns=low)
        return list(islice(rows, TAIL_MAX_EVENTS + 1))


def _places_by_number(record: SampledSeries, fields: Sequence[str]) -> dict[int, int]:
    """The places of the asked fields by the numbers that they are sampled under; one that was never
    told has none.
    """
    numbers = {path: number for number, path in enumerate(record.fields)}
    for path in fields:
        if path not in numbers and len(numbers) >= FIELDS_MAX:
            raise QueryError(
                "notSampled",
                f"fields: {path!r} is not among the first {FIELDS_MAX} fields of its series, "
                "which are all that are sampled: ask for a shorter span",
            )
    return {numbers[path]: place for place, path in enumerate(fields) if path in numbers}


def _bounds(chosen: Buckets) -> tuple[int, int]:
    """The first and the last time in these buckets, in ns."""
    low = time_of(bucket_time(chosen.first, chosen.level))
    return low, low + (chosen.total << chosen.level) - 1
