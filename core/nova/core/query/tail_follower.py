"""Followers of a commit tail: how far each reads, and what of the tail nobody reads any more.

The makers of a process share one tail. One that is far behind reads the archive, and keeps nothing
of the tail from being dropped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from nova.core.query.commit_tail import CommitTail
from nova.sdk.timestamps import NS_MAX, NS_PER_SECOND

WANTED_WITHIN_NS = NS_PER_SECOND
"""A follower that is further behind reads the archive anyway, and wants no feed."""

TURNS_PER_STEP = 16
"""Turns of the event loop after a step. Each receives a part of a commit, and what is as large as a
step comes in about as many parts.
"""

KEPT_WITHIN_NS = 5 * NS_PER_SECOND
"""What a follower lacks is kept for it if it is no further behind."""


class SharedTail:
    """A tail with all of its followers."""

    def __init__(self, tail: CommitTail | None = None) -> None:
        self.tail = CommitTail() if tail is None else tail
        self._cursors: list[Callable[[], int]] = []

    @contextmanager
    def followed(self, cursor_ns: Callable[[], int]) -> Iterator[TailFollower]:
        """A follower while the block runs; `cursor_ns` is the canonical time up to which it has
        everything.
        """
        self._cursors.append(cursor_ns)
        try:
            yield TailFollower(self, cursor_ns)
        finally:
            self._cursors.remove(cursor_ns)

    def release(self) -> None:
        """Drop what all followers have that are not far behind."""
        kept_ns = self.tail.watermark - KEPT_WITHIN_NS
        near = [cursor_ns for one in self._cursors if (cursor_ns := one()) >= kept_ns]
        if near:
            self.tail.release(min(near))


class TailFollower:
    """One of the followers of a tail."""

    def __init__(self, shared: SharedTail, cursor_ns: Callable[[], int]) -> None:
        self._shared = shared
        self._cursor_ns = cursor_ns

    def reach(self, marker_ns: int) -> int:
        """The durable canonical time to read up to: that of the tail, if it has all that is
        lacking; else the marker's, or the one from which on the tail has everything.
        """
        tail = self._shared.tail
        if tail.covers(self._cursor_ns() + 1, tail.watermark):
            return tail.watermark
        return marker_ns if tail.after_ns == NS_MAX else max(marker_ns, tail.after_ns)

    def finish_pass(self, durable_ns: Callable[[], int]) -> None:
        """Let go of what was read, and want the feed again if the marker is near by now."""
        self._shared.release()
        wanted = self._shared.tail.wanted
        if not wanted.is_set() and durable_ns() - self._cursor_ns() <= WANTED_WITHIN_NS:
            wanted.set()

    async def give_way(self) -> None:
        """Let the feed bring what came during a step, so that no commit is omitted for it."""
        for _ in range(TURNS_PER_STEP):
            await asyncio.sleep(0)

    async def rest(self, pause_s: float) -> None:
        """Return after a pause, or as soon as the tail is half full."""
        await self._shared.tail.wait(pause_s)
