"""Makes checkpoints: folds every durable update into its view, in both timebases.

Canonical order is append-only, so its rows are written once. In source time an update can be late:
the rows from its segment on are then deleted and folded again, which leaves the same rows as if it
had been in time. Rows are valid whether or not the cursor after them was written. A killed maker
therefore folds some updates again and ends with the same result.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from operator import attrgetter

from nova.core.derived.checkpoint_limits import CHECKPOINT_LIMITS, CheckpointLimits
from nova.core.derived.recent_updates import RecentUpdates
from nova.core.derived.view_fold import ViewFold
from nova.core.ordering import TIME_BYTES, TIMEBASES, Timebase, series_of_event_key, time_of
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_filter import EventFilter
from nova.core.query.range_cursor import Hit, RangeCursor, Span
from nova.core.query.updates import Update, in_both_timebases, updates_between
from nova.core.store.checkpoint_store import (
    BEFORE_ALL,
    CheckpointStore,
    SeriesFold,
    ViewState,
    position_at,
    series_row,
)
from nova.sdk.protocol.messages import Filters
from nova.sdk.timestamps import NS_MIN


@dataclass(slots=True)
class _SeriesFolds:
    """A series' stored fold state, its newest updates, and its open folds by timebase."""

    number: int
    folded: SeriesFold
    recent: RecentUpdates
    folds: dict[Timebase, ViewFold] = field(default_factory=dict)


