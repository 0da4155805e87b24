"""Playback: the events of a range, sent in chunks at a rate, forwards or backwards, by a clock that
also runs through gaps.

The range cursor determines the events, their order and their bytes; the rate determines only when
they are sent. The same range is therefore the same bytes at any rate.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from nova.core.errors import RequestError
from nova.core.ordering import last_key_at, time_of
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.extent import clamp_to_extent
from nova.core.query.range_cursor import Hit, RangeCursor
from nova.core.query.visibility import EVERYTHING, Visibility
from nova.sdk.protocol.messages import Rate
from nova.sdk.timestamps import NS_PER_SECOND

RATE_MAX = 1e9
CHUNK_MAX_BYTES = 256 * 1024
"""A chunk of this size or more gets no further event, however few events it has."""

READ_AHEAD_MAX_BYTES = 64 * 1024
"""Read-ahead of a paced playback."""

SendChunk = Callable[[int, Sequence[Hit]], Awaitable[None]]
"""Sends one chunk: the cursor in ns and the events. Returns when the socket has room again."""

ReachedBound = Callable[[int, bytes], None]
"""Receives, after each chunk, the cursor in ns and the order key up to which everything is sent."""


def parse_rate(rate: Rate) -> tuple[float | None, bool]:
    """The speed (None: as fast as the client reads), and whether playback runs backwards."""
    if isinstance(rate, str):
        return None, rate == "-max"
    if not math.isfinite(rate) or rate == 0 or abs(rate) > RATE_MAX:
        raise RequestError(
            "badRate",
            f"rate {rate} is not 'max', '-max' or a number from -{RATE_MAX:g} to {RATE_MAX:g} "
            "other than 0; use cancelStream to pause",
        )
    return abs(rate), rate < 0


async def playback_bounds(
    snapshot: ArchiveSnapshot, range_cursor: RangeCursor, visibility: Visibility = EVERYTHING
) -> tuple[int, int]:
    """Begin and end in ns, in playback direction; open ends are clamped to the extent of what is
    visible, which does not depend on the filters.
    """
    low, high = await clamp_to_extent(snapshot, range_cursor.span, visibility)
    return (high, low) if range_cursor.span.reverse else (low, high)


class Playback:
    """One playback of a range cursor, with a clock that runs from `begin_ns` to `end_ns`."""

    def __init__(
        self,
        range_cursor: RangeCursor,
        begin_ns: int,
        end_ns: int,
        *,
        chunk_max_events: int,
        interval_ms: int,
        chunk_bytes: Callable[[], int] = lambda: CHUNK_MAX_BYTES,
    ) -> None:
        """`chunk_bytes` returns the maximum bytes of the next chunk."""
        self._chunk_bytes = chunk_bytes
        self._range_cursor = range_cursor
        self._begin_ns = begin_ns
        self._end_ns = end_ns
        self._reached: ReachedBound = lambda _cursor_ns, _bound: None
        self._chunk_max_events = chunk_max_events
        self._interval_s = interval_ms / 1000
        self._read_ahead: deque[Hit] = deque()

    async def run(
        self, rate: float | None, send: SendChunk, reached: ReachedBound | None = None
    ) -> int:
        """Send all events; returns the last cursor in ns."""
        self._reached = reached or self._reached
        if rate is None:
            await self._run_unpaced(send)
        else:
            await self._run_paced(rate, send)
        return self._end_ns

    async def _run_unpaced(self, send: SendChunk) -> None:
        """Send without pacing; only the socket's back-pressure limits the speed."""
        while not self._range_cursor.done:
            events = await self._range_cursor.next_slice(
                self._chunk_max_events, self._chunk_bytes()
            )
            if events:
                await self._send_full(events, send)

    async def _run_paced(self, rate: float, send: SendChunk) -> None:
        """Send each event when a clock that runs at `rate` reaches its time."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        ticks = 0
        while True:
            elapsed_ns = int((loop.time() - started) * rate * NS_PER_SECOND)
            cursor = self._cursor(elapsed_ns)
            sent = await self._send_due(cursor, send)
            if cursor == self._end_ns and not self._read_ahead and self._range_cursor.done:
                return
            ticks = max(ticks + 1, math.floor((loop.time() - started) / self._interval_s))
            left_s = abs(self._end_ns - cursor) / NS_PER_SECOND / rate
            if not sent:
                left_s = min(left_s, self._gap_s(cursor, rate))
            wake = min(started + ticks * self._interval_s, loop.time() + left_s)
            await asyncio.sleep(max(0.0, wake - loop.time()))

    def _cursor(self, elapsed_ns: int) -> int:
        if self._range_cursor.span.reverse:
            return max(self._end_ns, self._begin_ns - elapsed_ns)
        return min(self._end_ns, self._begin_ns + elapsed_ns)

    def _gap_s(self, cursor: int, rate: float) -> float:
        """Wall-clock seconds until the next buffered event; used so that the first event after a
        seek is not delayed until the next tick.
        """
        if not self._read_ahead:
            return math.inf
        return abs(time_of(self._read_ahead[0][0]) - cursor) / NS_PER_SECOND / rate

    async def _send_due(self, cursor: int, send: SendChunk) -> int:
        """Send all events up to the cursor; the last chunk, possibly empty, carries the cursor.

        Returns the number of events sent.
        """
        sent = 0
        while True:
            due, full = await self._due(cursor)
            sent += len(due)
            if full:
                await self._send_full(due, send)
                continue
            bound = last_key_at(cursor, reverse=self._range_cursor.span.reverse)
            try:
                await send(cursor, due)
            finally:  # A cancelled sender is not waited for, but its chunk is delivered.
                self._reached(cursor, bound)
            return sent

    async def _send_full(self, events: Sequence[Hit], send: SendChunk) -> None:
        """Send a chunk that is limited by its size: it may end amid the events of a time."""
        last_key = events[-1][0]
        try:
            await send(time_of(last_key), events)
        finally:
            self._reached(time_of(last_key), last_key)

    async def _due(self, cursor: int) -> tuple[list[Hit], bool]:
        """The next chunk of events up to the cursor, and whether it is full."""
        due: list[Hit] = []
        size, max_bytes = 0, self._chunk_bytes()
        while len(due) < self._chunk_max_events and size < max_bytes:
            if not self._read_ahead:
                if self._range_cursor.done:
                    return due, False
                ahead = await self._range_cursor.next_slice(
                    self._chunk_max_events, READ_AHEAD_MAX_BYTES
                )
                self._read_ahead.extend(ahead)
                continue
            time = time_of(self._read_ahead[0][0])
            is_later = time < cursor if self._range_cursor.span.reverse else time > cursor
            # At the end everything left is due: undated events are outside the clamped range.
            if is_later and cursor != self._end_ns:
                return due, False
            due.append(self._read_ahead.popleft())
            size += len(due[-1][1])
        return due, True
