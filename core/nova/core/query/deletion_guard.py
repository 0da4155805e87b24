"""Refuses to continue a read whose events are deleted by retention meanwhile: its rest would be
silently short.
"""

from __future__ import annotations

from nova.core.errors import RequestError
from nova.core.ordering import Timebase
from nova.core.query.event_filter import EventFilter
from nova.core.store.given_back import DayGivenBack, GivenBackDays


class DeletionGuard:
    """Watches over one read of a range that began when `finished` days were given back."""

    def __init__(
        self,
        given_back: GivenBackDays,
        event_filter: EventFilter,
        timebase: Timebase,
        span: tuple[int, int],
        finished: int | None = None,
    ) -> None:
        self._given_back = given_back
        self._event_filter = event_filter
        self._timebase = timebase
        self._span = span
        self._finished = given_back.finished if finished is None else finished

    def check(self) -> None:
        """Raise RequestError if events of the range were deleted since, or are being deleted."""
        for entry in self._given_back.since(self._finished):
            if self._overlaps(entry) and self._event_filter.matches_lane(
                entry.scope_id, entry.lane
            ):
                when = "was" if entry.is_finished else "is being"
                raise RequestError(
                    "givenBack",
                    f"{entry.day} of {entry.scope_id}/{entry.lane} {when} given back by retention "
                    "while it was read: request the range again, or one that begins later",
                )

    def _overlaps(self, entry: DayGivenBack) -> bool:
        spans = [entry.span] if self._timebase == "canonical" else entry.source_spans
        start_ns, stop_ns = self._span
        return any(first <= stop_ns and last >= start_ns for first, last in spans)
