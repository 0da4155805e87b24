"""What the followers of an owner's streams have to get, by hand from a list of all events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from nova.core.ordering import LAST_TAIL, TIMEBASES, Timebase, time_key
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_filter import EventFilter
from nova.core.query.range_cursor import RangeCursor, Span
from nova.core.server.owner_timeline import OwnerRun
from nova.sdk.events.event import check_stored
from nova.sdk.protocol.messages import Filters


class ModelEvent(NamedTuple):
    """An event as the model knows it."""

    key: bytes
    stored: bytes
    canonical_ns: int
    lane: str
    unit: str

    def matches(self, filters: Filters) -> bool:
        """Whether filters of lanes and units select it."""
        return (filters.lanes is None or self.lane in filters.lanes) and (
            filters.unique_id in (None, self.unit)
        )


class FollowModel:
    """All events in both orders, and what owner and followers have to get of them."""

    def __init__(self, view: ArchiveSnapshot) -> None:
        self._view = view
        self._events: dict[Timebase, list[ModelEvent]] = {}

    async def load(self) -> None:
        """Read everything."""
        for timebase in TIMEBASES:
            everything = EventFilter(Filters(), self._view.series)
            reading = RangeCursor(self._view, everything, Span(timebase))
            events = self._events[timebase] = []
            while not reading.done:
                for key, stored in await reading.next_slice(1_000):
                    event, canonical_ns = check_stored(stored)
                    series = event.series
                    events.append(
                        ModelEvent(key, stored, canonical_ns, series.lane, series.unique_id)
                    )

    def events(self, timebase: Timebase) -> list[ModelEvent]:
        """All events in an order."""
        return self._events[timebase]

    def covered(self, run: OwnerRun, after: bytes | None, filters: Filters) -> list[bytes]:
        """What filters select of what a run has covered beyond `after`."""
        span = run.span
        events = self._events[span.timebase]
        upper = time_key(span.stop_ns) + LAST_TAIL
        found = [
            event.stored
            for event in (reversed(events) if span.reverse else events)
            if event.matches(filters)
            and time_key(span.start_ns) <= event.key <= upper
            and event.canonical_ns <= run.watermark
            and (after is None or self._is_beyond(event.key, after, span))
            and self._is_within(event.key, run)
        ]
        return found + self._tail(run, run.watermark, filters)

    def _tail(self, run: OwnerRun, from_ns: int, filters: Filters) -> list[bytes]:
        if run.tail_ns is None:
            return []
        return [
            event.stored
            for event in self._events["canonical"]
            if event.matches(filters) and from_ns < event.canonical_ns <= run.tail_ns
        ]

    def _is_beyond(self, key: bytes, after: bytes, span: Span) -> bool:
        return key < after if span.reverse else key > after

    def _is_within(self, key: bytes, run: OwnerRun) -> bool:
        if run.has_whole_history:
            return True
        if run.bound is None:
            return False
        return key >= run.bound if run.span.reverse else key <= run.bound

    def of_follower(
        self, runs: Sequence[OwnerRun], resumed: Sequence[bool], filters: Filters
    ) -> list[bytes]:
        """What a follower of all runs has to get; a resumed one continues the one before."""
        found: list[bytes] = []
        reached: bytes | None = None
        for run, is_resumed in zip(runs, resumed, strict=True):
            after = self._further(run, run.after, reached) if is_resumed else run.after
            found += self.covered(run, after, filters)
            reached = self._further(run, after, run.bound)
        return found

    def _further(self, run: OwnerRun, one: bytes | None, other: bytes | None) -> bytes | None:
        known = [key for key in (one, other) if key is not None]
        if not known:
            return None
        return min(known) if run.span.reverse else max(known)