class CheckpointMaker:
    """Maintains the checkpoints of an archive by following its canonical timeline."""

    def __init__(
        self,
        snapshot: ArchiveSnapshot,
        store: CheckpointStore,
        limits: CheckpointLimits = CHECKPOINT_LIMITS,
    ) -> None:
        self._snapshot = snapshot
        self._store = store
        self._limits = limits
        self._pending_max_rows = limits.pending_max_rows
        self._event_filter = EventFilter(Filters(lanes=["ui"]), snapshot.series)
        self._series: dict[int, _SeriesFolds] = {}
        self._pending: dict[bytes, bytes] = {}
        self._changed: dict[int, SeriesFold] = {}
        self._until_ns = NS_MIN
        """Canonical time in ns of the current chunk's end; later updates are ignored for now."""

        self._state = self._store.resume_state(self._snapshot.archive)

    @property
    def cursor_ns(self) -> int:
        """Canonical time in ns up to which all updates are folded."""
        return self._state.cursor_ns

    @property
    def first_ns(self) -> int:
        """Canonical time in ns of the archive's first event, 0 if there is none."""
        return time_of(self._state.origin) if self._state.origin else 0

    def reset(self) -> None:
        """Delete every checkpoint; the next call of `make` begins with the first update."""
        self._store.clear()
        self._series.clear()
        self._pending.clear()
        self._changed.clear()
        self._state = self._store.resume_state(self._snapshot.archive)

    def make(self, watermark: int) -> Iterator[int]:
        """Fold up to a watermark; yields the number of updates after each write."""
        self._snapshot.advance(watermark)
        if watermark <= self.cursor_ns:
            return
        self._snapshot.held_in_memory(self.cursor_ns + 1, watermark)
        if not self._state.origin:
            self._state = self._store.resume_state(self._snapshot.archive)
        self._trim()
        span = Span("canonical", self.cursor_ns + 1, watermark)
        range_cursor = RangeCursor(self._snapshot, self._event_filter, span)
        while not range_cursor.done:
            found = range_cursor.read_chunk(
                self._limits.chunk_max_events, self._limits.chunk_max_bytes
            )
            is_end = range_cursor.done or range_cursor.after is None
            self._until_ns = watermark if is_end else time_of(range_cursor.after or b"")
            self._fold_chunk(found)
            if found:
                self._state.newest = found[-1][0]
            self._write(self._until_ns)
            yield len(found)

    def _trim(self) -> None:
        """Remove the checkpoints at the times of days that were given back. Later ones stay: what
        they hold also follows from the updates that are left.
        """
        given_back = self._snapshot.archive.given_back
        for entry in given_back.entries[self._state.given_back : given_back.finished]:
            for number, names in enumerate(self._snapshot.series.names):
                if entry.has_series(names):
                    for timebase in TIMEBASES:
                        self._store.delete_before(timebase, number, position_at(entry.span[1] + 1))
            self._series.clear()
            self._state.given_back += 1
            self._store.write([self._store.state_row(self._state)])

    def _fold_chunk(self, hits: Sequence[Hit]) -> None:
        keys, stored = [key for key, _ in hits], [envelope for _, envelope in hits]
        updates = in_both_timebases(keys, stored)
        by_series: defaultdict[bytes, list[int]] = defaultdict(list)
        for place, key in enumerate(keys):
            by_series[key[TIME_BYTES:]].append(place)
        for places in by_series.values():
            series = self._cached(series_of_event_key(keys[places[0]]))
            for timebase in TIMEBASES:
                of_all = updates[timebase]
                self._fold(series, timebase, [of_all[place] for place in places])
        self._bound_recent()

    def _cached(self, number: int) -> _SeriesFolds:
        """The cached series, moved to the most recently used end."""
        series = self._series.pop(number, None)
        if series is None:
            folded = self._store.series(number) or SeriesFold()
            recent = RecentUpdates.after(folded.source.frontier)
            series = _SeriesFolds(number, folded, recent)
            if len(self._series) >= self._limits.cached_max_series:
                self._flush()
                self._series = dict(islice(self._series.items(), len(self._series) // 4, None))
        self._series[number] = series
        return series

    def _fold(self, series: _SeriesFolds, timebase: Timebase, updates: Sequence[Update]) -> None:
        """Fold new updates of a series; a late one re-folds from its segment on."""
        folded = series.folded.in_timebase(timebase)
        fresh = [update for update in updates if update.canonical_ns > folded.included_ns]
        if not fresh:
            return
        included_ns = max(update.canonical_ns for update in fresh)
        fresh.sort(key=attrgetter("position"))
        if timebase == "source":
            series.recent.add(fresh)
        view_fold = series.folds.get(timebase)
        if view_fold is None and not folded.frontier:
            view_fold = self._open_fold(series, timebase)
        if view_fold is None or fresh[0].position <= folded.frontier:
            position = min(fresh[0].position, folded.frontier)
            last = max(fresh[-1].position, folded.frontier)
            self._refold(series, timebase, position, last)
        else:
            self._add_all(series, view_fold, fresh)
        # Last, so that a maker killed before this point folds these updates again.
        folded.frontier = max(fresh[-1].position, folded.frontier)
        folded.included_ns = included_ns
        self._changed[series.number] = series.folded

    def _open_fold(self, series: _SeriesFolds, timebase: Timebase) -> ViewFold:
        folded = series.folded.in_timebase(timebase)

        def load(version: str) -> ViewState:
            return self._state_of(series.number, timebase, version, view_fold.frontier)

        view_fold = ViewFold(timebase, series.number, folded.versions, load, self._limits)
        series.folds[timebase] = view_fold
        return view_fold

    def _add_all(self, series: _SeriesFolds, fold: ViewFold, updates: Iterable[Update]) -> None:
        """Apply updates, in order; pending rows are written together with their series' state."""
        for update in updates:
            row = fold.add(update)
            if row is not None:
                self._pending[row[0]] = row[1]
                self._changed[series.number] = series.folded
                if len(self._pending) >= self._pending_max_rows:
                    self._flush()

    def _refold(
        self, series: _SeriesFolds, timebase: Timebase, position: bytes, last: bytes
    ) -> None:
        """Re-fold a series from the start of the segment that contains a position."""
        self._flush()
        view_fold = self._open_fold(series, timebase)
        segment, states = self._states_at(series.number, timebase, position)
        self._store.delete_from(timebase, series.number, segment)
        if states:
            view_fold.resume(segment, states)
        updates = series.recent.since(segment) if timebase == "source" else None
        if updates is None:
            updates = self._updates_between(series.number, timebase, segment, last)
            if timebase == "source":
                series.recent = RecentUpdates(segment)
                updates = self._kept(series.recent, updates)
        self._add_all(series, view_fold, updates)

    def _kept(self, recent: RecentUpdates, updates: Iterable[Update]) -> Iterator[Update]:
        """The updates, which are kept in memory on the way."""
        for update in updates:
            recent.add([update])
            if recent.size_bytes > self._limits.recent_max_bytes:
                recent.drop_older_half()
            yield update

    def _bound_recent(self) -> None:
        """Forget older updates until those of all series fit their limit."""
        while sum(one.recent.size_bytes for one in self._series.values()) > (
            self._limits.recent_max_bytes
        ):
            for one in self._series.values():
                one.recent.drop_older_half()

    def _updates_between(
        self, number: int, timebase: Timebase, position: bytes, last: bytes
    ) -> Iterator[Update]:
        """From the archive, which may be behind what was read of the feed."""
        self._snapshot.refresh(self._until_ns)
        return updates_between(self._snapshot, number, timebase, position, last, self._until_ns)

    def _states_at(
        self, number: int, timebase: Timebase, position: bytes
    ) -> tuple[bytes, dict[str, ViewState]]:
        """The start of the segment that contains a position, and the states stored there."""
        segment = BEFORE_ALL
        states: dict[str, ViewState] = {}
        for checkpoint in self._store.at_or_before(timebase, number, position):
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
        for checkpoint in self._store.at_or_before(timebase, number, position):
            if checkpoint.version == version:
                state = checkpoint.state()
                updates = self._updates_between(number, timebase, checkpoint.position, position)
                for update in updates:
                    if update.fields.manifest_version == version:
                        state.apply(update.fields.data, update.time_ns)
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
