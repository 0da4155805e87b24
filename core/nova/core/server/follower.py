"""A follower: streams its own selection of what another connection's stream covers, as far as that
has got, each event once and in the owner's order.

Events wait in the store, not here. A follower that is behind when its owner pauses or goes
elsewhere reads a bounded rest of the range and continues where the owner is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from itertools import takewhile
from typing import NamedTuple

from nova.core.commit_feed import CommittedEvent
from nova.core.ordering import time_of
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_filter import EventFilter
from nova.core.query.playback import READ_AHEAD_MAX_BYTES, SendChunk
from nova.core.query.range_cursor import NO_KEY, Hit, RangeCursor, Span
from nova.core.server.live_stream import LiveTail
from nova.core.server.owner_timeline import FollowedRun, OwnerRun, RunFeed
from nova.core.server.tail_chunk import selected, split_chunks

LEFT_MAX_BYTES = 16 * 1024 * 1024
"""What a follower reads of ranges that its owner has left, which takes a fraction of a second."""

SLICE_MIN_BYTES = READ_AHEAD_MAX_BYTES
"""What a slice counts at least: one with few events of the selection has read others too."""

ReportSkipped = Callable[[int], Awaitable[None]]
"""Informs the client of ranges with a rest that is not sent."""


class FollowedEvents(NamedTuple):
    """Where a follower reads, what, and how much in a chunk."""

    snapshot: ArchiveSnapshot
    tail: LiveTail
    event_filter: EventFilter
    chunk_max_events: int
    chunk_bytes: Callable[[], int]


class LeftAllowance:
    """How much a follower may still read of ranges that its owner has left."""

    def __init__(self, feed: RunFeed, max_bytes: int, slice_min_bytes: int) -> None:
        self._feed = feed
        self._max_bytes = max_bytes
        self._slice_min_bytes = slice_min_bytes
        self._left_bytes = max_bytes

    def may_read(self) -> bool:
        """Whether another slice may be read of the range."""
        if self._feed.is_current:
            self._left_bytes = self._max_bytes
        return self._left_bytes > 0

    def count(self, events: Sequence[CommittedEvent] | Sequence[Hit]) -> None:
        """Count a slice that was read."""
        if not self._feed.is_current:
            size_bytes = sum(len(event[1]) for event in events)
            self._left_bytes -= max(size_bytes, self._slice_min_bytes)


class FollowedRange:
    """Reads what one stream of the owner covers: its history, then its tail."""

    def __init__(self, source: FollowedEvents, followed: FollowedRun) -> None:
        self._source = source
        self._run = followed.run
        self._ahead: deque[Hit] = deque()
        self._position = self._run.watermark
        self._history: RangeCursor | None = None
        if followed.tail_from_ns is not None:
            self._position = followed.tail_from_ns
        else:
            self._history = RangeCursor(
                source.snapshot,
                source.event_filter,
                self._run.span,
                followed.after,
                watermark=self._run.watermark,
            )

    @property
    def run(self) -> OwnerRun:
        return self._run

    @property
    def is_caught_up(self) -> bool:
        """Whether everything is read that the owner covers."""
        return not (self._has_history() or self._has_tail())

    async def next_events(self, allowance: LeftAllowance) -> list[Hit]:
        """The next events, as many as a chunk holds; none if the owner has got no further."""
        if self._history is not None:
            events = await self._next_of_history(self._history, allowance)
            is_over = self._history.done and not self._ahead
            if events or not (is_over and self._run.has_whole_history):
                return events
            self._history = None
        return await self._next_of_tail(allowance)

    def _has_history(self) -> bool:
        if self._ahead:
            return self._run.covers(self._ahead[0][0])
        history = self._history
        return history is not None and not history.done and self._run.covers_beyond(history.after)

    async def _next_of_history(self, history: RangeCursor, allowance: LeftAllowance) -> list[Hit]:
        due: list[Hit] = []
        size, max_bytes = 0, self._source.chunk_bytes()
        while len(due) < self._source.chunk_max_events and size < max_bytes:
            if not self._has_history():
                break
            if self._ahead:
                due.append(self._ahead.popleft())
                size += len(due[-1][1])
            elif allowance.may_read():
                # Whoever has sent a slice whole is behind, and reads as much as a chunk holds.
                is_behind = due or self._run.has_whole_history
                room = max_bytes - size if is_behind else READ_AHEAD_MAX_BYTES
                read = await history.next_slice(self._source.chunk_max_events, room)
                allowance.count(read)
                self._ahead.extend(read)
            else:
                break
        return due

    def _has_tail(self) -> bool:
        return self._run.tail_ns is not None and self._position < self._run.tail_ns

    async def _next_of_tail(self, allowance: LeftAllowance) -> list[Hit]:
        while self._has_tail() and allowance.may_read():
            newer = self._source.tail.since(self._position)
            if newer is None:
                events = await self._next_of_store()
                allowance.count(events)
            else:
                chunk = self._first_chunk(newer)
                allowance.count(chunk)
                events = selected(chunk, self._source.event_filter)
            if events:
                if self._run.tail_is_unordered:
                    return [(NO_KEY, stored) for _, stored in events]
                return events
        return []

    def _first_chunk(self, newer: list[CommittedEvent]) -> Sequence[CommittedEvent]:
        limit_ns = self._run.tail_ns or self._position
        covered = list(takewhile(lambda event: time_of(event[0]) <= limit_ns, newer))
        chunks = split_chunks(covered, self._source.chunk_max_events, self._source.chunk_bytes())
        part = next(chunks, [])
        is_all = len(part) == len(covered)
        self._position = limit_ns if is_all else time_of(part[-1][0])
        return part

    async def _next_of_store(self) -> list[Hit]:
        """A slice of what the shared tail holds no longer."""
        source, limit_ns = self._source, self._run.tail_ns or self._position
        span = Span("canonical", self._position + 1, limit_ns)
        reading = RangeCursor(source.snapshot, source.event_filter, span)
        events = await reading.next_slice(source.chunk_max_events, source.chunk_bytes())
        is_over = reading.done or reading.after is None
        self._position = limit_ns if is_over else time_of(reading.after or NO_KEY)
        return events


class Follower:
    """Sends a selection of what the owner's streams cover, until the owner's connection ends."""

    def __init__(
        self,
        feed: RunFeed,
        source: FollowedEvents,
        report_skipped: ReportSkipped,
        *,
        left_max_bytes: int = LEFT_MAX_BYTES,
        slice_min_bytes: int = SLICE_MIN_BYTES,
    ) -> None:
        self._feed = feed
        self._source = source
        self._report_skipped = report_skipped
        self._allowance = LeftAllowance(feed, left_max_bytes, slice_min_bytes)
        self._cursor_ns: int | None = None

    async def run(self, send: SendChunk) -> int:
        """Send until the owner's connection has ended; returns the last cursor in ns."""
        while True:
            self._feed.news.clear()
            if self._feed.runs:
                await self._follow(FollowedRange(self._source, self._feed.runs[0]), send)
            elif self._feed.is_closed:
                break
            else:
                await self._feed.news.wait()
        await self._report()
        return self._cursor_ns or 0

    async def _follow(self, followed: FollowedRange, send: SendChunk) -> None:
        """Send what one of the owner's streams covers, until the owner plays another or is gone."""
        feed = self._feed
        while True:
            feed.news.clear()
            if await self._send_next(followed, send):
                continue
            if len(feed.runs) > 1 or feed.is_closed:
                break
            await feed.news.wait()
        feed.skipped += not followed.is_caught_up
        feed.runs.pop(0)

    async def _send_next(self, followed: FollowedRange, send: SendChunk) -> bool:
        """Send a chunk, empty if only the cursor has moved; False if there is nothing to send."""
        events = await followed.next_events(self._allowance)
        cursor_ns = followed.run.cursor_ns
        if events and not followed.is_caught_up and events[-1][0]:
            cursor_ns = time_of(events[-1][0])
        if not events and (cursor_ns == self._cursor_ns or not self._feed.is_current):
            return False
        self._cursor_ns = cursor_ns
        await self._report()
        await send(cursor_ns, events)
        return True

    async def _report(self) -> None:
        skipped, self._feed.skipped = self._feed.skipped, 0
        if skipped:
            await self._report_skipped(skipped)
