"""Conflation for slow LIVE clients: they get all metadata and commands, and only the newest event
of every other series, so that they keep showing the present.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from nova.core.ordering import series_of_event_key, time_of
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.range_cursor import Hit

PENDING_MAX_EVENTS = 5_000
"""A stream that may conflate does so when more events than this wait for its client."""

UNCONFLATED_LANES = ("metadata", "command")
"""Never conflated: their events are few, and each one has its own meaning."""


class ConflationGap(NamedTuple):
    """The number of dropped events, and the canonical times, in ns, of the first and last one."""

    from_ns: int
    to_ns: int
    events: int


ReportGap = Callable[[ConflationGap], Awaitable[None]]
"""Informs the client of the events that it does not get."""


class Conflation(NamedTuple):
    """How a stream stays at the present: who gets the gaps, and how many events may wait."""

    report_gap: ReportGap
    pending_max_events: int = PENDING_MAX_EVENTS


class ConflationBuffer:
    """Events that wait for a client, in canonical order; conflated above `max_events`."""

    def __init__(self, snapshot: ArchiveSnapshot, max_events: int = PENDING_MAX_EVENTS) -> None:
        self._snapshot = snapshot
        self._max_events = max_events
        self._limit = self._max_events
        self.events: list[Hit] = []
        self.gap: ConflationGap | None = None

    def add(self, events: Sequence[Hit]) -> None:
        """Append events that follow in canonical order."""
        self.events += events
        if len(self.events) > self._limit:
            self._conflate()
            self._limit = self._max_events + len(self.events)

    def finish(self) -> None:
        """End the batch. If anything was dropped, conflate once more: otherwise events older than
        the dropped ones would remain.
        """
        if self.gap is not None:
            self._conflate()

    def _conflate(self) -> None:
        newest = {series_of_event_key(key): key for key, _ in self.events}
        names = self._snapshot.series.names
        kept: list[Hit] = []
        left: list[int] = []
        for event in self.events:
            number = series_of_event_key(event[0])
            if newest[number] == event[0] or names[number].lane in UNCONFLATED_LANES:
                kept.append(event)
            else:
                left.append(time_of(event[0]))
        if left:
            before = self.gap or ConflationGap(left[0], left[0], 0)
            self.gap = ConflationGap(
                min(before.from_ns, left[0]),
                max(before.to_ns, left[-1]),
                before.events + len(left),
            )
        self.events = kept
