"""An event loop in a thread, whose coroutines other threads call like functions."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future, wait
from functools import partial
from typing import Any, TypeVar

from nova.sdk.errors import NovaError

ResultT = TypeVar("ResultT")


class LoopThread:
    """Runs coroutines until closed. Any number of threads may call it at once."""

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._loop = asyncio.new_event_loop()
        self._tasks: dict[Future[Any], asyncio.Task[Any]] = {}
        self._lock = threading.Lock()
        self._is_closed = False
        # A daemon, so that a program that forgets to close can end.
        self._thread = threading.Thread(target=self._loop.run_forever, name=owner, daemon=True)
        self._thread.start()

    @property
    def is_open(self) -> bool:
        """Whether it runs coroutines: not after `close`, nor in a forked process."""
        return not self._is_closed and self._thread.is_alive()

    def run(self, coroutine: Coroutine[Any, Any, ResultT]) -> ResultT:
        """The coroutine's result or exception. An interrupt (Ctrl-C) cancels the coroutine, and is
        raised once that has ended. Raises NovaError after `close`, and in a forked process.
        """
        future: Future[ResultT] = Future()
        try:
            self._post(coroutine, future)
            return future.result()
        except BaseException:
            if self.is_open and not future.done():
                self._loop.call_soon_threadsafe(self._cancel, coroutine, future)
                wait([future])
            raise

    def start(self, coroutine: Coroutine[Any, Any, ResultT]) -> Future[ResultT]:
        """Start a coroutine without waiting for it."""
        future: Future[ResultT] = Future()
        self._post(coroutine, future)
        return future

    def _post(self, coroutine: Coroutine[Any, Any, ResultT], future: Future[ResultT]) -> None:
        with self._lock:
            if not self.is_open:
                coroutine.close()
                raise NovaError(self._why_not())
            self._loop.call_soon_threadsafe(self._start, coroutine, future)

    def _why_not(self) -> str:
        if self._is_closed:
            return f"this {self._owner} is closed: create another"
        return (
            f"this {self._owner} belongs to the process that forked this one: create another here"
        )

    def _start(self, coroutine: Coroutine[Any, Any, ResultT], future: Future[ResultT]) -> None:
        task = self._tasks[future] = self._loop.create_task(coroutine)
        task.add_done_callback(partial(self._settle, future))

    def _settle(self, future: Future[ResultT], task: asyncio.Task[ResultT]) -> None:
        del self._tasks[future]
        if task.cancelled():
            future.set_exception(NovaError(f"this {self._owner} was closed during the call"))
        elif (error := task.exception()) is not None:
            future.set_exception(error)
        else:
            future.set_result(task.result())

    def _cancel(self, coroutine: Coroutine[Any, Any, ResultT], future: Future[ResultT]) -> None:
        if (task := self._tasks.get(future)) is not None:
            task.cancel()
        elif not future.done():  # Interrupted before it was posted.
            coroutine.close()
            future.set_exception(NovaError("interrupted"))

    def close(self) -> None:
        """Cancel what still runs, and end the thread. Closing twice is allowed."""
        with self._lock:
            if not self.is_open:
                return
            self._is_closed = True
        asyncio.run_coroutine_threadsafe(self._finish(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _finish(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._loop.shutdown_asyncgens()
