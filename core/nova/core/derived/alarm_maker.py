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

from nova.core.derived.alarm_books import AlarmBooks, Rejudged, is_of_books
from nova.core.derived.alarm_limits import ALARM_LIMITS, AlarmLimits
from nova.core.derived.alarm_router import AlarmRouter
from nova.core.derived.alarm_wiring import AlarmWiring
from nova.core.derived.chunk_series import ChunkSeries
from nova.core.derived.folded_alarms import FoldedAlarms
from nova.core.derived.open_alarm import Changes
from nova.core.ordering import TIMEBASES, series_of_event_key, time_of
from nova.core.query.alarm_inputs import AlarmInputReader
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_filter import EventFilter
from nova.core.query.range_cursor import Hit, RangeCursor, Span
from nova.core.store.alarm_store import AlarmName, AlarmStore, name_row
from nova.core.store.given_back import DayGivenBack
from nova.sdk.protocol.messages import Filters

PART_ALARMS = 500
"""Alarms that are folded again before they are written."""


def is_given_back(day: DayGivenBack, name: AlarmName) -> bool:
    """Whether values or contexts of an alarm are among the deleted events of a day."""
    context = name.context
    return day.has_series(name.series) or (context is not None and day.has_series(context.series))


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
        history = AlarmInputReader(self._snapshot, self._books.limits)
        self._router = AlarmRouter(self._snapshot.series, self._wiring, self._books.limits)
        self._folded = [
            FoldedAlarms(one, self._store, self._books, self._wiring, history, self._limits)
            for one in TIMEBASES
        ]
        self._changes: Changes = {}
        self._known_series: set[int] = set()

    @property
    def cursor_ns(self) -> int:
        """Canonical time in ns up to which all events are judged."""
        return self._state.cursor_ns

    @property
    def alarms(self) -> int:
        """How many alarms there are."""
        return len(self._wiring.names)

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
        self._snapshot.held_in_memory(self.cursor_ns + 1, watermark)
        if not self._state.origin:
            self._load()
        yield from self._give_back()
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

    def _give_back(self) -> Iterator[int]:
        """Fold the alarms of days that retention has deleted from what is left; yields 0 where
        others may have their turn. Killed meanwhile, it begins with the day again.
        """
        given_back = self._snapshot.archive.given_back
        for entry in given_back.entries[self._state.given_back : given_back.finished]:
            names = enumerate(self._wiring.names)
            numbers = iter([number for number, name in names if is_given_back(entry, name)])
            while part := list(islice(numbers, PART_ALARMS)):
                for folded in self._folded:
                    yield from folded.fold_again(part, self.cursor_ns)
                self._write(self.cursor_ns)
                yield 0
            self._state.given_back += 1
            self._store.write([self._store.state_row(self._state)])

    def _fold_chunk(self, hits: Sequence[Hit], until_ns: int) -> Iterator[int]:
        """Fold a chunk: what rules change first, then new alarms, then the events of the others."""
        chunk, names = ChunkSeries(hits), self._snapshot.series.names
        of_books = chunk.chosen(lambda number: is_of_books(names[number]))
        rejudged = list(self._read_books(of_books))
        new = self._new_alarms(chunk.numbers, is_all=bool(rejudged))
        for number in new:
            self._changes.update((name_row(number, self._wiring.names[number]),))
        routed = self._router.route(chunk)
        for folded in self._folded:
            yield from folded.add(routed, new, rejudged, until_ns)

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

    def _write(self, cursor_ns: int) -> None:
        for folded in self._folded:
            self._changes.update(folded.take_changes())
        self._state.cursor_ns = cursor_ns
        self._changes.update((self._store.state_row(self._state),))
        self._store.change(self._changes)
        self._changes.clear()
        for folded in self._folded:
            folded.free_memory()
