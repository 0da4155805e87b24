"""Folds the updates of one view in one timebase into states, and emits checkpoint rows at segment
boundaries.

Rows are a pure function of the updates and their order: two archives with the same updates have the
same rows, in whatever order they received them.
"""

from __future__ import annotations

from collections.abc import Callable

from nova.core.derived.checkpoint_limits import CHECKPOINT_LIMITS, CheckpointLimits
from nova.core.ordering import Timebase
from nova.core.query.updates import Update
from nova.core.store.checkpoint_store import (
    BEFORE_ALL,
    HOUR_NS,
    ViewState,
    checkpoint_row,
    hour_start,
    position_at,
    position_before,
    position_time,
)
from nova.core.store.key_value import KeyValue
from nova.sdk.timestamps import NS_MAX, NS_MIN

LoadState = Callable[[str], ViewState]
"""Called with a manifest version seen before; returns its state at the frontier."""


class ViewFold:
    """The fold of one series in one timebase, up to its frontier."""

    def __init__(
        self,
        timebase: Timebase,
        number: int,
        versions: list[str],
        load: LoadState,
        limits: CheckpointLimits = CHECKPOINT_LIMITS,
    ) -> None:
        self.frontier = BEFORE_ALL
        """Position of the last folded update."""

        self._versions = versions
        self._timebase: Timebase = timebase
        self._number = number
        self._load = load
        self._limits = limits
        self._segment_events = limits.segment_events
        self._states: dict[str, ViewState] = {}
        self._last: dict[str, Update] = {}
        """By version the last update, which its state lacks. An update of the same keys replaces
        all that one before it has set, so most are never applied.
        """

        self._segment: bytes | None = None
        self._in_segment: set[str] = set()
        self._events = self._bytes = self._row_bytes = 0
        # End of the segment's hour. Canonical time has no hour boundaries.
        self._hour_end_ns = NS_MIN if timebase == "source" else NS_MAX + 1

    def resume(self, segment: bytes, states: dict[str, ViewState]) -> None:
        """Resume at the start of a segment with the states that the versions had there."""
        self._segment, self._states = segment, states
        self._last.clear()
        if self._timebase == "source":
            self._hour_end_ns = hour_start(position_time(segment)) + HOUR_NS
        self.frontier = position_before(segment)

    def add(self, update: Update) -> KeyValue | None:
        """Apply one update, in order. Returns the checkpoint row to write if this update is the
        first of its manifest version in a segment.
        """
        if self._ends_segment(update):
            self._segment = self._segment_start(update)
            self._in_segment.clear()
            self._events = self._bytes = self._row_bytes = 0
        version = update.fields.manifest_version
        state = self._state(version)
        row: KeyValue | None = None
        if version not in self._in_segment:
            assert self._segment is not None
            self._apply_last(version, state)
            self._in_segment.add(version)
            row = checkpoint_row(self._timebase, self._number, self._segment, version, state)
            self._row_bytes += len(row[1])
        last = self._last.get(version)
        if last is not None and list(last.fields.data) != list(update.fields.data):
            self._apply_last(version, state)
        self._last[version] = update
        self._events += 1
        self._bytes += len(update.stored)
        self.frontier = update.position
        return row

    def _apply_last(self, version: str, state: ViewState) -> None:
        last = self._last.pop(version, None)
        if last is not None:
            state.apply(last.fields.data, last.time_ns)

    def _ends_segment(self, update: Update) -> bool:
        """Whether an update starts a new segment: by its hour, or because the segment is full. A
        segment with large states also needs as many bytes of updates as of rows, so that rows never
        outgrow the updates they are computed from.
        """
        if self._segment is None or update.time_ns >= self._hour_end_ns:
            return True
        return self._events >= self._segment_events and self._bytes >= self._row_bytes

    def _segment_start(self, update: Update) -> bytes:
        if self._timebase == "source" and update.time_ns >= self._hour_end_ns:
            hour_ns = hour_start(update.time_ns)
            self._hour_end_ns = hour_ns + HOUR_NS
            return position_at(hour_ns)
        return update.position

    def _state(self, version: str) -> ViewState:
        state = self._states.get(version)
        if state is None:
            state = self._load(version) if self._record_version(version) else ViewState()
            if len(self._states) >= self._limits.states_max:
                oldest = next(iter(self._states))
                del self._states[oldest]
                self._last.pop(oldest, None)
            self._states[version] = state
        return state

    def _record_version(self, version: str) -> bool:
        """Whether a manifest version may have been seen before; records it as seen. True for any
        version once as many as the limit are recorded.
        """
        known = self._versions
        if version in known:
            return True
        if len(known) < self._limits.versions_max:
            known.append(version)
            return False
        return True
