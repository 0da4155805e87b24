"""Makes checkpoints: folds every durable update into its view, in both timebases.

Canonical order is append-only, so its rows are written once. In source time an update can be late:
the rows from its segment on are then deleted and folded again, which leaves the same rows as if it
had been in time. Rows are valid whether or not the cursor after them was written. A killed maker
therefore folds some updates again and ends with the same result.
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
"""Updates per write. Late ones among them cause one re-fold per series."""

REMEMBERED_MAX_SERIES = 20_000
PENDING_MAX_ROWS = 5_000


@dataclass(slots=True)
class _Series:
    """A series' stored fold state and its open folds by timebase."""

    number: int
    folded: FoldedSeries
    foldings: dict[Timebase, Folding] = field(default_factory=dict)


class Maker:
    """Maintains the checkpoints of an archive by following its canonical timeline."""

    def __init__(self, view: View, store: CheckpointStore) -> None:
        self._view = view
        self._store = store
        self._selection = Selection(Filters(lanes=["ui"]), view.series)
        self._series: dict[int, _Series] = {}
        self._pending: dict[bytes, bytes] = {}
        self._changed: dict[int, FoldedSeries] = {}
        self._until_ns = NS_MIN
        """Canonical time in ns of the current chunk's end; later updates are ignored for now."""

        self._state = self._store.resumed(self._view.archive)

    @property
    def cursor_ns(self) -> int:
        """Canonical time in ns up to which all updates are folded."""
        return self._state.cursor_ns

    @property
    def first_ns(self) -> int:
        """Canonical time in ns of the archive's first event, 0 if there is none."""
        return time_of(self._state.origin) if self._state.origin else 0

    def start_anew(self) -> None:
        """Delete every checkpoint; the next call of `make` begins with the first update."""
        self._store.clear()
        self._series.clear()
        self._pending.clear()
        self._changed.clear()
        self._state = self._store.resumed(self._view.archive)

    def make(self, mark: int) -> Iterator[int]:
        """Fold up to a watermark; yields the number of updates after each write."""
        self._view.advance(mark)
        if mark <= self.cursor_ns:
            return
        self._view.refresh()
        if not self._state.origin:
            self._state = self._store.resumed(self._view.archive)
        span = Span("canonical", self.cursor_ns + 1, mark)
        range_cursor = Reading(self._view, self._selection, span)
        while not range_cursor.done:
            found = _together(range_cursor)
            is_end = range_cursor.done or range_cursor.after is None
            self._until_ns = mark if is_end else time_of(range_cursor.after or b"")
            self._take(found)
            if found:
                self._state.newest = found[-1][0]
            self._write(self._until_ns)
            yield len(found)

    def _take(self, found: Sequence[Found]) -> None:
        by_series: defaultdict[int, list[dict[Timebase, Update]]] = defaultdict(list)
        for key, stored in found:
            by_series[series_of(key)].append(in_both(key, stored))
        for number, updates in by_series.items():
            series = self._of(number)
            for timebase in TIMEBASES:
                self._fold(series, timebase, [update[timebase] for update in updates])

    def _of(self, number: int) -> _Series:
        """The cached series, moved to the most recently used end."""
        series = self._series.pop(number, None)
        if series is None:
            series = _Series(number, self._store.series(number) or FoldedSeries())
            if len(self._series) >= REMEMBERED_MAX_SERIES:
                self._flush()
                self._series = dict(islice(self._series.items(), len(self._series) // 4, None))
        self._series[number] = series
        return series

    def _fold(self, series: _Series, timebase: Timebase, updates: Sequence[Update]) -> None:
        """Fold new updates of a series; a late one re-folds from its segment on."""
        folded = series.folded.of(timebase)
        fresh = [update for update in updates if update.canonical_ns > folded.included_ns]
        if not fresh:
            return
        included_ns = max(update.canonical_ns for update in fresh)
        fresh.sort(key=attrgetter("position"))
        view_fold = series.foldings.get(timebase)
        if view_fold is None and not folded.frontier:
            view_fold = self._open(series, timebase)
        if view_fold is None or fresh[0].position <= folded.frontier:
            position = min(fresh[0].position, folded.frontier)
            last = max(fresh[-1].position, folded.frontier)
            self._fold_again(series, timebase, position, last)
        else:
            for update in fresh:
                self._add(series, view_fold, update)
        # Last, so that a maker killed before this point folds these updates again.
        folded.frontier = max(fresh[-1].position, folded.frontier)
        folded.included_ns = included_ns
        self._changed[series.number] = series.folded

    def _open(self, series: _Series, timebase: Timebase) -> Folding:
        folded = series.folded.of(timebase)

        def load(version: str) -> ViewState:
            return self._state_of(series.number, timebase, version, view_fold.frontier)

        view_fold = Folding(timebase, series.number, folded.versions, load)
        series.foldings[timebase] = view_fold
        return view_fold

    def _add(self, series: _Series, folding: Folding, update: Update) -> None:
        self._pending.update(folding.add(update))
        self._changed[series.number] = series.folded
        if len(self._pending) >= PENDING_MAX_ROWS:
            self._flush()

    def _fold_again(
        self, series: _Series, timebase: Timebase, position: bytes, last: bytes
    ) -> None:
        """Re-fold a series from the start of the segment that contains a position."""
        self._flush()
        view_fold = self._open(series, timebase)
        segment, states = self._states_at(series.number, timebase, position)
        self._store.forget_from(timebase, series.number, segment)
        if states:
            view_fold.begin(segment, states)
        for update in self._between(series.number, timebase, segment, last):
            self._add(series, view_fold, update)

    def _between(
        self, number: int, timebase: Timebase, position: bytes, last: bytes
    ) -> Iterator[Update]:
        return updates_between(self._view, number, timebase, position, last, self._until_ns)

    def _states_at(
        self, number: int, timebase: Timebase, position: bytes
    ) -> tuple[bytes, dict[str, ViewState]]:
        """The start of the segment that contains a position, and the states stored there."""
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
        """The state of a manifest version after all updates up to a position, inclusive."""
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
        """Write pending rows together with the fold state of their series."""
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
    """The next chunk of events."""
    found: list[Found] = []
    size = 0
    while not reading.done and len(found) < TAKEN_TOGETHER_EVENTS and size < TAKEN_TOGETHER_BYTES:
        part = reading.slice(TAKEN_TOGETHER_EVENTS - len(found))
        size += sum(len(stored) for _, stored in part)
        found += part
    return found
