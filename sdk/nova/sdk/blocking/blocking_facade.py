"""What a facade for programs without an event loop owns: the asyncio object behind it, and the
thread of its loop.
"""

from __future__ import annotations

from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

from nova.sdk.blocking.loop_thread import LoopThread


class AsyncClosable(Protocol):
    """An object that is closed in its event loop."""

    async def close(self) -> None: ...


AsyncT = TypeVar("AsyncT", bound=AsyncClosable)


class BlockingFacade(Generic[AsyncT]):
    """Opens an asyncio object in a thread of its own, and closes both together."""

    def __init__(self, opening: Coroutine[Any, Any, AsyncT]) -> None:
        self._thread = LoopThread(type(self).__name__)
        try:
            self._opened = self._thread.run(opening)
        except BaseException:
            self._thread.close()
            raise

    def close(self) -> None:
        """Send what is still to be sent, close the connection and end the thread. Closing twice is
        allowed.
        """
        if self._thread.is_open:
            try:
                self._thread.run(self._opened.close())
            finally:
                self._thread.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
