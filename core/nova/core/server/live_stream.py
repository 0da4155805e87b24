"""The live tail, which holds the newest durable events in memory, and the streams that follow it.

Each stream has its own canonical position. Events that the tail has dropped are read from the store
in the same order, so a slow client gets every event and does not make memory grow. A stream that
was requested with `shed` stays at the present instead, and reports the gaps.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import accumulate, takewhile

from nova.core.commit_feed import CommitFrame, CommittedEvent
from nova.core.effect import moment
from nova.core.ordering import Timebase, time_of
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_filter import EventFilter
from nova.core.query.playback import CHUNK_MAX_BYTES, SendChunk
from nova.core.query.range_cursor import NO_KEY, Hit, RangeCursor, Span
from nova.core.server.conflation import Conflation, ConflationBuffer, ConflationGap
from nova.core.server.lag import Lag
from nova.core.server.owner_timeline import OwnerTimeline
from nova.core.server.tail_chunk import (
    SharedHits,
    TailChunk,
    TailCommit,
    TailSegment,
    selected,
    split_chunks,
)
from nova.sdk.timestamps import NS_MAX, NS_PER_SECOND

IDLE_INTERVAL_S = 0.5
PRESENT_LAG_MAX_S = 10.0
"""A stream shows the present if it has sent all events that were durable this long ago."""


SHARED_MAX_EVENTS = 5_000
"""The newest events that are kept as filters have selected them."""


class LiveTail:
    """The newest events: all after `_floor` up to the snapshot's watermark, in canonical order.

    Streams with the same filter share what it selects of each of the newest commits, and at the
    same position their chunk, as hundreds of clients at the present are.
    """

    def __init__(self, snapshot: ArchiveSnapshot, keep_events: int) -> None:
        self._snapshot = snapshot
        self._keep_events = keep_events
        self._events: deque[CommittedEvent] = deque()
        self._recent: deque[TailCommit] = deque()
        """The newest commits, with what filters have selected of them."""
        self._recent_events = 0
        self._floor = 0
        self._advanced = asyncio.Event()
        self._chunks: dict[Hashable, TailChunk] = {}
        """What was read of the tail since the last commit."""

    async def apply(self, committed: CommitFrame) -> None:
        """Apply a commit that the writer announced, and wake the streams."""
        for number, names in committed.series:
            self._snapshot.add_series(number, names)
        before = self._snapshot.watermark
        self._snapshot.advance(committed.watermark, committed.events)
        self._chunks.clear()
        if committed.events is None:
            self.clear()
        else:
            self._events.extend(committed.events)
            self._recent.append(TailCommit(committed.events, before, self._snapshot.watermark))
            self._recent_events += len(committed.events)
            self._trim()
        # All streams that wait wake in one turn of the event loop, before the next commit is read,
        # so they are at the same position and share its chunk.
        advanced, self._advanced = self._advanced, asyncio.Event()
        advanced.set()

    def clear(self) -> None:
        """Drop all events: some may have been missed, so streams must read from the store."""
        self._events.clear()
        self._recent.clear()
        self._recent_events = 0
        self._floor = self._snapshot.watermark

    def _trim(self) -> None:
        while len(self._recent) > 1 and self._recent_events > SHARED_MAX_EVENTS:
            self._recent_events -= len(self._recent.popleft().events)
        while len(self._events) > self._keep_events:
            self._floor = time_of(self._events.popleft()[0])

    async def wait_past(self, position: int, timeout_s: float) -> bool:
        """Wait until the watermark passes a position; False on timeout."""
        if self._snapshot.watermark > position:
            return True
        try:
            async with asyncio.timeout(timeout_s):
                while self._snapshot.watermark <= position:
                    await self._advanced.wait()
        except TimeoutError:
            return False
        return True

    def chunk_after(
        self, position: int, event_filter: EventFilter, max_events: int | None, max_bytes: int
    ) -> TailChunk | None:
        """The wanted ones of the first events after a canonical position, or of all for
        `max_events` None; None if the tail starts later.
        """
        if position < self._floor:
            return None
        place = position, self._snapshot.watermark, event_filter.key, max_events, max_bytes
        found = self._chunks.get(place)
        if found is None:
            commits = self._whole_commits(position, max_events, max_bytes)
            if commits:
                segments = [one.segment(event_filter) for one in commits]
                found = TailChunk(segments, commits[-1].position)
            else:
                found = self._part(position, event_filter, max_events, max_bytes)
            self._chunks[place] = found
        return found

    def _whole_commits(
        self, position: int, max_events: int | None, max_bytes: int
    ) -> Sequence[TailCommit]:
        """The recent commits after a position, up to limits; none if it is within one or before
        them, or the first is over a limit.
        """
        newer = list(takewhile(lambda one: one.position > position, reversed(self._recent)))[::-1]
        if not newer or newer[0].before != position:
            return ()
        if max_events is None:
            return newer
        events = accumulate(len(one.events) for one in newer)
        sizes = accumulate(one.size_bytes for one in newer)
        fitting = zip(events, sizes, strict=True)
        return newer[: sum(count <= max_events and size <= max_bytes for count, size in fitting)]

    def _part(
        self, position: int, event_filter: EventFilter, max_events: int | None, max_bytes: int
    ) -> TailChunk:
        newer = self.since(position) or []
        part: Sequence[CommittedEvent] = newer
        if max_events is not None:
            part = next(split_chunks(newer, max_events, max_bytes), [])
        is_all = len(part) == len(newer)
        reached = self._snapshot.watermark if is_all else time_of(part[-1][0])
        return TailChunk([TailSegment(selected(part, event_filter))], reached)

    def since(self, position: int) -> list[CommittedEvent] | None:
        """The events after a canonical position; None if the tail starts later."""
        if position < self._floor:
            return None
        newer = takewhile(lambda event: time_of(event[0]) > position, reversed(self._events))
        return list(newer)[::-1]


class LiveStream:
    """One client's LIVE stream: history in order, then each commit as it becomes durable."""

    def __init__(
        self,
        snapshot: ArchiveSnapshot,
        tail: LiveTail,
        event_filter: EventFilter,
        *,
        chunk_max_events: int,
        conflation: Conflation | None = None,
        is_present: bool = False,
        lag_max_s: float = PRESENT_LAG_MAX_S,
        chunk_bytes: Callable[[], int] = lambda: CHUNK_MAX_BYTES,
    ) -> None:
        """With `conflation`, the stream conflates for a slow client and reports what was dropped.
        `is_present`: the stream has no history to send before it shows the present.
        `chunk_bytes` returns the maximum bytes of the next chunk.
        """
        self._chunk_bytes = chunk_bytes
        self._snapshot = snapshot
        self._tail = tail
        self._event_filter = event_filter
        self._chunk_max_events = chunk_max_events
        self._conflation = conflation
        self._position = snapshot.watermark
        self._timebase: Timebase = "canonical"
        self._resumable = True
        self._lag = Lag(lag_max_s, is_present=is_present)
        self._timeline = OwnerTimeline()
        self._is_in_tail = False

    @property
    def is_present(self) -> bool:
        """Whether the stream lags the watermark by `lag_max_s` at most."""
        return self._lag.is_present

    async def run(
        self,
        history: RangeCursor,
        stop_ns: int,
        send: SendChunk,
        timeline: OwnerTimeline | None = None,
    ) -> int:
        """Send history up to its watermark, then follow from there; returns the last cursor, ns.
        What is sent is published to `timeline`.
        """
        self._timeline = timeline or self._timeline
        self._position = history.watermark
        self._timebase = history.span.timebase
        await self._drain(history, send)
        self._is_in_tail = True
        self._timeline.advance_tail(self._now(), self._position)
        self._lag.look(self._snapshot.watermark)
        self._lag.sent(self._position)
        # The tail is in canonical order; its keys cannot resume a stream in source order.
        self._resumable = self._timebase == "canonical"
        loop = asyncio.get_running_loop()
        sent_at = loop.time()
        while (now := self._now()) < stop_ns:
            idle_s = sent_at + IDLE_INTERVAL_S - loop.time()
            wait_s = max(0.0, min(idle_s, (stop_ns - now) / NS_PER_SECOND))
            news = await self._tail.wait_past(self._position, wait_s)
            self._lag.look(self._snapshot.watermark)
            if news and await self._send_newer(send):
                sent_at = loop.time()
            elif loop.time() >= sent_at + IDLE_INTERVAL_S:
                await send(self._now(), [])
                sent_at = loop.time()
            self._timeline.advance_tail(self._now(), self._position)
            # A step may have sent only a part of what was durable when it began.
            self._lag.sent(self._position)
        return stop_ns

    def _now(self) -> int:
        """The clock of a LIVE timeline in ns; receive times are never ahead of it."""
        return moment.now(self._timebase, self._snapshot.watermark).time_ns

    async def _send_newer(self, send: SendChunk) -> bool:
        """Send the events that became durable after the position; returns whether any were sent."""
        # Events that the client is not ready for stay in the shared tail or in the store.
        max_events = self._chunk_max_events if self._conflation is None else None
        chunk = self._tail.chunk_after(
            self._position, self._event_filter, max_events, self._chunk_bytes()
        )
        if chunk is None:
            return await self._from_store(send)
        self._position = chunk.position
        if self._conflation is not None:
            conflated = chunk.conflated(
                self._snapshot,
                self._conflation.pending_max_events,
                self._chunk_max_events,
                self._chunk_bytes(),
            )
            return await self._send_conflated(self._conflation, conflated, send)
        if chunk.events:
            await self._send(send, chunk.events)
        return bool(chunk.events)

    async def _from_store(self, send: SendChunk) -> bool:
        span = Span("canonical", self._position + 1, NS_MAX)
        range_cursor = RangeCursor(self._snapshot, self._event_filter, span)
        self._position = range_cursor.watermark
        if self._conflation is None:
            return await self._drain(range_cursor, send)
        buffer = ConflationBuffer(self._snapshot, self._conflation.pending_max_events)
        while not range_cursor.done:
            buffer.add(await range_cursor.next_slice(self._chunk_max_events))
        buffer.finish()
        chunks = split_chunks(buffer.events, self._chunk_max_events, self._chunk_bytes())
        return await self._send_conflated(self._conflation, (chunks, buffer.gap), send)

    async def _send_conflated(
        self,
        conflation: Conflation,
        conflated: tuple[Iterable[Sequence[Hit]], ConflationGap | None],
        send: SendChunk,
    ) -> bool:
        chunks, gap = conflated
        if gap is not None:
            await conflation.report_gap(gap)
        is_sent = False
        for chunk in chunks:
            await self._send(send, chunk)
            is_sent = True
        return is_sent

    async def _drain(self, range_cursor: RangeCursor, send: SendChunk) -> bool:
        sent = False
        while not range_cursor.done:
            events = await range_cursor.next_slice(self._chunk_max_events, self._chunk_bytes())
            if events:
                await self._send(send, events)
                sent = True
        return sent

    async def _send(self, send: SendChunk, events: Sequence[Hit]) -> None:
        now, last_key = self._now(), events[-1][0]
        if not self._resumable:
            events = (
                events.keyless()
                if isinstance(events, SharedHits)
                else [(NO_KEY, stored) for _, stored in events]
            )
        try:
            await send(now, events)
        finally:  # A cancelled sender is not waited for, but its chunk is delivered.
            if self._is_in_tail:
                self._timeline.advance_tail(now, time_of(last_key))
            else:
                self._timeline.advance(now, last_key)
