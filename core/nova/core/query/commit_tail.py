"""The newest durable commits in memory, as the writer's feed brings them, so that what follows the
archive need not read them from it: a secondary that catches up reads the whole write-ahead log.

What is read and released stays little. A follower that is too far behind loses them all, and needs
no feed until it has caught up from the archive.
"""

from __future__ import annotations

import asyncio
import contextlib
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from nova.core.commit_feed import CommitFrame, CommittedEvent
from nova.sdk.timestamps import NS_MAX, NS_MIN

TAIL_MAX_BYTES = 48 * 1024 * 1024
"""Bytes of envelopes; in memory they take half as much again."""

PAUSE_MIN_S = 0.1
"""Between passes, also while another follower keeps the tail half full."""


class _Commit(NamedTuple):
    """The events of a commit in canonical order, their bytes, and the watermark after it."""

    events: list[CommittedEvent]
    size_bytes: int
    watermark: int


class CommitTail:
    """Holds all events after canonical time `after_ns` up to `watermark`."""

    def __init__(self, max_bytes: int = TAIL_MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._commits: deque[_Commit] = deque()
        self._size_bytes = 0
        self.after_ns = NS_MAX
        self.watermark = NS_MIN
        self._is_half_full = asyncio.Event()
        self.wanted = asyncio.Event()
        """Set while the feed is worth following; cleared when the tail has outgrown its limit."""

        self.wanted.set()

    def apply(self, frame: CommitFrame) -> None:
        """Add the next commit of the feed; one whose frame omits its events empties the tail."""
        if frame.events is None:
            self.forget()
            self.after_ns = self.watermark = frame.watermark
            return
        self.watermark = max(self.watermark, frame.watermark)
        if frame.events:
            events = sorted(frame.events)
            size = _size_bytes(events)
            self._commits.append(_Commit(events, size, self.watermark))
            self._size_bytes += size
        if self._size_bytes > self._max_bytes:
            self.forget()
            self.wanted.clear()
        if 2 * self._size_bytes >= self._max_bytes:
            self._is_half_full.set()

    def forget(self) -> None:
        """Hold nothing, as commits may be missed from now on."""
        self._commits.clear()
        self._size_bytes, self.after_ns = 0, NS_MAX
        self._is_half_full.clear()

    def release(self, until_ns: int) -> None:
        """Drop the commits up to a canonical time, which nobody reads again."""
        while self._commits and self._commits[0].watermark <= until_ns:
            self._drop_oldest()
        if 2 * self._size_bytes < self._max_bytes:
            self._is_half_full.clear()

    def _drop_oldest(self) -> None:
        dropped = self._commits.popleft()
        self._size_bytes -= dropped.size_bytes
        self.after_ns = max(self.after_ns, dropped.watermark)

    async def wait(self, timeout_s: float) -> None:
        """Return when the tail is half full, or after `timeout_s`."""
        pause_s = min(timeout_s, PAUSE_MIN_S)
        await asyncio.sleep(pause_s)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._is_half_full.wait(), timeout_s - pause_s)

    def covers(self, start_ns: int, stop_ns: int) -> bool:
        """Whether every event from `start_ns` to `stop_ns` is held."""
        return self.after_ns < start_ns and stop_ns <= self.watermark

    def blocks(self, lower: bytes, upper: bytes) -> Iterator[tuple[list[CommittedEvent], int]]:
        """The events with keys from `lower` to `upper` in blocks, with the bytes of each."""
        for commit in tuple(self._commits):
            if commit.events[-1][0] < lower:
                continue
            if commit.events[0][0] > upper:
                return
            start = bisect_left(commit.events, (lower,))
            stop = bisect_right(commit.events, upper, key=_key_of)
            rows = commit.events[start:stop]
            if len(rows) == len(commit.events):
                yield rows, commit.size_bytes
            elif rows:
                yield rows, _size_bytes(rows)


def _size_bytes(events: list[CommittedEvent]) -> int:
    return sum([len(stored) for _, stored in events])


def _key_of(event: CommittedEvent) -> bytes:
    return event[0]
