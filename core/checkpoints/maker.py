"""Making checkpoints: every update that becomes durable is folded into its view, in both timebases.

Canonical order only grows, so its rows are made once. In source time an update may come late: the
rows from its segment on are dropped and made again, so that what is stored is what would have been
had it come in time. Rows are right whether or not the cursor behind them is written, so a maker
that was killed takes some updates again and ends as if it had not been.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from operator import attrgetter

from core.checkpoints.folding import Folding
from core.ordering import TIMEBASES, Timebase, series_of, time_of
from core.reader.reading import Found, Reading, Span
from core.reader.selection import Selection
from core.reader.updates import Update, in_both, updates_between
from core.reader.view import View
from core.store.checkpoints import (
    BEFORE_ALL,
    CheckpointStore,
    FoldedSeries,
    ViewState,
    series_row,
)
from sdk.protocol import Filters
from sdk.timestamps import NS_MIN

TAKEN_TOGETHER_EVENTS = 25_000
TAKEN_TOGETHER_BYTES = 32 * 1024 * 1024
"""What came late is folded once for so many."""

REMEMBERED_MAX_SERIES = 20_000
PENDING_MAX_ROWS = 5_000


@dataclass(slots=True)
class _Series:
    """How far a series is folded, and its foldings that are open."""

    number: int
    folded: FoldedSeries
    foldings: dict[Timebase, Folding] = field(default_factory=dict)


class Maker:
    """Follows an archive's canonical timeline and keeps its checkpoints."""

    def __init__(self, view: View, store: CheckpointStore) -> None:
        self._view = view
        self._store = store
        self._selection = Selection(Filters(lanes=["ui"]), view.series)
        self._series: dict[int, _Series] = {}
        self._pending: dict[bytes, bytes] = {}
        self._changed: dict[int, FoldedSeries] = {}
        self._until_ns = NS_MIN
        """Canonical time of what is taken; what is stored beyond does not count yet."""

        self._state = self._store.resumed(self._view.archive)

    @property
    def cursor_ns(self) -> int:
        """Canonical time up to which everything is folded."""
        return self._state.cursor_ns

    @property
    def first_ns(self) -> int:
        """Canonical time of the archive's first event, 0 if there is none."""
        return time_of(self._state.origin) if self._state.origin else 0

    def start_anew(self) -> None:
        """Forget every checkpoint; the next call of `make` begins with the first update."""
        self._store.clear()
        self._series.clear()
        self._pending.clear()
        self._changed.clear()
        self._state = self._store.resumed(self._view.archive)

    def make(self, mark: int) -> Iterator[int]:
        """Fold up to a durable mark; after each write it yields how many updates were taken."""
        self._view.advance(mark)
        if mark <= self.cursor_ns:
            return
        self._view.refresh()
        if not self._state.origin:
            self._state = self._store.resumed(self._view.archive)
        span = Span("canonical", self.cursor_ns + 1, mark)
        reading = Reading(self._view, self._selection, span)
        while not reading.done:
            found = _together(reading)
            is_end = reading.done or reading.after is None
            self._until_ns = mark if is_end else time_of(reading.after or b"")
            self._take(found)
            if found:
                self._state.newest = found[-1][0]
            self._write(self._until_ns)
            yield len(found)

    def _take(self, found: Sequence[Found]) -> None:
        by_series: defaultdict[int, list[dict[Timebase, Update]]] = defaultdict(list)
        for place, stored in found:
            by_series[series_of(place)].append(in_both(place, stored))
        for number, updates in by_series.items():
            series = self._of(number)
            for timebase in TIMEBASES:
                self._fold(series, timebase, [update[timebase] for update in updates])

    def _of(self, number: int) -> _Series:
        """A series, which is then the one that was used last."""
        series = self._series.pop(number, None)
        if series is None:
            series = _Series(number, self._store.series(number) or FoldedSeries())
            if len(self._series) >= REMEMBERED_MAX_SERIES:
                self._flush()
                self._series = dict(islice(self._series.items(), len(self._series) // 4, None))
        self._series[number] = series
        return series

    def _fold(self, series: _Series, timebase: Timebase, updates: Sequence[Update]) -> None:
        """Fold some updates that have come to a series."""
        folded = series.folded.of(timebase)
        fresh = [update for update in updates if update.canonical_ns > folded.included_ns]
        if not fresh:
            return
        included_ns = max(update.canonical_ns for update in fresh)
        fresh.sort(key=attrgetter("position"))
        folding = series.foldings.get(timebase)
        if folding is None and not folded.frontier:
            folding = self._open(series, timebase)
        if folding is None or fresh[0].position <= folded.frontier:
            position = min(fresh[0].position, folded.frontier)
            last = max(fresh[-1].position, folded.frontier)
            self._fold_again(series, timebase, position, last)
        else:
            for update in fresh:
                self._add(series, folding, update)
        # Not before all of it: a maker that is killed in between begins again.
        folded.frontier = max(fresh[-1].position, folded.frontier)
        folded.included_ns = included_ns
        self._changed[series.number] = series.folded

    def _open(self, series: _Series, timebase: Timebase) -> Folding:
        folded = series.folded.of(timebase)

        def load(version: str) -> ViewState:
            return self._state_of(series.number, timebase, version, folding.frontier)

        folding = Folding(timebase, series.number, folded.versions, load)
        series.foldings[timebase] = folding
        return folding

    def _add(self, series: _Series, folding: Folding, update: Update) -> None:
        self._pending.update(folding.add(update))
        self._changed[series.number] = series.folded
        if len(self._pending) >= PENDING_MAX_ROWS:
            self._flush()

    def _fold_again(
        self, series: _Series, timebase: Timebase, position: bytes, last: bytes
    ) -> None:
        """Make the rows of a series again from the segment on that holds a position."""
        self._flush()
        folding = self._open(series, timebase)
        segment, states = self._states_at(series.number, timebase, position)
        self._store.forget_from(timebase, series.number, segment)
        if states:
            folding.begin(segment, states)
        for update in self._between(series.number, timebase, segment, last):
            self._add(series, folding, update)

    def _between(
        self, number: int, timebase: Timebase, position: bytes, last: bytes
    ) -> Iterator[Update]:
        return updates_between(self._view, number, timebase, position, last, self._until_ns)

    def _states_at(
        self, number: int, timebase: Timebase, position: bytes
    ) -> tuple[bytes, dict[str, ViewState]]:
        """Where the segment begins that holds a position, and the states that it has rows of."""
        segment = BEFORE_ALL
        states: dict[str, ViewState] = {}
        for checkpoint in self._store.back_from(timebase, number, position):
            if states and checkpoint.position != segment:
                break
            segment = checkpoint.position
            states[checkpoint.version] = checkpoint.state()
        return segment, states

    def _state_of(
        self, number: int, timebase: Timebase, version: str, position: bytes
    ) -> ViewState:
        """The state of a version after all up to a position."""
        self._flush()
        if not position:
            return ViewState()
        for checkpoint in self._store.back_from(timebase, number, position):
            if checkpoint.version == version:
                state = checkpoint.state()
                updates = self._between(number, timebase, checkpoint.position, position)
                for update in updates:
                    if update.told.manifest_version == version:
                        state.take(update.told.data, update.time_ns)
                return state
        return ViewState()

    def _flush(self) -> None:
        """Write rows and how far their series are folded."""
        rows = list(self._pending.items())
        rows += [series_row(number, folded) for number, folded in self._changed.items()]
        if rows:
            self._store.write(rows)
        self._pending.clear()
        self._changed.clear()

    def _write(self, cursor_ns: int) -> None:
        self._flush()
        self._state.cursor_ns = cursor_ns
        self._store.write([self._store.state_row(self._state)])


def _together(reading: Reading) -> list[Found]:
    """The next events of a reading, as many as are taken together."""
    found: list[Found] = []
    size = 0
    while not reading.done and len(found) < TAKEN_TOGETHER_EVENTS and size < TAKEN_TOGETHER_BYTES:
        part = reading.slice(TAKEN_TOGETHER_EVENTS - len(found))
        size += sum(len(stored) for _, stored in part)
        found += part
    return found
