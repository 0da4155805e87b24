"""Cancellation of tasks inside nats-py, which swallows a cancellation that arrives while it
flushes.

A task that lost its cancellation that way would run on forever, so the request is repeated.
"""

from __future__ import annotations

import asyncio

REPEAT_INTERVAL_S = 0.1


async def cancel_until_done(task: asyncio.Task[None]) -> None:
    """Cancel a task until it has ended; its outcome is dropped."""
    while not task.done():
        task.cancel()
        await asyncio.wait((task,), timeout=REPEAT_INTERVAL_S)


def pending_cancellations() -> int:
    """How many pending cancellation requests the running task has."""
    task = asyncio.current_task()
    return 0 if task is None else task.cancelling()


def raise_if_cancelled(before: int) -> None:
    """Raise CancelledError if a cancellation was requested since `before` was read."""
    if pending_cancellations() > before:
        raise asyncio.CancelledError
