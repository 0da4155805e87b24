"""Judges every durable event by the rules of its time, in both timebases, and keeps the states and
transitions of alarms.

What a chunk of events changes is written at once with the cursor, so a killed maker continues with
the state before it. An event that is late in source time, a rule with an earlier effectiveTime and
a new alarm cause the inputs from there on to be folded again: the rows are those that would be
there if everything had come in order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from nova.core.alarms.alarm_fold import BEFORE_ALL, AlarmInput, first_position
from nova.core.alarms.alarm_machine import Alarm
from nova.core.derived.alarm_books import AlarmBooks, Rejudged, is_of_books
from nova.core.derived.alarm_limits import ALARM_LIMITS, AlarmLimits
from nova.core.derived.alarm_router import AlarmRouter
from nova.core.derived.alarm_wiring import AlarmWiring
from nova.core.derived.chunk_series import ChunkSeries
from nova.core.derived.open_alarm import Changes, OpenAlarm, decode_alarm
from nova.core.derived.recent_inputs import in_order
from nova.core.ordering import TIMEBASES, Timebase, series_of_event_key, time_of
from nova.core.query.alarm_inputs import AlarmInputReader
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_filter import EventFilter
from nova.core.query.range_cursor import Hit, RangeCursor, Span
from nova.core.store.alarm_store import AlarmStore, name_row
from nova.sdk.protocol.messages import Filters
from nova.sdk.timestamps import NS_MIN

_OpenKey = tuple[Timebase, int]


class AlarmMaker:
    """Maintains the alarms of an archive by following its canonical timeline."""

    def __init__(
        self,
        snapshot: ArchiveSnapshot,
        store: AlarmStore,
        own_scope: str,
        limits: AlarmLimits = ALARM_LIMITS,
    ) -> None:
        self._snapshot = snapshot
        self._store = store
        self._own_scope = own_scope
        self._limits = limits
        filters = Filters(lanes=["metadata", "ui", "parsed"])
        self._event_filter = EventFilter(filters, snapshot.series)
        self._load()

    def _load(self) -> None:
        """Continue from what is stored."""
        self._state = self._store.resume_state(self._snapshot.archive)
        self._snapshot.series.load(self._snapshot.archive)
        self._wiring = AlarmWiring(self._snapshot.series, self._store.names())
        self._books = AlarmBooks(self._snapshot, self._own_scope)
        self._books.load(self._state.cursor_ns, self._wiring)
        self._history = AlarmInputReader(self._snapshot, self._books.limits)
        self._router = AlarmRouter(self._snapshot.series, self._wiring, self._books.limits)
        self._open: dict[_OpenKey, OpenAlarm] = {}
        self._touched: set[_OpenKey] = set()
        self._changes: Changes = {}
        self._known_series: set[int] = set()

    @property
    def cursor_ns(self) -> int:
        """Canonical time in ns up to which all events are judged."""
        return self._state.cursor_ns

    @property
    def first_ns(self) -> int:
        """Canonical time in ns of the archive's first event, 0 if there is none."""
        return time_of(self._state.origin) if self._state.origin else 0

    def reset(self) -> None:
        """Delete all alarms; the next call of `make` begins with the first event."""
        self._store.clear()
        self._load()

    def make(self, watermark: int) -> Iterator[int]:
        """Judge up to a watermark; yields the number of events after each write, and 0 where
        others may have their turn.
        """
        self._snapshot.advance(watermark)
        if watermark <= self.cursor_ns:
            return
        self._snapshot.refresh()
        if not self._state.origin:
            self._load()
        span = Span("canonical", self.cursor_ns + 1, watermark)
        range_cursor = RangeCursor(self._snapshot, self._event_filter, span)
        while not range_cursor.done:
            found = range_cursor.read_chunk(
                self._limits.chunk_max_events, self._limits.chunk_max_bytes
            )
            is_end = range_cursor.done or range_cursor.after is None
            until_ns = watermark if is_end else time_of(range_cursor.after or b"")
            yield from self._fold_chunk(found, until_ns)
            if found:
                self._state.newest = found[-1][0]
            self._write(until_ns)
            yield len(found)

    def _fold_chunk(self, hits: Sequence[Hit], until_ns: int) -> Iterator[int]:
        """Fold a chunk: what rules change first, then new alarms, then the events of the others."""
        chunk, names = ChunkSeries(hits), self._snapshot.series.names
        of_books = chunk.chosen(lambda number: is_of_books(names[number]))
        rejudged = list(self._read_books(of_books))
        new = self._new_alarms(chunk.numbers, is_all=bool(rejudged))
        for number in new:
            self._changes.update((name_row(number, self._wiring.names[number]),))
        routed = self._router.route(chunk.chosen(self._router.concerns))
        for timebase in TIMEBASES:
            whole = set(new)
            for number in new:
                yield from self._refold(timebase, number, BEFORE_ALL, until_ns)
            from_ns = self._rejudged_from(rejudged, timebase, whole)
            for number, inputs in routed.inputs(timebase):
                if number in from_ns:
                    position = min(first_position(from_ns.pop(number)), inputs[0].position)
                    yield from self._refold(timebase, number, position, until_ns)
                elif number not in whole:
                    yield from self._fold(timebase, number, inputs, until_ns)
            for number, time_ns in from_ns.items():
                yield from self._refold(timebase, number, first_position(time_ns), until_ns)

    def _read_books(self, hits: Sequence[Hit]) -> Iterator[Rejudged]:
        names = self._snapshot.series.names
        for key, stored in hits:
            series = names[series_of_event_key(key)]
            found = self._books.add(series, time_of(key), stored, self._wiring)
            if found is not None:
                yield found
        self._changes.update(self._books.rows)
        self._books.rows.clear()

    def _new_alarms(self, numbers: set[int], *, is_all: bool) -> list[int]:
        """The alarms that these series have by now, or (`is_all`) all series, and had not."""
        names = self._snapshot.series.names
        examined = range(len(names)) if is_all else sorted(numbers - self._known_series)
        self._known_series.update(examined)
        found: list[int] = []
        for number in examined:
            if names[number].lane in ("ui", "parsed"):
                found += self._wiring.new(self._books.names_for(names[number]))
        return found

    def _rejudged_from(
        self, rejudged: Sequence[Rejudged], timebase: Timebase, new: set[int]
    ) -> dict[int, int]:
        """The time from which on new rules and limits judge otherwise what is folded already, by
        alarm; the others continue with them.
        """
        earliest: dict[int, int] = {}
        for numbers, from_ns in rejudged:
            for number in numbers:
                if number not in new:
                    known = earliest.get(number, from_ns[timebase])
                    earliest[number] = min(known, from_ns[timebase])
        found: dict[int, int] = {}
        for number, time_ns in earliest.items():
            opened = self._opened(timebase, number)
            if time_ns > opened.fold.alarm.time_ns:
                opened.fold.use(self._books.rules.versions(self._wiring.names[number], timebase))
            else:
                found[number] = time_ns
        return found

    def _fold(
        self, timebase: Timebase, number: int, inputs: list[AlarmInput], until_ns: int
    ) -> Iterator[int]:
        opened = self._opened(timebase, number)
        self._touched.add((timebase, number))
        if inputs[0].position > opened.frontier:
            opened.add_all(inputs, self._changes, self._limits.mark_inputs)
            return
        known = None if opened.recent is None else opened.recent.rewind(inputs[0].position)
        if known is None:
            yield from self._refold(timebase, number, inputs[0].position, until_ns)
            return
        (position, alarm), rest = known
        self._remove_rows(opened, position)
        versions = self._books.rules.versions(self._wiring.names[number], timebase)
        opened.restart(position, alarm, versions, keep=True)
        opened.add_all(in_order(rest, inputs), self._changes, self._limits.mark_inputs)

    def _refold(
        self, timebase: Timebase, number: int, position: bytes, until_ns: int
    ) -> Iterator[int]:
        """Fold an alarm again from a position on, with all that was received up to a time."""
        opened = self._opened(timebase, number)
        self._touched.add((timebase, number))
        name = self._wiring.names[number]
        known = self._store.last_mark(timebase, number, position) if position else None
        start, alarm = (
            (BEFORE_ALL, Alarm()) if known is None else (known[0], decode_alarm(known[1]))
        )
        self._remove_rows(opened, start)
        opened.restart(start, alarm, self._books.rules.versions(name, timebase), keep=False)
        from_ns = time_of(start) if start else NS_MIN
        inputs = self._history.inputs(name, timebase, from_ns, until_ns)
        later = (item for item in inputs if item.position > start)
        while part := list(islice(later, self._limits.pause_inputs)):
            opened.add_all(part, self._changes, self._limits.mark_inputs)
            if len(part) == self._limits.pause_inputs:
                self._bound_recent()
                yield 0

    def _remove_rows(self, opened: OpenAlarm, position: bytes) -> None:
        keys = self._store.rows_after(opened.timebase, opened.number, position)
        self._changes.update(dict.fromkeys(keys))

    def _opened(self, timebase: Timebase, number: int) -> OpenAlarm:
        opened = self._open.get((timebase, number))
        if opened is None:
            (progress,) = self._store.progress(timebase, [number])
            versions = self._books.rules.versions(self._wiring.names[number], timebase)
            opened = OpenAlarm(number, timebase, versions, progress)
            self._open[timebase, number] = opened
        return opened

    def _bound_recent(self) -> None:
        """Forget older inputs until those of all alarms fit their limit."""
        kept = [one for one in self._open.values() if one.recent]
        while sum(len(one.recent or ()) for one in kept) > self._limits.recent_max_inputs:
            for one in kept:
                one.forget_older()

    def _write(self, cursor_ns: int) -> None:
        for key in self._touched:
            self._open[key].write(self._changes)
        self._state.cursor_ns = cursor_ns
        self._state.given_back = self._snapshot.archive.given_back.finished
        self._changes.update((self._store.state_row(self._state),))
        self._store.change(self._changes)
        self._changes.clear()
        self._touched.clear()
        self._bound_recent()
        if len(self._open) > 2 * self._limits.open_max_alarms:
            self._open.clear()
