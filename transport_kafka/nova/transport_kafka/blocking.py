"""Runs one blocking call in its own thread, which ends with the call."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

ResultT = TypeVar("ResultT")


async def run_in_thread(name: str, call: Callable[[], ResultT]) -> ResultT:
    """The call's result or exception. On cancellation the call runs on; its result is dropped."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[ResultT] = loop.create_future()

    def run() -> None:
        try:
            result = call()
        except Exception as error:
            settle(_fail, done, error)
        else:
            settle(_succeed, done, result)

    def settle(how: Callable[..., None], *what: object) -> None:
        with contextlib.suppress(RuntimeError):  # The loop is closed: nobody is waiting.
            loop.call_soon_threadsafe(how, *what)

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    try:
        return await done
    finally:
        if done.done() and not done.cancelled():
            thread.join()


def _succeed(done: asyncio.Future[ResultT], result: ResultT) -> None:
    if not done.done():
        done.set_result(result)


def _fail(done: asyncio.Future[ResultT], error: Exception) -> None:
    if not done.done():
        done.set_exception(error)
