"""Requests whose replies have not arrived yet, by the `ref` that request and reply carry."""

from __future__ import annotations

import asyncio
from typing import Generic, TypeVar

ReplyT = TypeVar("ReplyT")


class PendingReplies(Generic[ReplyT]):
    """The pending requests of one connection."""

    def __init__(self) -> None:
        self._futures: dict[int, asyncio.Future[ReplyT]] = {}

    def __len__(self) -> int:
        return len(self._futures)

    def expect(self, ref: int) -> asyncio.Future[ReplyT]:
        """A future for the reply to `ref`; call `forget` when nobody waits for it any more."""
        future: asyncio.Future[ReplyT] = asyncio.get_running_loop().create_future()
        self._futures[ref] = future
        return future

    def forget(self, ref: int) -> None:
        """Drop a reply that may still arrive."""
        self._futures.pop(ref, None)

    def resolve(self, ref: int, reply: ReplyT) -> bool:
        """Give a reply to its request; False if there is none."""
        future = self._futures.pop(ref, None)
        if future is None:
            return False
        if not future.done():
            future.set_result(reply)
        return True

    def fail(self, error: Exception) -> None:
        """Fail all requests, because their connection has ended."""
        for future in self._futures.values():
            if not future.done():
                future.set_exception(error)
                future.exception()  # Whoever is still sending raises an error of its own.
