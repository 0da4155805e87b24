"""A swallowed cancellation is repeated."""

from __future__ import annotations

import asyncio

import pytest

from nova.transport_nats import cancellation


async def test_a_task_that_swallows_cancellations_ends_all_the_same() -> None:
    """As nats-py does while it flushes."""
    swallowed = 0

    async def stubborn() -> None:
        nonlocal swallowed
        while swallowed < 3:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                swallowed += 1
        await asyncio.sleep(60)

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    await cancellation.cancel_until_done(task)
    assert task.cancelled() and swallowed == 3


async def test_a_swallowed_cancellation_is_raised_where_it_is_looked_for() -> None:
    """Only one that came since, and it ends the task."""
    reached = asyncio.Event()

    async def work() -> None:
        before = cancellation.pending_cancellations()
        cancellation.raise_if_cancelled(before)
        try:
            reached.set()
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancellation.raise_if_cancelled(cancellation.pending_cancellations())
        cancellation.raise_if_cancelled(before)
        pytest.fail("the cancellation was lost")

    task = asyncio.create_task(work())
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
