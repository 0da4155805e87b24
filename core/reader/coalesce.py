"""Conflation for slow LIVE clients: they get all metadata and commands, and only the newest event
of every other series, so that they keep showing the present.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from core.ordering import series_of, time_of
from core.reader.reading import Found
from core.reader.view import View

PENDING_MAX_EVENTS = 5_000
"""A stream that may conflate does so when more events than this wait for its client."""

KEPT_LANES = ("metadata", "command")
"""Never conflated: their events are few, and each one has its own meaning."""


class Shed(NamedTuple):
    """The number of dropped events, and the canonical times, in ns, of the first and last one."""

    from_ns: int
    to_ns: int
    events: int


Tell = Callable[[Shed], Awaitable[None]]
"""Informs the client of the events that it does not get."""


class Pending:
    """Events that wait for a client, in canonical order; conflated above `max_events`."""

    def __init__(self, view: View, max_events: int | None = None) -> None:
        self._view = view
        self._max_events = PENDING_MAX_EVENTS if max_events is None else max_events
        self._room = self._max_events
        self.events: list[Found] = []
        self.shed: Shed | None = None

    def add(self, found: Sequence[Found]) -> None:
        """Append events that follow in canonical order."""
        self.events += found
        if len(self.events) > self._room:
            self._coalesce()
            self._room = self._max_events + len(self.events)

    def close(self) -> None:
        """End the batch. If anything was dropped, conflate once more: otherwise events older than
        the dropped ones would remain.
        """
        if self.shed is not None:
            self._coalesce()

    def _coalesce(self) -> None:
        newest = {series_of(key): key for key, _ in self.events}
        names = self._view.series.names
        kept: list[Found] = []
        left: list[int] = []
        for event in self.events:
            number = series_of(event[0])
            if newest[number] == event[0] or names[number].lane in KEPT_LANES:
                kept.append(event)
            else:
                left.append(time_of(event[0]))
        if left:
            before = self.shed or Shed(left[0], left[0], 0)
            self.shed = Shed(
                min(before.from_ns, left[0]),
                max(before.to_ns, left[-1]),
                before.events + len(left),
            )
        self.events = kept
