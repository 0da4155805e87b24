"""Folding one view in one timebase: its updates in order become states, and rows where segments
begin.

Which rows there are, and what is in them, follows from the updates and their order alone: two
archives with the same updates have the same rows, in whatever order they learned of them (A-223).
"""

from __future__ import annotations

from collections.abc import Callable

from core.ordering import Timebase
from core.reader.updates import Update
from core.store.checkpoints import (
    BEFORE_ALL,
    HOUR_NS,
    SEGMENT_EVENTS,
    VERSIONS_MAX,
    ViewState,
    checkpoint_row,
    hour_of,
    position_at,
    position_before,
    position_time,
)
from core.store.scan import Row
from sdk.timestamps import NS_MAX, NS_MIN

STATES_MAX = 16
"""States of so many versions are kept at once."""

Load = Callable[[str], ViewState]
"""Takes a version that was told of before; returns its state at the frontier."""


class Folding:
    """A series at the position up to which it is folded."""

    def __init__(self, timebase: Timebase, number: int, versions: list[str], load: Load) -> None:
        self.frontier = BEFORE_ALL
        """The position of the last update that is folded here."""

        self._versions = versions
        self._timebase: Timebase = timebase
        self._number = number
        self._load = load
        self._states: dict[str, ViewState] = {}
        self._segment: bytes | None = None
        self._in_segment: set[str] = set()
        self._events = self._bytes = self._row_bytes = 0
        # Of the hour of the segment; in canonical time there are none.
        self._hour_end_ns = NS_MIN if timebase == "source" else NS_MAX + 1

    def begin(self, segment: bytes, states: dict[str, ViewState]) -> None:
        """Go on from the begin of a segment, where versions had these states."""
        self._segment, self._states = segment, states
        if self._timebase == "source":
            self._hour_end_ns = hour_of(position_time(segment)) + HOUR_NS
        self.frontier = position_before(segment)

    def add(self, update: Update) -> list[Row]:
        """Fold the next update in order; returns the row that it is the first to need, if any."""
        if self._ends_segment(update):
            self._segment = self._begin_of_segment(update)
            self._in_segment.clear()
            self._events = self._bytes = self._row_bytes = 0
        version = update.told.manifest_version
        state = self._state(version)
        rows: list[Row] = []
        if version not in self._in_segment:
            assert self._segment is not None
            self._in_segment.add(version)
            row = checkpoint_row(self._timebase, self._number, self._segment, version, state)
            self._row_bytes += len(row[1])
            rows.append(row)
        state.take(update.told.data, update.time_ns)
        self._events += 1
        self._bytes += len(update.stored)
        self.frontier = update.position
        return rows

    def _ends_segment(self, update: Update) -> bool:
        """Whether an update is the first of another hour, or one too many. Large states wait for as
        many bytes of updates, so that rows never outgrow what they are made of.
        """
        if self._segment is None or update.time_ns >= self._hour_end_ns:
            return True
        return self._events >= SEGMENT_EVENTS and self._bytes >= self._row_bytes

    def _begin_of_segment(self, update: Update) -> bytes:
        if self._timebase == "source" and update.time_ns >= self._hour_end_ns:
            hour_ns = hour_of(update.time_ns)
            self._hour_end_ns = hour_ns + HOUR_NS
            return position_at(hour_ns)
        return update.position

    def _state(self, version: str) -> ViewState:
        state = self._states.get(version)
        if state is None:
            state = self._load(version) if self._was_told(version) else ViewState()
            if len(self._states) >= STATES_MAX:
                del self._states[next(iter(self._states))]
            self._states[version] = state
        return state

    def _was_told(self, version: str) -> bool:
        """Whether a version may have been told of before; notes it."""
        known = self._versions
        if version in known:
            return True
        if len(known) < VERSIONS_MAX:
            known.append(version)
            return False
        return True
