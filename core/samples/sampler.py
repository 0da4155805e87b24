"""Sampling: every number that an event tells goes into the rows of its series, in the order of
arrival.

What was written holds exactly the events up to its cursor, for both are written together; so a
sampler that was killed goes on as if it had not been. A series begins to be sampled at its
STARTED_EVENTS-th event, when its rate is known; before, reading its events is as fast.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise

from core.ordering import Timebase, series_of, time_of, unsigned
from core.reader.discover import places_of
from core.reader.fields import Measured, measured
from core.reader.lookup import stored_at
from core.reader.reading import Reading, Span
from core.reader.selection import Selection
from core.reader.view import View
from core.samples.row import Extremes, Row
from core.store.rollup import COARSEST_LEVEL, bucket_time
from core.store.samples import (
    FIELDS_MAX,
    LAYOUT,
    LEAST_LEVEL,
    STATE_KEY,
    SampledSeries,
    SampleStore,
    State,
    decode_row,
    encode_row,
    encode_series,
    encode_state,
    levels_from,
    row_head,
    series_record_key,
)
from core.store.scan import Row as StoredRow
from core.store.scan import first
from sdk.protocol import Filters
from sdk.timestamps import NS_MIN

STARTED_EVENTS = 1_000
BUCKET_EVENTS = 4
"""A bucket of a series' finest level holds at least about so many events."""

WRITTEN_TOGETHER_EVENTS = 5_000
REMEMBERED_MAX_ROWS = 40_000
LOOKED_UP_EVENTS = 100
SHAPES_MAX = 64
UNSAMPLED = -1
"""Instead of the number of a field beyond those that are sampled."""


TIMEBASES: tuple[Timebase, ...] = ("source", "canonical")


@dataclass(slots=True)
class _Open:
    """The row of a level that was used last."""

    bucket: int
    key: bytes
    row: Row


