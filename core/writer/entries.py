"""Entries: what the Core itself has to write, entered between the batches that it consumes.

An entry is written by the commit stage, so alone and in order, and whoever entered it goes on when
it is durable. It reads and writes in one step, so of two that want the same only one finds it free.
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
    """What waits for the next commit; `call` wakes the commit stage."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call
        self._waiting: list[_Entry[object]] = []
        self.durable_ns = 0
        """Canonical time up to which all is known to be durable."""

    async def enter(self, write: Callable[[Committer], T]) -> T:
        """Have something written in the next commit; what it returned, once that is durable."""
        entry = self._add(write)
        return await entry.done

    def enter_later(self, write: Callable[[Committer], object]) -> None:
        """The same for who does not wait."""
        self._add(write)

    async def durable(self, canonical_ns: int) -> None:
        """Return once what was written up to a canonical time is durable."""
        if canonical_ns > self.durable_ns:
            await self.enter(lambda _: None)

    def _add(self, write: Callable[[Committer], T]) -> _Entry[T]:
        entry = _Entry(write)
        self._waiting.append(entry)  # type: ignore[arg-type]  # nobody looks at what it returned
        if len(self._waiting) == 1:
            self._call()
        return entry

    def write(self, committer: Committer) -> tuple[Written, list[Committed]]:
        """Write all that waits into the open commit, and the commits that were closed on the way.

        An error of an entry is not caught: then nobody knows what the open commit holds.
        """
        written, self._waiting = self._waiting, []
        for entry in written:
            entry.write(committer)
        return written, committer.take_closed()


def settle(written: Written) -> None:
    """Tell those who wait that their entries are durable."""
    for entry in written:
        entry.settle()
