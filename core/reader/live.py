"""The live tail, which holds the newest durable events in memory, and the streams that follow it.

Each stream has its own canonical position. Events that the tail has dropped are read from the store
in the same order, so a slow client gets every event and does not make memory grow. A stream that
was requested with `shed` stays at the present instead, and reports the gaps.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile

from core.effect import moment
from core.feed import Committed, CommittedEvent
from core.ordering import Timebase, series_of, time_of
from core.reader.coalesce import Pending, Tell
from core.reader.lag import Lag
from core.reader.playback import CHUNK_MAX_BYTES, Send
from core.reader.reading import NO_KEY, Found, Reading, Span
from core.reader.selection import Selection
from core.reader.view import View
from sdk.timestamps import NS_MAX, NS_PER_SECOND

IDLE_INTERVAL_S = 0.5
PRESENT_LAG_MAX_S = 10.0
"""A stream shows the present if it has sent all events that were durable this long ago."""


class Tail:
    """The newest events: all after `_floor` up to the snapshot's watermark, in canonical order."""

    def __init__(self, view: View, keep_events: int) -> None:
        self._view = view
        self._keep_events = keep_events
        self._events: deque[CommittedEvent] = deque()
        self._floor = 0
        self._moved = asyncio.Condition()

    async def note(self, committed: Committed) -> None:
        """Apply a commit that the writer announced, and wake the streams."""
        for number, names in committed.series:
            self._view.learn(number, names)
        self._view.advance(committed.mark, committed.events)
        if committed.events is None:
            self.forget()
        else:
            self._events.extend(committed.events)
            self._trim()
        async with self._moved:
            self._moved.notify_all()

    def forget(self) -> None:
        """Drop all events: some may have been missed, so streams must read from the store."""
        self._events.clear()
        self._floor = self._view.mark

    def _trim(self) -> None:
        while len(self._events) > self._keep_events:
            self._floor = time_of(self._events.popleft()[0])

    async def wait_beyond(self, position: int, timeout_s: float) -> bool:
        """Wait until the watermark passes a position; False on timeout."""
        try:
            async with asyncio.timeout(timeout_s), self._moved:
                await self._moved.wait_for(lambda: self._view.mark > position)
        except TimeoutError:
            return False
        return True

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
        view: View,
        tail: Tail,
        selection: Selection,
        *,
        chunk_max_events: int,
        tell: Tell | None = None,
        is_present: bool = False,
        lag_max_s: float = PRESENT_LAG_MAX_S,
        chunk_bytes: Callable[[], int] = lambda: CHUNK_MAX_BYTES,
    ) -> None:
        """With a callback for gaps, the stream conflates for a slow client and reports what was
        dropped. `is_present`: the stream has no history to send before it shows the present.
        `chunk_bytes` returns the maximum bytes of the next chunk.
        """
        self._chunk_bytes = chunk_bytes
        self._view = view
        self._tail = tail
        self._selection = selection
        self._chunk_max_events = chunk_max_events
        self._tell = tell
        self._position = view.mark
        self._timebase: Timebase = "canonical"
        self._resumable = True
        self._lag = Lag(lag_max_s, is_present=is_present)

    @property
    def is_present(self) -> bool:
        """Whether the stream lags the watermark by `lag_max_s` at most."""
        return self._lag.is_present

    async def run(self, history: Reading, stop_ns: int, send: Send) -> int:
        """Send history up to its watermark, then follow from there; returns the last cursor, ns."""
        self._position = history.mark
        self._timebase = history.span.timebase
        await self._drain(history, send)
        self._lag.look(self._view.mark)
        self._lag.sent(self._position)
        # The tail is in canonical order; its keys cannot resume a stream in source order.
        self._resumable = self._timebase == "canonical"
        loop = asyncio.get_running_loop()
        sent_at = loop.time()
        while (now := self._now()) < stop_ns:
            idle_s = sent_at + IDLE_INTERVAL_S - loop.time()
            wait_s = max(0.0, min(idle_s, (stop_ns - now) / NS_PER_SECOND))
            news = await self._tail.wait_beyond(self._position, wait_s)
            self._lag.look(self._view.mark)
            if news and await self._step(send):
                sent_at = loop.time()
            elif loop.time() >= sent_at + IDLE_INTERVAL_S:
                await send(self._now(), [])
                sent_at = loop.time()
            # A step may have sent only a part of what was durable when it began.
            self._lag.sent(self._position)
        return stop_ns

    def _now(self) -> int:
        """The clock of a LIVE timeline in ns; receive times are never ahead of it."""
        return moment.now(self._timebase, self._view.mark).time_ns

    async def _step(self, send: Send) -> bool:
        """Send the events that became durable after the position; returns whether any were sent."""
        watermark = self._view.mark
        newer = self._tail.since(self._position)
        if newer is None:
            return await self._from_store(send)
        if self._tell is None:
            # Events that the client is not ready for stay in the shared tail or in the store.
            newer, is_all = self._first(newer)
            self._position = watermark if is_all else time_of(newer[-1][0])
        else:
            self._position = watermark
        found = [
            (key, stored)
            for key, stored in newer
            if self._selection.has(series_of(key)) and self._selection.accepts(stored)
        ]
        if self._tell is not None:
            buffer = Pending(self._view)
            buffer.add(found)
            return await self._send_pending(self._tell, buffer, send)
        return await self._send_all(found, send)

    def _first(self, newer: list[CommittedEvent]) -> tuple[list[CommittedEvent], bool]:
        """The events of the first chunk, and whether these are all."""
        part = next(chunks(newer, self._chunk_max_events, self._chunk_bytes()), [])
        return list(part), len(part) == len(newer)

    async def _from_store(self, send: Send) -> bool:
        span = Span("canonical", self._position + 1, NS_MAX)
        range_cursor = Reading(self._view, self._selection, span)
        self._position = range_cursor.mark
        if self._tell is None:
            return await self._drain(range_cursor, send)
        buffer = Pending(self._view)
        while not range_cursor.done:
            buffer.add(await range_cursor.turn(self._chunk_max_events))
        return await self._send_pending(self._tell, buffer, send)

    async def _send_pending(self, tell: Tell, pending: Pending, send: Send) -> bool:
        pending.close()
        if pending.shed is not None:
            await tell(pending.shed)
        return await self._send_all(pending.events, send)

    async def _send_all(self, found: Sequence[Found], send: Send) -> bool:
        for chunk in chunks(found, self._chunk_max_events, self._chunk_bytes()):
            await self._send(send, chunk)
        return bool(found)

    async def _drain(self, reading: Reading, send: Send) -> bool:
        sent = False
        while not reading.done:
            events = await reading.turn(self._chunk_max_events, self._chunk_bytes())
            if events:
                await self._send(send, events)
                sent = True
        return sent

    async def _send(self, send: Send, events: Sequence[Found]) -> None:
        if not self._resumable:
            events = [(NO_KEY, stored) for _, stored in events]
        await send(self._now(), events)


def chunks(
    found: Sequence[Found], max_events: int, max_bytes: int = CHUNK_MAX_BYTES
) -> Iterator[Sequence[Found]]:
    """Split events into chunks of at most `max_events`; a chunk that reaches `max_bytes` ends."""
    start = size = 0
    for end, (_, stored) in enumerate(found):
        if end > start and (end - start == max_events or size >= max_bytes):
            yield found[start:end]
            start, size = end, 0
        size += len(stored)
    if start < len(found):
        yield found[start:]
