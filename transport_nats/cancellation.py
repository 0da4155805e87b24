"""Cancelling what runs inside nats-py, which swallows a cancellation that meets it while flushing.

A task that lost its cancellation that way would go on for ever, so it is asked for again.
"""

from __future__ import annotations

import asyncio

REPEAT_INTERVAL_S = 0.1


async def end(task: asyncio.Task[None]) -> None:
    """Cancel a task until it has ended; its outcome is dropped."""
    while not task.done():
        task.cancel()
        await asyncio.wait((task,), timeout=REPEAT_INTERVAL_S)


def cancellations() -> int:
    """How often the running task was asked to end and did not."""
    task = asyncio.current_task()
    return 0 if task is None else task.cancelling()


def check(before: int) -> None:
    """Raise the CancelledError that was swallowed since `before` was taken, if one was."""
    if cancellations() > before:
        raise asyncio.CancelledError