@dataclass(slots=True)
class _Series:
    """A series as it is stored, the rows that it has open, by level, and the numbers of the fields
    of which its events consisted.
    """

    record: SampledSeries
    numbers: dict[str, int]
    open: dict[Timebase, dict[int, _Open]] = field(
        default_factory=lambda: {timebase: {} for timebase in TIMEBASES}
    )
    shapes: dict[tuple[str, ...], tuple[int, ...]] = field(default_factory=dict)

    def fields(self, told: dict[str, float]) -> tuple[tuple[int, ...], list[float]]:
        """The numbers of the fields of an event, and their values."""
        paths = tuple(told)
        fields = self.shapes.get(paths)
        if fields is None:
            fields = tuple(map(self._number, paths))
            if len(self.shapes) < SHAPES_MAX:
                self.shapes[paths] = fields
        if UNSAMPLED not in fields:
            return fields, list(told.values())
        known = [place for place, number in enumerate(fields) if number != UNSAMPLED]
        values = list(told.values())
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
        self._rows: dict[bytes, Row] = {}
        self._changed_rows: dict[bytes, Row] = {}
        self._changed_series: dict[int, _Series] = {}
        self._state = self._resume()

    @property
    def cursor_ns(self) -> int:
        """Canonical time up to which everything is sampled."""
        return self._state.cursor_ns

    def _resume(self) -> State:
        """Where it was; samples of another archive or layout are forgotten."""
        self._view.archive.catch_up()
        oldest = first(self._view.archive.families["canonical"], b"", b"\xff" * 16)
        origin = b"" if oldest is None else oldest[0]
        state = self._store.state()
        if state is not None and state.origin == origin:
            return state
        self._store.clear()
        return State(LAYOUT, origin, NS_MIN)

    def sample(self, mark: int) -> Iterator[int]:
        """Sample up to a durable mark; after each write it yields how many events were read."""
        self._view.advance(mark)
        if mark <= self.cursor_ns:
            return
        self._view.refresh()
        if not self._state.origin:
            self._state = self._resume()
        span = Span("canonical", self.cursor_ns + 1, mark)
        reading = Reading(self._view, self._selection, span)
        while not reading.done:
            found = reading.slice(WRITTEN_TOGETHER_EVENTS)
            for place, stored in found:
                self._take(place, stored)
            done_ns = mark if reading.done or reading.after is None else time_of(reading.after)
            self._write(done_ns)
            yield len(found)

    def _take(self, place: bytes, stored: bytes) -> None:
        number, canonical_ns = series_of(place), time_of(place)
        series = self._series_of(number)
        series.record.events += 1
        self._changed_series[number] = series
        if series.record.finest:
            self._add(number, series, canonical_ns, measured(stored))
        elif series.record.events >= STARTED_EVENTS:
            self._begin(number, series, canonical_ns)

    def _series_of(self, number: int) -> _Series:
        series = self._series.get(number)
        if series is None:
            record = self._store.series(number) or SampledSeries()
            names = {path: place for place, path in enumerate(record.fields)}
            series = self._series[number] = _Series(record, names)
        return series

    def _begin(self, number: int, series: _Series, until_ns: int) -> None:
        """Choose the levels of a series by what it has told so far, and sample that."""
        found = list(self._told(number, until_ns))
        times = {
            "source": [one.source_ns for _, one in found],
            "canonical": [canonical_ns for canonical_ns, _ in found],
        }
        for timebase in TIMEBASES:
            series.record.finest[timebase] = finest_level(times[timebase])
            series.record.newest[timebase] = NS_MIN
        for canonical_ns, one in found:
            self._add(number, series, canonical_ns, one)

    def _told(self, number: int, until_ns: int) -> Iterator[tuple[int, Measured]]:
        rows = places_of(self._view, number, "canonical", until_ns, reverse=False)
        while places := [row.place for row in islice(rows, LOOKED_UP_EVENTS)]:
            envelopes = self._view.archive.get_many("canonical", places)
            for place, envelope in zip(places, envelopes, strict=True):
                yield time_of(place), measured(stored_at(place, envelope))

    def _add(self, number: int, series: _Series, canonical_ns: int, told: Measured) -> None:
        """Add an event's numbers to the rows of all levels in both timebases."""
        fields, values = series.fields(told.values)
        if not values:
            return
        times: tuple[tuple[Timebase, int], ...] = (
            ("source", told.source_ns),
            ("canonical", canonical_ns),
        )
        newest, every = series.record.newest, range(len(values))
        for timebase, time_ns in times:
            time, opened = unsigned(time_ns), series.open[timebase]
            extremes: Extremes = every, every
            for level in levels_from(series.record.finest[timebase]):
                place = opened.get(level)
                if place is None or place.bucket != time >> level:
                    place = self._open(number, series, timebase, level, time >> level)
                    opened[level] = place
                extremes = place.row.add(fields, values, extremes)
                self._changed_rows[place.key] = place.row
            newest[timebase] = max(newest[timebase], time_ns)

    def _open(
        self, number: int, series: _Series, timebase: Timebase, level: int, bucket: int
    ) -> _Open:
        key = row_head(number, timebase, level) + bucket_time(bucket, level)
        row = self._rows.get(key)
        if row is None:
            may_be_stored = bucket <= unsigned(series.record.newest[timebase]) >> level
            stored = self._store.get(key) if may_be_stored else None
            row = self._rows[key] = Row() if stored is None else Row(decode_row(stored))
        return _Open(bucket, key, row)

    def _write(self, cursor_ns: int) -> None:
        """Write what has changed, with the cursor behind it."""
        rows: list[StoredRow] = [
            (key, encode_row(row.cells())) for key, row in self._changed_rows.items()
        ]
        for number, series in self._changed_series.items():
            rows.append((series_record_key(number), encode_series(series.record)))
        self._state.cursor_ns = cursor_ns
        rows.append((STATE_KEY, encode_state(self._state)))
        self._store.write(rows)
        self._changed_rows, self._changed_series = {}, {}
        if len(self._rows) > REMEMBERED_MAX_ROWS:
            self._rows = dict(islice(self._rows.items(), len(self._rows) // 2, None))
            for series in self._series.values():
                for opened in series.open.values():
                    opened.clear()  # A row must not be there twice.


def finest_level(times: Sequence[int]) -> int:
    """The level of buckets in which a series with these times has about BUCKET_EVENTS or more."""
    gaps = sorted(later - time for time, later in pairwise(sorted(times)))
    width_ns = BUCKET_EVENTS * gaps[len(gaps) // 2]
    return min(max(LEAST_LEVEL, (width_ns - 1).bit_length()), COARSEST_LEVEL)
