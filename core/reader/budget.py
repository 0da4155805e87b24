"""What answers may take of a reader's memory together, from the first event that is read for one
until its client has taken it: who finds no room soon is told to ask again later.

Large answers, small ones and streams have rooms of their own, so that those who walk the archive
take nothing from a page of a few events, nor from what is live. Room is given in the order of
asking. A chunk of a stream never waits for room: chunks become smaller as it fills.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

from core.errors import QueryError
from core.reader.playback import CHUNK_MAX_BYTES
from core.reader.query import PAGE_MAX_BYTES
from sdk.export import CancelExport, Export
from sdk.protocol import (
    CancelStream,
    Discover,
    GetUiState,
    Latest,
    Query,
    Rejects,
    Request,
    SetCursor,
    StartStream,
)
from sdk.submission import Submission
from sdk.timeline import Sample

BUDGET_BYTES = 64 * 1024 * 1024
LARGE_SHARE, SMALL_SHARE = 1 / 2, 1 / 4
"""Of the budget; what is left is for streams."""

SMALL_LIMIT = 100
"""Up to so many events or series it is a small answer."""

SMALL_BYTES = 128 * 1024
CHUNK_MIN_BYTES = 16 * 1024
CHUNK_SHARE = 8
"""A chunk takes an eighth of the room that is left, so that some always is."""

WITHOUT_ROOM = (StartStream, CancelStream, SetCursor, Submission, Export, CancelExport)
"""What is never told to come again: it commands, is small, or ends what takes room."""

WAIT_S = 1.0
RETRY_AFTER_MS = 1_000


class BusyError(QueryError):
    """There is no room for an answer now; nothing of it was read."""

    def __init__(self, retry_after_ms: int = RETRY_AFTER_MS) -> None:
        super().__init__(
            "busy",
            f"the reader makes as many answers as it has memory for: ask again in {retry_after_ms} "
            "ms, or for a smaller page",
        )
        self.retry_after_ms = retry_after_ms


class Room:
    """Bytes that are given out in the order in which they were asked for."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._free = size
        self._waiting: deque[tuple[asyncio.Future[None], int]] = deque()

    async def take(self, size: int, wait_s: float) -> None:
        """Take so many bytes, or all there are; raises BusyError if there is no room in time."""
        size = min(size, self._size)
        if not self._waiting and self._free >= size:
            self._free -= size
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((turn, size))
        try:
            async with asyncio.timeout(wait_s):
                await turn
        except BaseException as error:
            self._leave(turn, size)
            if isinstance(error, TimeoutError):
                raise BusyError from None
            raise

    def _leave(self, turn: asyncio.Future[None], size: int) -> None:
        """Wait no longer; what was given just now goes to others."""
        if turn.done() and not turn.cancelled():
            self.give(size)
            return
        with contextlib.suppress(ValueError):  # It may have been passed over already.
            self._waiting.remove((turn, size))
        self._serve()

    def give(self, size: int) -> None:
        """Give bytes back."""
        self._free += min(size, self._size)
        self._serve()

    def _serve(self) -> None:
        while self._waiting and self._free >= self._waiting[0][1]:
            turn, size = self._waiting.popleft()
            if not turn.done():
                self._free -= size
                turn.set_result(None)


class Budget:
    """The room of one reader, shared by all of its sessions."""

    def __init__(self, size: int = BUDGET_BYTES, wait_s: float = WAIT_S) -> None:
        self._large = Room(max(PAGE_MAX_BYTES, int(size * LARGE_SHARE)))
        self._small = Room(max(SMALL_BYTES, int(size * SMALL_SHARE)))
        self._wait_s = wait_s
        self._chunks_free = int(size * (1 - LARGE_SHARE - SMALL_SHARE))

    @contextlib.asynccontextmanager
    async def answer(self, *, large: bool) -> AsyncIterator[int]:
        """Room for an answer while the block runs, and how many bytes its events may have; raises
        BusyError.
        """
        room, size = (self._large, PAGE_MAX_BYTES) if large else (self._small, SMALL_BYTES)
        await room.take(size, self._wait_s)
        try:
            yield size
        finally:
            room.give(size)

    def chunk_bytes(self) -> int:
        """How large the next chunk of a stream may be."""
        return min(CHUNK_MAX_BYTES, max(CHUNK_MIN_BYTES, self._chunks_free // CHUNK_SHARE))

    @contextlib.contextmanager
    def chunk(self, size: int) -> Iterator[None]:
        """A chunk that waits for its client while the block runs."""
        self._chunks_free -= size
        try:
            yield
        finally:
            self._chunks_free += size


class Allowance:
    """What one connection may take of the room: one large answer at a time."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._large = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def answer(self, request: Request) -> AsyncIterator[int]:
        """Room for the answer to a request, and how many bytes its events may have; raises
        BusyError.
        """
        if isinstance(request, WITHOUT_ROOM):
            yield SMALL_BYTES
            return
        large = is_large(request)
        async with AsyncExitStack() as stack:
            if large:
                await stack.enter_async_context(self._large)
            yield await stack.enter_async_context(self._budget.answer(large=large))


def is_large(request: Request) -> bool:
    """Whether the answer to a request may be large."""
    if isinstance(request, Query | Discover | Latest | GetUiState | Rejects):
        return request.limit > SMALL_LIMIT
    return isinstance(request, Sample)
