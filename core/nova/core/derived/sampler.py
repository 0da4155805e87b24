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

from nova.core.derived.sample_fold import Rows, merge_rows, merge_sets, rows_of, widen
from nova.core.derived.sample_trim import SampleTrim
from nova.core.derived.sampler_limits import SAMPLER_LIMITS, SamplerLimits
from nova.core.ordering import TIMEBASES, Timebase, series_of_event_key, time_of, unsigned_time
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_filter import EventFilter
from nova.core.query.event_key import event_keys
from nova.core.query.fields import NumericFields, numeric_fields
from nova.core.query.lookup import look_up
from nova.core.query.range_cursor import SLICE_MAX_BYTES, RangeCursor, Span
from nova.core.store.key_value import KeyValue as StoredRow
from nova.core.store.rollup import COARSEST_LEVEL, bucket_time
from nova.core.store.sample_store import (
    FINEST_SAMPLE_LEVEL,
    SampledSeries,
    SampleRow,
    SampleStore,
    decode_row,
    encode_row,
    encode_series,
    levels_from,
    row_head,
    series_record_key,
)
from nova.sdk.protocol.messages import Filters

BUCKET_EVENTS = 4
"""Approximate minimum of events per bucket at a series' finest level."""

SHAPES_MAX = 64
UNSAMPLED = -1
"""Stands for the number of a field beyond the first that are sampled."""

Fields = tuple[int, ...]
Values = Sequence[float]


@dataclass(slots=True)
class _ChunkEvents:
    """Events of a chunk and series that have the same fields: times in ns, and values per event."""

    source: list[int] = field(default_factory=list)
    canonical: list[int] = field(default_factory=list)
    values: list[Values] = field(default_factory=list)

    def times(self, timebase: Timebase) -> list[int]:
        return self.source if timebase == "source" else self.canonical

    def rows(self, fields: Fields, timebase: Timebase, level: int) -> Rows:
        """The rows of these events at a level."""
        first = unsigned_time(0)
        buckets = [time + first >> level for time in self.times(timebase)]
        return rows_of(fields, buckets, self.values)


@dataclass(slots=True)
class _SeriesSampling:
    """A series' stored record, its field numbers (also by the fields of an event), and the events
    of the open chunk.
    """

    record: SampledSeries
    numbers: dict[str, int]
    fields_max: int
    shapes: dict[tuple[str, ...], Fields] = field(default_factory=dict)
    chunk: dict[Fields, _ChunkEvents] = field(default_factory=dict)

    def add(self, canonical_ns: int, event: NumericFields) -> int:
        """Add an event to the open chunk; returns the number of values added."""
        fields, values = self._fields(event.values)
        if not fields:
            return 0
        events = self.chunk.get(fields)
        if events is None:
            events = self.chunk[fields] = _ChunkEvents()
        events.source.append(event.source_ns)
        events.canonical.append(canonical_ns)
        events.values.append(values)
        return len(fields)

    def sampled_fields(self, event: NumericFields) -> tuple[Fields, Values]:
        """The field numbers of an event that was sampled before, and their values."""
        known = {path: value for path, value in event.values.items() if path in self.numbers}
        return tuple(self.numbers[path] for path in known), tuple(known.values())

    def _fields(self, by_path: dict[str, float]) -> tuple[Fields, Values]:
        """The field numbers of an event and their values, without unsampled fields."""
        paths = tuple(by_path)
        fields = self.shapes.get(paths)
        if fields is None:
            fields = tuple(map(self._number, paths))
            if len(self.shapes) < SHAPES_MAX:
                self.shapes[paths] = fields
        values = tuple(by_path.values())
        if UNSAMPLED not in fields:
            return fields, values
        known = [index for index, number in enumerate(fields) if number != UNSAMPLED]
        return tuple(fields[index] for index in known), [values[index] for index in known]

    def _number(self, path: str) -> int:
        number = self.numbers.get(path)
        if number is not None:
            return number
        if len(self.numbers) >= self.fields_max:
            return UNSAMPLED
        number = self.numbers[path] = len(self.numbers)
        self.record.fields.append(path)
        return number


