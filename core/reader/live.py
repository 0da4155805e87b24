"""The live tail: the newest durable events in memory, and streams that follow them (AMB-34).

A stream follows by its own canonical position. What the tail no longer holds is read from the store
in the same order, so a slow client is never cut off from an event and never makes memory grow. A
stream that was asked to shed is kept at the present instead, and says what it has left out.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile

from core.effect import moment
from core.feed import Committed, CommittedEvent
from core.ordering import Timebase, series_of, time_of
from core.reader.coalesce import Pending, Tell
from core.reader.playback import CHUNK_MAX_BYTES, Send
from core.reader.reading import NO_KEY, Found, Reading, Span
from core.reader.selection import Selection
from core.reader.view import View
from sdk.timestamps import NS_MAX, NS_PER_SECOND

IDLE_INTERVAL_S = 0.5
PRESENT_LAG_MAX_S = 10.0
"""A stream that has not sent all that was durable this long ago does not show the present."""


class Tail:
    """The newest events; holds everything after `floor` up to the view's mark."""

    def __init__(self, view: View, keep_events: int) -> None:
        self._view = view
        self._keep_events = keep_events
        self._events: deque[CommittedEvent] = deque()
        self._floor = 0
        self._moved = asyncio.Condition()

    async def note(self, committed: Committed) -> None:
        """Take in what the writer announced."""
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
        """Hold nothing: something may have been missed, and the store has it."""
        self._events.clear()
        self._floor = self._view.mark

    def _trim(self) -> None:
        while len(self._events) > self._keep_events:
            self._floor = time_of(self._events.popleft()[0])

    async def wait_beyond(self, position: int, timeout_s: float) -> bool:
        """Wait until something is durable past a position; False if nothing was in time."""
        try:
            async with asyncio.timeout(timeout_s), self._moved:
                await self._moved.wait_for(lambda: self._view.mark > position)
        except TimeoutError:
            return False
        return True

    def since(self, position: int) -> list[CommittedEvent] | None:
        """The events after a canonical position, None if the tail does not reach back so far."""
        if position < self._floor:
            return None
        newer = takewhile(lambda event: time_of(event[0]) > position, reversed(self._events))
        return list(newer)[::-1]


class LiveStream:
    """One client's LIVE stream: history in order, then every commit as it happens."""

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
        """With `tell` it sheds what its client is too slow for; with `is_present` it has no
        history to send before it comes to the present; `chunk_bytes` says how large the next chunk
        may be.
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
        self._lag_max_s = lag_max_s
        self._whole_s = time.monotonic() if is_present else -math.inf
        """All that was durable then has been sent."""

    @property
    def is_present(self) -> bool:
        """Whether what it has sent is as good as the present."""
        return time.monotonic() - self._whole_s <= self._lag_max_s

    async def run(self, history: Reading, stop_ns: int, send: Send) -> int:
        """Send history up to the mark at its start, then follow from that mark on; returns the last
        cursor.
        """
        self._position = history.mark
        self._timebase = history.span.timebase
        await self._drain(history, send)
        if self._position >= self._view.mark:
            self._whole_s = time.monotonic()
        # The tail comes in canonical order, so its keys resume no stream in source order.
        self._resumable = self._timebase == "canonical"
        loop = asyncio.get_running_loop()
        told_at = loop.time()
        while (now := self._now()) < stop_ns:
            idle_s = told_at + IDLE_INTERVAL_S - loop.time()
            wait_s = max(0.0, min(idle_s, (stop_ns - now) / NS_PER_SECOND))
            news = await self._tail.wait_beyond(self._position, wait_s)
            looked_s = time.monotonic()
            if news and await self._step(send):
                told_at = loop.time()
            elif loop.time() >= told_at + IDLE_INTERVAL_S:
                await send(self._now(), [])
                told_at = loop.time()
            self._whole_s = looked_s
        return stop_ns

    def _now(self) -> int:
        """Where the clock of a LIVE timeline is, which receive times are never ahead of."""
        return moment.now(self._timebase, self._view.mark).time_ns

    async def _step(self, send: Send) -> bool:
        """Send what is durable since the position; whether there was anything to send."""
        mark = self._view.mark
        newer = self._tail.since(self._position)
        if newer is None:
            return await self._from_store(send)
        if self._tell is None:
            # What a client is not ready for stays in the tail, which all share, or in the store.
            newer, is_all = self._first(newer)
            self._position = mark if is_all else time_of(newer[-1][0])
        else:
            self._position = mark
        found = [
            (place, stored)
            for place, stored in newer
            if self._selection.has(series_of(place)) and self._selection.accepts(stored)
        ]
        if self._tell is not None:
            pending = Pending(self._view)
            pending.add(found)
            return await self._send_pending(self._tell, pending, send)
        return await self._send_all(found, send)

    def _first(self, newer: list[CommittedEvent]) -> tuple[list[CommittedEvent], bool]:
        """As many as go into one chunk, and whether that is all."""
        part = next(chunks(newer, self._chunk_max_events, self._chunk_bytes()), [])
        return list(part), len(part) == len(newer)

    async def _from_store(self, send: Send) -> bool:
        span = Span("canonical", self._position + 1, NS_MAX)
        reading = Reading(self._view, self._selection, span)
        self._position = reading.mark
        if self._tell is None:
            return await self._drain(reading, send)
        pending = Pending(self._view)
        while not reading.done:
            pending.add(await reading.turn(self._chunk_max_events))
        return await self._send_pending(self._tell, pending, send)

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
    """Runs of events, each at most so many and not much beyond so many bytes."""
    start = size = 0
    for end, (_, stored) in enumerate(found):
        if end > start and (end - start == max_events or size >= max_bytes):
            yield found[start:end]
            start, size = end, 0
        size += len(stored)
    if start < len(found):
        yield found[start:]
