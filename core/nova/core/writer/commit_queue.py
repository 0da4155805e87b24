"""The commit queue: writes of the Core itself, which run between consumed batches.

The commit stage runs the queued writes one at a time and in order, and completes each when its
commit is durable. A write reads and changes the commit in one step, so of two writes that claim the
same key only one finds it free.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from nova.core.commit_feed import CommitFrame
from nova.core.writer.committer import Committer

T = TypeVar("T")

LATER_S = 0.02
"""How long a write that nobody waits for may wait for a commit of others."""


class _QueuedWrite(Generic[T]):
    def __init__(self, write: Callable[[Committer], T]) -> None:
        self._write = write
        self._result: T | None = None
        self.done: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    def run(self, committer: Committer) -> None:
        self._result = self._write(committer)

    def complete(self) -> None:
        if not self.done.done():
            self.done.set_result(self._result)  # type: ignore[arg-type]  # written by now


QueuedWrites = list[_QueuedWrite[object]]


class CommitQueue:
    """Writes that wait for the next commit; `wake` wakes the commit stage."""

    def __init__(self, wake: Callable[[], None], later_s: float = LATER_S) -> None:
        self._wake = wake
        self._later_s = later_s
        self._waiting: list[_QueuedWrite[object]] = []
        self._is_awake = False
        self.watermark_ns = 0
        """The watermark: canonical time in ns up to which the archive is durable."""

    async def submit(self, write: Callable[[Committer], T]) -> T:
        """Run `write` in the next commit; returns its result once that commit is durable."""
        entry = self._add(write)
        self._wake_once()
        return await entry.done

    def submit_later(self, write: Callable[[Committer], object]) -> None:
        """Run `write` in the next commit of others, or soon in its own, without waiting for it: a
        sync of its own would delay what comes just after.
        """
        self._add(write)
        asyncio.get_running_loop().call_later(self._later_s, self._wake_once)

    async def drain(self) -> None:
        """Wait until every write before this is durable."""
        await self.submit(lambda _: None)

    async def wait_durable(self, canonical_ns: int) -> None:
        """Wait until everything up to a canonical time is durable."""
        if canonical_ns > self.watermark_ns:
            await self.submit(lambda _: None)

    def _add(self, write: Callable[[Committer], T]) -> _QueuedWrite[T]:
        entry = _QueuedWrite(write)
        self._waiting.append(entry)  # type: ignore[arg-type]  # the queue ignores the result
        return entry

    def _wake_once(self) -> None:
        if self._waiting and not self._is_awake:
            self._is_awake = True
            self._wake()

    def run(self, committer: Committer) -> tuple[QueuedWrites, list[CommitFrame]]:
        """Run every waiting write in the open commit; returns them, and the commits that they
        closed.

        An error of a write is not caught, because the content of the open commit is unknown then.
        """
        written, self._waiting, self._is_awake = self._waiting, [], False
        for entry in written:
            entry.run(committer)
        return written, committer.drain_closed()


def complete(writes: QueuedWrites) -> None:
    """Complete writes whose commit is durable."""
    for entry in writes:
        entry.complete()
