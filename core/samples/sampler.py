"""Sampling: every number that an event tells goes into the rows of its series.

Events are taken by the chunk: each is decoded once, the finest rows of a series are made of its
events, wider ones of those, and each row is read and written once a chunk. What was written holds
exactly the events up to its cursor, for both are written together; so a sampler that was killed
goes on as if it had not been. A series begins to be sampled at its STARTED_EVENTS-th event, when
its rate is known; before, reading its events is as fast.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from core.ordering import TIMEBASES, Timebase, series_of, time_of, unsigned
from core.reader.fields import Measured, measured
from core.reader.lookup import look_up
from core.reader.places import places_of
from core.reader.reading import SLICE_MAX_BYTES, SLICE_MAX_ROWS, Reading, Span
from core.reader.selection import Selection
from core.reader.view import View
from core.samples.fold import Rows, joined, merged, rows_of, wider
from core.store.rollup import COARSEST_LEVEL, bucket_time
from core.store.samples import (
    FIELDS_MAX,
    LEAST_LEVEL,
    Row,
    SampledSeries,
    SampleStore,
    decode_row,
    encode_row,
    encode_series,
    levels_from,
    row_head,
    series_record_key,
)
from core.store.scan import Row as StoredRow
from sdk.protocol import Filters

STARTED_EVENTS = 1_000
BUCKET_EVENTS = 4
"""A bucket of a series' finest level holds at least about so many events."""

WRITTEN_TOGETHER_EVENTS = 100_000
WRITTEN_TOGETHER_VALUES = 600_000
"""Some 30 bytes each in memory, and with the rows made of them some 200 MiB at the very most."""

REMEMBERED_MAX_SERIES = 20_000
SHAPES_MAX = 64
UNSAMPLED = -1
"""Instead of the number of a field beyond those that are sampled."""


Fields = tuple[int, ...]
Values = Sequence[float]


@dataclass(slots=True)
class _Told:
    """Events of a chunk that told the same fields of a series: their times in ns, and the values of
    each.
    """

    source: list[int] = field(default_factory=list)
    canonical: list[int] = field(default_factory=list)
    values: list[Values] = field(default_factory=list)

    def times(self, timebase: Timebase) -> list[int]:
        """Their times in a timebase."""
        return self.source if timebase == "source" else self.canonical

    def rows(self, fields: Fields, timebase: Timebase, level: int) -> Rows:
        """Them in the rows of a level."""
        first = unsigned(0)
        buckets = [time + first >> level for time in self.times(timebase)]
        return rows_of(fields, buckets, self.values)


@dataclass(slots=True)
class _Series:
    """A series as it is stored, the numbers of the fields of which its events consisted, and what
    its events of the open chunk told.
    """

    record: SampledSeries
    numbers: dict[str, int]
    shapes: dict[tuple[str, ...], Fields] = field(default_factory=dict)
    told: dict[Fields, _Told] = field(default_factory=dict)

    def add(self, canonical_ns: int, one: Measured) -> int:
        """Take an event into the open chunk; returns how many values that is."""
        fields, values = self._fields(one.values)
        if not fields:
            return 0
        told = self.told.get(fields)
        if told is None:
            told = self.told[fields] = _Told()
        told.source.append(one.source_ns)
        told.canonical.append(canonical_ns)
        told.values.append(values)
        return len(fields)

    def _fields(self, told: dict[str, float]) -> tuple[Fields, Values]:
        """The numbers of the fields of an event, and their values."""
        paths = tuple(told)
        fields = self.shapes.get(paths)
        if fields is None:
            fields = tuple(map(self._number, paths))
            if len(self.shapes) < SHAPES_MAX:
                self.shapes[paths] = fields
        values = tuple(told.values())
        if UNSAMPLED not in fields:
            return fields, values
        known = [place for place, number in enumerate(fields) if number != UNSAMPLED]
        return tuple(fields[place] for place in known), [values[place] for place in known]

    def _number(self, path: str) -> int:
        number = self.numbers.get(path)
        if number is not None:
            return number
        if len(self.numbers) >= FIELDS_MAX:
            return UNSAMPLED
        number = self.numbers[path] = len(self.numbers)
        self.record.fields.append(path)
        return number


