"""What a LIVE client that is slow still gets: all metadata and commands, and of every other series
its newest event, so that what is shown is the present.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from core.ordering import series_of, time_of
from core.reader.reading import Found
from core.reader.view import View

PENDING_MAX_EVENTS = 5_000
"""A stream that may shed does so when more wait for its client."""

KEPT_LANES = ("metadata", "command")
"""They are few, and each says something of its own."""


class Shed(NamedTuple):
    """How many events were left out, and the canonical times, in ns, of the first and last."""

    from_ns: int
    to_ns: int
    events: int


Tell = Callable[[Shed], Awaitable[None]]
"""Tells the client what it does not get."""


class Pending:
    """Events that wait for a client, in canonical order: all, until they are too many."""

    def __init__(self, view: View, max_events: int | None = None) -> None:
        self._view = view
        self._max_events = PENDING_MAX_EVENTS if max_events is None else max_events
        self._room = self._max_events
        self.events: list[Found] = []
        self.shed: Shed | None = None

    def add(self, found: Sequence[Found]) -> None:
        """Take in what came next."""
        self.events += found
        if len(self.events) > self._room:
            self._coalesce()
            self._room = self._max_events + len(self.events)

    def close(self) -> None:
        """All that waits is there: where some of it was left out, no older event stays."""
        if self.shed is not None:
            self._coalesce()

    def _coalesce(self) -> None:
        newest = {series_of(place): place for place, _ in self.events}
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
