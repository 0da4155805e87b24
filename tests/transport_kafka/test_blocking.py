"""One blocking call in a thread of its own."""

from __future__ import annotations

import asyncio
import threading

import pytest

from nova.transport_kafka.blocking import run_in_thread


async def test_the_result_comes_back_and_the_thread_is_gone() -> None:
    """The event loop runs on while the call blocks."""
    release = threading.Event()
    call = asyncio.create_task(run_in_thread("blocked", lambda: release.wait(60)))
    while "blocked" not in (thread.name for thread in threading.enumerate()):
        await asyncio.sleep(0)
    release.set()
    assert await call is True
    assert "blocked" not in (thread.name for thread in threading.enumerate())


async def test_an_exception_comes_back() -> None:
    """As if the call had been made here."""

    def fail() -> None:
        raise LookupError("no such thing")

    with pytest.raises(LookupError, match="no such thing"):
        await run_in_thread("failing", fail)


async def test_a_cancelled_call_runs_on_and_troubles_nobody() -> None:
    """Its result has nowhere to go and is dropped."""
    release, ended = threading.Event(), threading.Event()

    def block() -> None:
        release.wait(60)
        ended.set()

    call = asyncio.create_task(run_in_thread("dropped", block))
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    release.set()
    assert await asyncio.get_running_loop().run_in_executor(None, ended.wait, 60)
