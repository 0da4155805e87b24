"""A loop in a thread: results, exceptions, interrupts and the end."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterator

import pytest

from nova.sdk.blocking.loop_thread import LoopThread
from nova.sdk.errors import NovaError, TransportError


@pytest.fixture
def loop() -> Iterator[LoopThread]:
    thread = LoopThread("Test")
    yield thread
    thread.close()


async def double(number: int) -> int:
    await asyncio.sleep(0)
    return 2 * number


async def fail() -> None:
    raise TransportError("no link")


def test_a_call_returns_or_raises(loop: LoopThread) -> None:
    assert loop.run(double(21)) == 42
    with pytest.raises(TransportError, match="no link"):
        loop.run(fail())


def test_an_interrupt_cancels_the_call_and_waits_for_its_end(loop: LoopThread) -> None:
    """Nothing of it runs on after Ctrl-C, so the next call finds everything in order."""
    steps: list[str] = []
    main = threading.get_ident()

    async def interrupted() -> None:
        try:
            signal.pthread_kill(main, signal.SIGINT)
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.1)
            steps.append("ended")

    with pytest.raises(KeyboardInterrupt):
        loop.run(interrupted())
    assert steps == ["ended"]
    assert loop.run(double(1)) == 2


def test_closing_ends_a_call_of_another_thread(loop: LoopThread) -> None:
    found: list[BaseException] = []
    running = threading.Event()

    async def wait() -> None:
        running.set()
        await asyncio.Event().wait()

    def call() -> None:
        try:
            loop.run(wait())
        except NovaError as error:
            found.append(error)

    caller = threading.Thread(target=call)
    caller.start()
    assert running.wait(30)
    loop.close()
    caller.join(30)
    assert "was closed during the call" in str(found[0])


def test_a_closed_loop_refuses_calls(loop: LoopThread) -> None:
    loop.close()
    loop.close()
    assert not loop.is_open
    with pytest.raises(NovaError, match="this Test is closed: create another"):
        loop.run(double(1))
