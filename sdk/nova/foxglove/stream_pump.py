"""Delivers the chunks of one stream after another, and stops only between two chunks."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable

from nova.sdk.protocol.messages import StreamChunk

Chunks = AsyncGenerator[StreamChunk, None]
Deliver = Callable[[StreamChunk], Awaitable[None]]
Finish = Callable[[Exception | None], Awaitable[None]]


class StreamPump:
    """At most one stream is read. A chunk whose delivery has begun is delivered whole, so that the
    next stream continues exactly behind it.
    """

    def __init__(self, deliver: Deliver, finish: Finish) -> None:
        """`finish` is called when a stream has completed or failed by itself."""
        self._deliver = deliver
        self._finish = finish
        self._delivering = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def start(self, chunks: Chunks) -> None:
        """Read a stream; the one before was stopped or has ended."""
        self._task = asyncio.create_task(self._run(chunks))

    async def stop(self) -> None:
        """Stop reading; what was delivered is whole."""
        task, self._task = self._task, None
        if task is None:
            return
        async with self._delivering:
            task.cancel()
        await asyncio.wait((task,))

    async def _run(self, chunks: Chunks) -> None:
        failure: Exception | None = None
        try:
            async with contextlib.aclosing(chunks):
                async for chunk in chunks:
                    async with self._delivering:
                        await self._deliver(chunk)
        except Exception as error:
            failure = error
        async with self._delivering:
            with contextlib.suppress(ConnectionError, TimeoutError):  # The viewer has gone.
                await self._finish(failure)
