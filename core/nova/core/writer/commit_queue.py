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

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._waiting: list[_QueuedWrite[object]] = []
        self.watermark_ns = 0
        """The watermark: canonical time in ns up to which the archive is durable."""

    async def submit(self, write: Callable[[Committer], T]) -> T:
        """Run `write` in the next commit; returns its result once that commit is durable."""
        entry = self._add(write)
        return await entry.done

    def submit_later(self, write: Callable[[Committer], object]) -> None:
        """Run `write` in the next commit without waiting for it."""
        self._add(write)

    async def wait_durable(self, canonical_ns: int) -> None:
        """Wait until everything up to a canonical time is durable."""
        if canonical_ns > self.watermark_ns:
            await self.submit(lambda _: None)

    def _add(self, write: Callable[[Committer], T]) -> _QueuedWrite[T]:
        entry = _QueuedWrite(write)
        self._waiting.append(entry)  # type: ignore[arg-type]  # the queue ignores the result
        if len(self._waiting) == 1:
            self._wake()
        return entry

    def run(self, committer: Committer) -> tuple[QueuedWrites, list[CommitFrame]]:
        """Run every waiting write in the open commit; returns them, and the commits that they
        closed.

        An error of a write is not caught, because the content of the open commit is unknown then.
        """
        written, self._waiting = self._waiting, []
        for entry in written:
            entry.run(committer)
        return written, committer.drain_closed()


def complete(writes: QueuedWrites) -> None:
    """Complete writes whose commit is durable."""
    for entry in writes:
        entry.complete()
