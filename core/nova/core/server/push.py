"""What a connection follows of one kind, and the task that sends it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

from nova.core.query.memory_budget import MemoryBudget
from nova.core.server.chunk_sender import SendFrame
from nova.sdk.protocol import messages
from nova.sdk.protocol.messages import Message

NextMessages = Callable[[], Awaitable[Sequence[Message]]]


class Push:
    """At most one subscription, which ends with the connection."""

    def __init__(self, budget: MemoryBudget, send_frame: SendFrame) -> None:
        self._budget = budget
        self._send_frame = send_frame
        self._task: asyncio.Task[None] | None = None

    async def start(self, next_messages: NextMessages, unsubscribe: Callable[[], None]) -> None:
        """Send these messages from now on; what was followed before must be closed."""
        self._task = asyncio.create_task(self._send(next_messages))
        self._task.add_done_callback(lambda _: unsubscribe())

    async def close(self) -> None:
        """End the subscription, if there is one."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))
            self._task = None

    async def _send(self, next_messages: NextMessages) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                for message in await next_messages():
                    frame = messages.encode(message)
                    with self._budget.hold_chunk(len(frame)):
                        await self._send_frame(frame, of_stream=True)