class Sampler:
    """Maintains the samples of an archive by following its canonical timeline."""

    def __init__(
        self,
        snapshot: ArchiveSnapshot,
        store: SampleStore,
        limits: SamplerLimits = SAMPLER_LIMITS,
    ) -> None:
        self._snapshot = snapshot
        self._store = store
        self._limits = limits
        self._start_at_events = limits.start_at_events
        self._event_filter = EventFilter(Filters(lanes=["ui", "parsed"]), snapshot.series)
        self._series: dict[int, _SeriesSampling] = {}
        self._changed: dict[int, _SeriesSampling] = {}
        self._values = 0
        self._state = self._store.resume_state(self._snapshot.archive)
        self._newest = self._state.newest

    @property
    def cursor_ns(self) -> int:
        """Canonical time in ns up to which all events are sampled."""
        return self._state.cursor_ns

    def sample(self, watermark: int) -> Generator[int, None, None]:
        """Sample up to a watermark. Yields the number of events after each write, and 0 at pauses
        in between.
        """
        self._snapshot.advance(watermark)
        if watermark <= self.cursor_ns:
            return
        self._snapshot.refresh()
        if not self._state.origin:
            self._state = self._store.resume_state(self._snapshot.archive)
            self._newest = self._state.newest
        yield from self._trim()
        span = Span("canonical", self.cursor_ns + 1, watermark)
        range_cursor = RangeCursor(self._snapshot, self._event_filter, span)
        try:
            while not range_cursor.done:
                events = yield from self._read_chunk(range_cursor)
                done_ns = (
                    watermark
                    if range_cursor.done or range_cursor.after is None
                    else time_of(range_cursor.after)
                )
                self._write(done_ns)
                yield events
        finally:
            if self._changed:  # Closed within a chunk; the next call reads it again.
                self._series, self._changed, self._values = {}, {}, 0

    def _trim(self) -> Iterator[int]:
        """Take the events of days that were given back out of the samples; yields 0 at pauses."""
        given_back = self._snapshot.archive.given_back
        trim = SampleTrim(self._snapshot, self._store, self.cursor_ns)
        for entry in given_back.entries[self._state.given_back : given_back.finished]:
            for number, names in enumerate(self._snapshot.series.names):
                if entry.has_series(names):
                    series = self._series_of(number)
                    finest = series.record.finest
                    yield from trim.trim(number, finest, series.sampled_fields, entry)
            self._state.given_back += 1
            self._store.write([self._store.state_row(self._state)])

    def _read_chunk(self, range_cursor: RangeCursor) -> Generator[int, None, int]:
        """Read one chunk; returns its number of events."""
        most, slice_most = self._limits.chunk_max_events, self._limits.slice_max_events
        events = 0
        while True:
            found = range_cursor.read_slice(min(most - events, slice_most))
            for key, stored in found:
                self._add(key, stored)
            events += len(found)
            if found:
                self._newest = found[-1][0]
            is_full = events >= most or self._values >= self._limits.chunk_max_values
            if is_full or range_cursor.done:
                return events
            yield 0

    def _add(self, event_key: bytes, stored: bytes) -> None:
        number = series_of_event_key(event_key)
        series = self._series_of(number)
        series.record.events += 1
        self._changed[number] = series
        if series.record.finest:
            self._values += series.add(time_of(event_key), numeric_fields(stored))
        elif series.record.events >= self._start_at_events:
            self._start_series(number, series, time_of(event_key))

    def _series_of(self, number: int) -> _SeriesSampling:
        series = self._series.get(number)
        if series is None:
            record = self._store.series(number) or SampledSeries()
            names = {path: index for index, path in enumerate(record.fields)}
            series = self._series[number] = _SeriesSampling(record, names, self._limits.fields_max)
        return series

    def _start_series(self, number: int, series: _SeriesSampling, until_ns: int) -> None:
        """Choose a series' levels from its events so far, and add those events."""
        times: dict[Timebase, list[int]] = {timebase: [] for timebase in TIMEBASES}
        for canonical_ns, one in self._events_until(number, until_ns):
            times["source"].append(one.source_ns)
            times["canonical"].append(canonical_ns)
            self._values += series.add(canonical_ns, one)
        for timebase in TIMEBASES:
            series.record.finest[timebase] = finest_level(times[timebase])
            series.record.newest[timebase] = 0

    def _events_until(self, number: int, until_ns: int) -> Iterator[tuple[int, NumericFields]]:
        """Canonical time and fields of a series' events up to a time."""
        rows = event_keys(self._snapshot, number, "canonical", until_ns, reverse=False)
        keys = [row.canonical_key for row in rows]
        while keys:
            stored = look_up(self._snapshot.archive, keys, keys, SLICE_MAX_BYTES)
            for key, envelope in zip(keys, stored, strict=False):
                yield time_of(key), numeric_fields(envelope)
            del keys[: len(stored)]

    # --- writing ----------------------------------------------------------------------------------

    def _write(self, cursor_ns: int) -> None:
        """Write the changed rows and the cursor atomically."""
        self._state.cursor_ns, self._state.newest = cursor_ns, self._newest
        self._store.write(self._changed_rows())
        self._changed, self._values = {}, 0
        if len(self._series) > self._limits.cached_max_series:
            self._series = {}

    def _changed_rows(self) -> Iterator[StoredRow]:
        for number, series in self._changed.items():
            if series.chunk:
                for timebase in TIMEBASES:
                    yield from self._rows(number, series, timebase)
                series.chunk = {}
            yield series_record_key(number), encode_series(series.record)
        yield self._store.state_row(self._state)

    def _rows(
        self, number: int, series: _SeriesSampling, timebase: Timebase
    ) -> Iterator[StoredRow]:
        """The updated rows of all levels that the chunk changes."""
        record, chunk = series.record, series.chunk
        levels, newest = levels_from(record.finest[timebase]), record.newest[timebase]
        rows = merge_sets(
            [one.rows(fields, timebase, levels.start) for fields, one in chunk.items()]
        )
        known: dict[bytes, SampleRow] = {}
        for level in levels:
            head = row_head(number, timebase, level)
            for bucket, row in rows.items():
                key = head + bucket_time(bucket, level)
                if bucket <= newest >> level:  # Later buckets have no stored row yet.
                    known[key] = row
                else:
                    yield key, encode_row(row)
            rows = widen(rows, levels.step)
        stored = self._store.get_many(list(known))
        for (key, row), value in zip(known.items(), stored, strict=True):
            yield key, encode_row(row if value is None else merge_rows([decode_row(value), row]))
        last = unsigned_time(max(max(one.times(timebase)) for one in chunk.values()))
        record.newest[timebase] = max(newest, last)


def finest_level(times: Sequence[int]) -> int:
    """The level whose buckets have about BUCKET_EVENTS events or more. For steady series, the
    median gap determines it. For bursts, the level is raised until the occupied buckets, without
    the first and the last, have that many on average.
    """
    gaps = sorted(later - time for time, later in pairwise(sorted(times)))
    width_ns = BUCKET_EVENTS * gaps[len(gaps) // 2]
    level = max(FINEST_SAMPLE_LEVEL, (width_ns - 1).bit_length())
    while (len({time >> level for time in times}) - 2) * BUCKET_EVENTS > len(times):
        level += 1
    return min(level, COARSEST_LEVEL)
