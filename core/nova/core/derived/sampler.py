"""Sampling: stores the fields of every series of ui and parsed events as columns.

Events are read in chunks and gathered by series. A unit of a series' events is made columns at
once, and columns are written when they fill a block, or when all events up to the watermark are
read. Blocks and cursor are written atomically. The events of a series that are behind its last
block, less than a unit of them once the sampler has caught up, are in memory only: after a restart
they are read again, and readers read them from the archive.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

from nova.core.derived.column_writer import ColumnWriter
from nova.core.derived.pending_events import PendingEvents
from nova.core.derived.sample_trim import SampleTrim
from nova.core.derived.sampler_limits import SAMPLER_LIMITS, SamplerLimits
from nova.core.ordering import TIME_BYTES, series_of_event_key, time_of
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_filter import EventFilter
from nova.core.query.event_key import event_keys
from nova.core.query.range_cursor import RangeCursor, Span
from nova.core.store.key_value import KeyValue
from nova.core.store.sample_store import SampledSeries, SampleStore
from nova.sdk.protocol.messages import Filters

PROBED_EACH = 64
"""One of this number of events is measured, for the mean size of all."""


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
        self._event_filter = EventFilter(Filters(lanes=["ui", "parsed"]), snapshot.series)
        self._writer = ColumnWriter(store)
        self._series: dict[bytes, PendingEvents] = {}
        """By the end of their event keys."""

        self._is_within_chunk = False
        self._resume()

    def _resume(self) -> None:
        """Continue from what is stored."""
        self._state = self._store.resume_state(self._snapshot.archive)
        self._newest = self._state.newest
        self._forget_series()

    def _forget_series(self) -> None:
        self._series = {}
        self._gathered_ns = self.cursor_ns
        """The series that are gathered have all of their events after this canonical time."""

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
        self._snapshot.held_in_memory(self.cursor_ns + 1, watermark)
        if not self._state.origin:
            self._resume()
        if self._is_within_chunk:  # The last call was closed there; its chunk is read again.
            self._forget_series()
        yield from self._trim()
        span = Span("canonical", self.cursor_ns + 1, watermark)
        range_cursor = RangeCursor(self._snapshot, self._event_filter, span)
        while not range_cursor.done:
            self._is_within_chunk = True
            events = yield from self._read_chunk(range_cursor)
            is_last = range_cursor.done or range_cursor.after is None
            self._write(watermark if is_last else time_of(range_cursor.after or b""), is_last)
            self._is_within_chunk = False
            yield events

    def _trim(self) -> Iterator[int]:
        """Take the events of days that were given back out of the samples; yields 0 at pauses."""
        given_back = self._snapshot.archive.given_back
        for entry in given_back.entries[self._state.given_back : given_back.finished]:
            self._forget_series()
            for number, names in enumerate(self._snapshot.series.names):
                if entry.has_series(names):
                    trim = SampleTrim(self._snapshot, self._store, self._writer, number)
                    yield from trim.trim(entry.span[1])
            self._state.given_back += 1
            self._store.write([self._store.state_row(self._state)])

    def _read_chunk(self, range_cursor: RangeCursor) -> Generator[int, None, int]:
        """Read one chunk; returns its number of events."""
        limits, rows = self._limits, list[KeyValue]()
        most = limits.chunk_max_events
        for _ in range(limits.chunk_max_slices):
            wanted = min(most - len(rows), limits.slice_max_events)
            rows += range_cursor.read_slice(wanted, limits.slice_max_bytes)
            if len(rows) >= most or range_cursor.done:
                break
            yield 0
        if rows:
            self._newest = rows[-1][0]
            yield from self._add(rows)
        return len(rows)

    def _add(self, rows: list[KeyValue]) -> Iterator[int]:
        """Add the next events; yields 0 at pauses."""
        sizes = [len(stored) for _, stored in rows[::PROBED_EACH]]
        mean_bytes = sum(sizes) // len(sizes)
        by_series: dict[bytes, list[KeyValue]] = {}
        for row in rows:
            tail = row[0][TIME_BYTES:]
            if tail in by_series:
                by_series[tail].append(row)
            else:
                by_series[tail] = [row]
        for tail, of_series in by_series.items():
            series = self._pending(tail, of_series[0][0])
            series.add(of_series, mean_bytes)
            if series.stored >= self._limits.sizes.unit_events:
                series.extract(self._snapshot)
                yield 0

    def _pending(self, tail: bytes, event_key: bytes) -> PendingEvents:
        series = self._series.get(tail)
        if series is None:
            number = series_of_event_key(event_key)
            record = self._store.series(number) or SampledSeries(sizes=self._limits.sizes)
            until_ns = self._gathered_ns
            self._snapshot.refresh(until_ns)
            before = event_keys(
                *(self._snapshot, number, "canonical", until_ns),
                reverse=False,
                from_ns=record.until_ns + 1,
            )
            count = sum(1 for _ in before)
            series = PendingEvents(number, record, self._limits, count, until_ns)
            self._series[tail] = series
        return series

    # --- writing ----------------------------------------------------------------------------------

    def _write(self, cursor_ns: int, is_last: bool) -> None:
        """Write the blocks that are to be written, and the cursor, atomically."""
        self._state.cursor_ns, self._state.newest = cursor_ns, self._newest
        is_full = len(self._series) > self._limits.cached_max_series
        for series in self._series.values():
            is_whole = is_last or is_full
            if is_whole and series.has_more_units:
                series.extract(self._snapshot)
            self._append(series, series.units if is_whole else _full_units(series))
        self._make_room()
        self._store.change(
            {**self._writer.take_changes(), **dict([self._store.state_row(self._state)])}
        )
        if is_full:
            self._forget_series()

    def _append(self, series: PendingEvents, units: int) -> None:
        for column in series.dropped:
            self._writer.drop_column(series.number, series.record, column)
        series.dropped = []
        if units:
            self._writer.append(series.number, series.record, series.take(units))

    def _make_room(self) -> None:
        """Append blocks that are not full, and forget stored events, if these need much memory."""
        every = self._series.values()
        size = sum(series.block_bytes for series in every)
        if size > self._limits.blocks_max_bytes:
            for series in sorted(every, key=lambda one: one.block_bytes, reverse=True):
                if size <= self._limits.blocks_max_bytes // 2:
                    break
                size -= series.block_bytes
                self._append(series, series.units)
        size = sum(series.stored_bytes for series in every)
        if size > self._limits.stored_max_bytes:
            for series in sorted(every, key=lambda one: one.stored, reverse=True):
                if size <= self._limits.stored_max_bytes * 3 // 4:
                    break
                size -= series.stored_bytes
                if series.stored >= self._limits.extract_min_events:
                    series.extract(self._snapshot)
                else:
                    series.forget_stored()


def _full_units(series: PendingEvents) -> int:
    """The units with which a series' last block is full."""
    ready = series.record.units + series.units
    return max(0, ready - ready % series.record.sizes.block_units - series.record.units)