class Sampler:
    """Follows an archive's canonical timeline and keeps its samples."""

    def __init__(self, view: View, store: SampleStore) -> None:
        self._view = view
        self._store = store
        self._selection = Selection(Filters(lanes=["ui", "parsed"]), view.series)
        self._series: dict[int, _Series] = {}
        self._changed: dict[int, _Series] = {}
        self._values = 0
        self._state = self._store.resumed(self._view.archive)
        self._newest = self._state.newest

    @property
    def cursor_ns(self) -> int:
        """Canonical time up to which everything is sampled."""
        return self._state.cursor_ns

    def sample(self, mark: int) -> Generator[int, None, None]:
        """Sample up to a durable mark; after each write it yields how many events were read, and
        now and then 0 in between.
        """
        self._view.advance(mark)
        if mark <= self.cursor_ns:
            return
        self._view.refresh()
        if not self._state.origin:
            self._state = self._store.resumed(self._view.archive)
            self._newest = self._state.newest
        span = Span("canonical", self.cursor_ns + 1, mark)
        reading = Reading(self._view, self._selection, span)
        try:
            while not reading.done:
                events = yield from self._take_chunk(reading)
                done_ns = mark if reading.done or reading.after is None else time_of(reading.after)
                self._write(done_ns)
                yield events
        finally:
            if self._changed:  # It was left within a chunk, which is read again the next time.
                self._series, self._changed, self._values = {}, {}, 0

    def _take_chunk(self, reading: Reading) -> Generator[int, None, int]:
        """Read what is written together; returns how many events that is."""
        events = 0
        while True:
            found = reading.slice(min(WRITTEN_TOGETHER_EVENTS - events, SLICE_MAX_ROWS))
            for place, stored in found:
                self._take(place, stored)
            events += len(found)
            if found:
                self._newest = found[-1][0]
            is_full = events >= WRITTEN_TOGETHER_EVENTS or self._values >= WRITTEN_TOGETHER_VALUES
            if is_full or reading.done:
                return events
            yield 0

    def _take(self, place: bytes, stored: bytes) -> None:
        number = series_of(place)
        series = self._series_of(number)
        series.record.events += 1
        self._changed[number] = series
        if series.record.finest:
            self._values += series.add(time_of(place), measured(stored))
        elif series.record.events >= STARTED_EVENTS:
            self._begin(number, series, time_of(place))

    def _series_of(self, number: int) -> _Series:
        series = self._series.get(number)
        if series is None:
            record = self._store.series(number) or SampledSeries()
            names = {path: place for place, path in enumerate(record.fields)}
            series = self._series[number] = _Series(record, names)
        return series

    def _begin(self, number: int, series: _Series, until_ns: int) -> None:
        """Choose the levels of a series by what it has told so far, and take that in."""
        times: dict[Timebase, list[int]] = {timebase: [] for timebase in TIMEBASES}
        for canonical_ns, one in self._before(number, until_ns):
            times["source"].append(one.source_ns)
            times["canonical"].append(canonical_ns)
            self._values += series.add(canonical_ns, one)
        for timebase in TIMEBASES:
            series.record.finest[timebase] = finest_level(times[timebase])
            series.record.newest[timebase] = 0

    def _before(self, number: int, until_ns: int) -> Iterator[tuple[int, Measured]]:
        """What the first events of a series told."""
        rows = places_of(self._view, number, "canonical", until_ns, reverse=False)
        places = [row.place for row in rows]
        while places:
            stored = look_up(self._view.archive, places, places, SLICE_MAX_BYTES)
            for place, envelope in zip(places, stored, strict=False):
                yield time_of(place), measured(envelope)
            del places[: len(stored)]

    # --- writing ----------------------------------------------------------------------------------

    def _write(self, cursor_ns: int) -> None:
        """Write what has changed, with the cursor behind it."""
        self._state.cursor_ns, self._state.newest = cursor_ns, self._newest
        self._store.write(self._changed_rows())
        self._changed, self._values = {}, 0
        if len(self._series) > REMEMBERED_MAX_SERIES:
            self._series = {}

    def _changed_rows(self) -> Iterator[StoredRow]:
        for number, series in self._changed.items():
            if series.told:
                for timebase in TIMEBASES:
                    yield from self._rows(number, series, timebase)
                series.told = {}
            yield series_record_key(number), encode_series(series.record)
        yield self._store.state_row(self._state)

    def _rows(self, number: int, series: _Series, timebase: Timebase) -> Iterator[StoredRow]:
        """The rows of all levels to which the chunk has added anything, as they are now."""
        record, told = series.record, series.told
        levels, newest = levels_from(record.finest[timebase]), record.newest[timebase]
        rows = joined([one.rows(fields, timebase, levels.start) for fields, one in told.items()])
        known: dict[bytes, Row] = {}
        for level in levels:
            head = row_head(number, timebase, level)
            for bucket, row in rows.items():
                key = head + bucket_time(bucket, level)
                if bucket <= newest >> level:  # Others are not there yet.
                    known[key] = row
                else:
                    yield key, encode_row(row)
            rows = wider(rows, levels.step)
        stored = self._store.get_many(list(known))
        for (key, row), value in zip(known.items(), stored, strict=True):
            yield key, encode_row(row if value is None else merged([decode_row(value), row]))
        last = unsigned(max(max(one.times(timebase)) for one in told.values()))
        record.newest[timebase] = max(newest, last)


def finest_level(times: Sequence[int]) -> int:
    """The level of buckets in which a series with these times has about BUCKET_EVENTS or more:
    where they come steadily, by the gaps between them; where they come in bursts, so that on
    average those buckets have that in which there are any, the first and the last left out.
    """
    gaps = sorted(later - time for time, later in pairwise(sorted(times)))
    width_ns = BUCKET_EVENTS * gaps[len(gaps) // 2]
    level = max(LEAST_LEVEL, (width_ns - 1).bit_length())
    while (len({time >> level for time in times}) - 2) * BUCKET_EVENTS > len(times):
        level += 1
    return min(level, COARSEST_LEVEL)
