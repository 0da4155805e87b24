"""Sampling: aggregates every numeric field of an event into the rows of its series.

Events are processed in chunks: each event is decoded once, a series' finest rows are computed from
its events and wider rows from those, and each row is read and written once per chunk. Rows and
cursor are written atomically, so the database contains exactly the events up to its cursor, and a
killed sampler resumes without loss or double counting. Sampling of a series starts when
enough events have shown its rate; for fewer, reading the events themselves is as fast.
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
"""Approximate minimum of events per bucket at a series' finest level."""

WRITTEN_TOGETHER_EVENTS = 100_000
WRITTEN_TOGETHER_VALUES = 600_000
"""A value takes some 30 bytes; with the rows computed from them, a chunk needs at most 200 MiB."""

REMEMBERED_MAX_SERIES = 20_000
SHAPES_MAX = 64
UNSAMPLED = -1
"""Stands for the number of a field beyond the first FIELDS_MAX."""


Fields = tuple[int, ...]
Values = Sequence[float]


@dataclass(slots=True)
class _Told:
    """Events of a chunk and series that have the same fields: times in ns, and values per event."""

    source: list[int] = field(default_factory=list)
    canonical: list[int] = field(default_factory=list)
    values: list[Values] = field(default_factory=list)

    def times(self, timebase: Timebase) -> list[int]:
        return self.source if timebase == "source" else self.canonical

    def rows(self, fields: Fields, timebase: Timebase, level: int) -> Rows:
        """The rows of these events at a level."""
        first = unsigned(0)
        buckets = [time + first >> level for time in self.times(timebase)]
        return rows_of(fields, buckets, self.values)


@dataclass(slots=True)
class _Series:
    """A series' stored record, its field numbers (also by the fields of an event), and the events
    of the open chunk.
    """

    record: SampledSeries
    numbers: dict[str, int]
    shapes: dict[tuple[str, ...], Fields] = field(default_factory=dict)
    told: dict[Fields, _Told] = field(default_factory=dict)

    def add(self, canonical_ns: int, one: Measured) -> int:
        """Add an event to the open chunk; returns the number of values added."""
        fields, values = self._fields(one.values)
        if not fields:
            return 0
        events = self.told.get(fields)
        if events is None:
            events = self.told[fields] = _Told()
        events.source.append(one.source_ns)
        events.canonical.append(canonical_ns)
        events.values.append(values)
        return len(fields)

    def _fields(self, told: dict[str, float]) -> tuple[Fields, Values]:
        """The field numbers of an event and their values, without unsampled fields."""
        paths = tuple(told)
        fields = self.shapes.get(paths)
        if fields is None:
            fields = tuple(map(self._number, paths))
            if len(self.shapes) < SHAPES_MAX:
                self.shapes[paths] = fields
        values = tuple(told.values())
        if UNSAMPLED not in fields:
            return fields, values
        known = [index for index, number in enumerate(fields) if number != UNSAMPLED]
        return tuple(fields[index] for index in known), [values[index] for index in known]

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
    """Maintains the samples of an archive by following its canonical timeline."""

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
        """Canonical time in ns up to which all events are sampled."""
        return self._state.cursor_ns

    def sample(self, mark: int) -> Generator[int, None, None]:
        """Sample up to a watermark. Yields the number of events after each write, and 0 at pauses
        in between.
        """
        self._view.advance(mark)
        if mark <= self.cursor_ns:
            return
        self._view.refresh()
        if not self._state.origin:
            self._state = self._store.resumed(self._view.archive)
            self._newest = self._state.newest
        span = Span("canonical", self.cursor_ns + 1, mark)
        range_cursor = Reading(self._view, self._selection, span)
        try:
            while not range_cursor.done:
                events = yield from self._take_chunk(range_cursor)
                done_ns = (
                    mark
                    if range_cursor.done or range_cursor.after is None
                    else time_of(range_cursor.after)
                )
                self._write(done_ns)
                yield events
        finally:
            if self._changed:  # Closed within a chunk; the next call reads it again.
                self._series, self._changed, self._values = {}, {}, 0

    def _take_chunk(self, reading: Reading) -> Generator[int, None, int]:
        """Read one chunk; returns its number of events."""
        events = 0
        while True:
            found = reading.slice(min(WRITTEN_TOGETHER_EVENTS - events, SLICE_MAX_ROWS))
            for key, stored in found:
                self._take(key, stored)
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
            names = {path: index for index, path in enumerate(record.fields)}
            series = self._series[number] = _Series(record, names)
        return series

    def _begin(self, number: int, series: _Series, until_ns: int) -> None:
        """Choose a series' levels from its events so far, and add those events."""
        times: dict[Timebase, list[int]] = {timebase: [] for timebase in TIMEBASES}
        for canonical_ns, one in self._before(number, until_ns):
            times["source"].append(one.source_ns)
            times["canonical"].append(canonical_ns)
            self._values += series.add(canonical_ns, one)
        for timebase in TIMEBASES:
            series.record.finest[timebase] = finest_level(times[timebase])
            series.record.newest[timebase] = 0

    def _before(self, number: int, until_ns: int) -> Iterator[tuple[int, Measured]]:
        """Canonical time and fields of a series' events up to a time."""
        rows = places_of(self._view, number, "canonical", until_ns, reverse=False)
        keys = [row.place for row in rows]
        while keys:
            stored = look_up(self._view.archive, keys, keys, SLICE_MAX_BYTES)
            for key, envelope in zip(keys, stored, strict=False):
                yield time_of(key), measured(envelope)
            del keys[: len(stored)]

    # --- writing ----------------------------------------------------------------------------------

    def _write(self, cursor_ns: int) -> None:
        """Write the changed rows and the cursor atomically."""
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
        """The updated rows of all levels that the chunk changes."""
        record, chunk = series.record, series.told
        levels, newest = levels_from(record.finest[timebase]), record.newest[timebase]
        rows = joined([one.rows(fields, timebase, levels.start) for fields, one in chunk.items()])
        known: dict[bytes, Row] = {}
        for level in levels:
            head = row_head(number, timebase, level)
            for bucket, row in rows.items():
                key = head + bucket_time(bucket, level)
                if bucket <= newest >> level:  # Later buckets have no stored row yet.
                    known[key] = row
                else:
                    yield key, encode_row(row)
            rows = wider(rows, levels.step)
        stored = self._store.get_many(list(known))
        for (key, row), value in zip(known.items(), stored, strict=True):
            yield key, encode_row(row if value is None else merged([decode_row(value), row]))
        last = unsigned(max(max(one.times(timebase)) for one in chunk.values()))
        record.newest[timebase] = max(newest, last)


def finest_level(times: Sequence[int]) -> int:
    """The level whose buckets have about BUCKET_EVENTS events or more. For steady series, the
    median gap determines it. For bursts, the level is raised until the occupied buckets, without
    the first and the last, have that many on average.
    """
    gaps = sorted(later - time for time, later in pairwise(sorted(times)))
    width_ns = BUCKET_EVENTS * gaps[len(gaps) // 2]
    level = max(LEAST_LEVEL, (width_ns - 1).bit_length())
    while (len({time >> level for time in times}) - 2) * BUCKET_EVENTS > len(times):
        level += 1
    return min(level, COARSEST_LEVEL)
