"""The commit queue: writes of the Core itself, which run between consumed batches.

The commit stage runs the queued writes one at a time and in order, and completes each when its
commit is durable. A write reads and changes the commit in one step, so of two writes that claim the
same key only one finds it free.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from core.feed import Committed
from core.writer.commit import Committer

T = TypeVar("T")


class _Entry(Generic[T]):
    def __init__(self, write: Callable[[Committer], T]) -> None:
        self._write = write
        self._written: T | None = None
        self.done: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    def write(self, committer: Committer) -> None:
        self._written = self._write(committer)

    def settle(self) -> None:
        if not self.done.done():
            self.done.set_result(self._written)  # type: ignore[arg-type]  # written by now


Written = list[_Entry[object]]


class Entries:
    """Writes that wait for the next commit; `call` wakes the commit stage."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call
        self._waiting: list[_Entry[object]] = []
        self.durable_ns = 0
        """The watermark: canonical time in ns up to which the archive is durable."""

    async def enter(self, write: Callable[[Committer], T]) -> T:
        """Run `write` in the next commit; returns its result once that commit is durable."""
        entry = self._add(write)
        return await entry.done

    def enter_later(self, write: Callable[[Committer], object]) -> None:
        """Run `write` in the next commit without waiting for it."""
        self._add(write)

    async def durable(self, canonical_ns: int) -> None:
        """Wait until everything up to a canonical time is durable."""
        if canonical_ns > self.durable_ns:
            await self.enter(lambda _: None)

    def _add(self, write: Callable[[Committer], T]) -> _Entry[T]:
        entry = _Entry(write)
        self._waiting.append(entry)  # type: ignore[arg-type]  # the queue ignores the result
        if len(self._waiting) == 1:
            self._call()
        return entry

    def write(self, committer: Committer) -> tuple[Written, list[Committed]]:
        """Run every waiting write in the open commit; returns them, and the commits that they
        closed.

        An error of a write is not caught, because the content of the open commit is unknown then.
        """
        written, self._waiting = self._waiting, []
        for entry in written:
            entry.write(committer)
        return written, committer.take_closed()


def settle(written: Written) -> None:
    """Complete writes whose commit is durable."""
    for entry in written:
        entry.settle()
