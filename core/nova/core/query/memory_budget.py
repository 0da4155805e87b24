"""The reader's memory budget for replies, from the first event read until the client has received
the reply. A request that gets no share within WAIT_S fails with `busy` and a retry hint.

Large replies, small replies and streams have separate pools, so that clients that page through the
archive cannot delay a small page or a live stream. Pools serve first come, first served. Stream
chunks never wait: they get smaller as their pool fills.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import NamedTuple

from nova.core.errors import RequestError
from nova.core.query.page import PAGE_MAX_BYTES
from nova.core.query.playback import CHUNK_MAX_BYTES
from nova.sdk.protocol.alarm_messages import AlarmHistory, Alarms
from nova.sdk.protocol.column_messages import Columns
from nova.sdk.protocol.export import CancelExport, Export
from nova.sdk.protocol.follow_stream import FollowStream, ReaderRequest
from nova.sdk.protocol.messages import (
    CancelStream,
    Discover,
    GetUiState,
    Latest,
    Query,
    Rejects,
    SetCursor,
    StartStream,
)
from nova.sdk.protocol.recording_messages import Recordings
from nova.sdk.protocol.submission import Submission
from nova.sdk.protocol.text_messages import FindText
from nova.sdk.protocol.timeline import Find, Sample

BUDGET_BYTES = 64 * 1024 * 1024
LARGE_SHARE, SMALL_SHARE = 1 / 2, 1 / 4
"""Shares of the budget for large and for small replies; the rest is for stream chunks."""

SMALL_LIMIT = 100
"""A request with a `limit` of up to this many events or series has a small reply."""

SMALL_BYTES = 128 * 1024
CHUNK_MIN_BYTES = 16 * 1024
CHUNK_SHARE = 8
"""A chunk may take 1/CHUNK_SHARE of the free bytes, so that the pool never runs empty."""

UNBUDGETED_REQUESTS = (
    StartStream,
    CancelStream,
    SetCursor,
    FollowStream,
    Submission,
    Export,
    CancelExport,
)
"""Requests that need no budget and are never `busy`: submissions, small replies, and requests that
end something that takes memory.
"""

COLUMNS_BYTES = 4 * 1024 * 1024
"""The reply to a Columns request with a large limit, which is larger than other pages since its
parts are not worth a message each.
"""

OVERSHOOT = 2
"""A reply may take this many times its share, because a page ends behind the item that reaches its
limit. A larger one is read again while it holds budget of its own size.
"""

ACQUIRE_TIMEOUT_S = 1.0
RETRY_AFTER_MS = 1_000


class ReaderBusyError(RequestError):
    """No budget is free for a reply now; no event was read for it."""

    def __init__(self, retry_after_ms: int = RETRY_AFTER_MS) -> None:
        super().__init__(
            "busy",
            "the reader's memory for replies is in use: retry in "
            f"{retry_after_ms} ms, or request a smaller page",
        )
        self.retry_after_ms = retry_after_ms


class ExceededError(Exception):
    """A reply is larger than the budget that was held for it."""

    def __init__(self, size: int) -> None:
        super().__init__(f"the reply has {size} bytes")
        self.size = size


class Share(NamedTuple):
    """The maximum bytes of a reply's page, and the budget that is held for the reply."""

    page_bytes: int
    held_bytes: int

    def check(self, size: int) -> None:
        """Raise ExceededError for a reply that needs more budget than is held."""
        if size > self.held_bytes and size > OVERSHOOT * self.page_bytes:
            raise ExceededError(size)


class BytePool:
    """A byte semaphore that serves waiters first come, first served."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._free = size
        self._waiting: deque[tuple[asyncio.Future[None], int]] = deque()

    async def acquire(self, size: int, wait_s: float) -> None:
        """Acquire `size` bytes, at most the whole pool; raises BusyError after `wait_s`."""
        size = min(size, self._size)
        if not self._waiting and self._free >= size:
            self._free -= size
            return
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((granted, size))
        try:
            async with asyncio.timeout(wait_s):
                await granted
        except BaseException as error:
            self._withdraw(granted, size)
            if isinstance(error, TimeoutError):
                raise ReaderBusyError from None
            raise

    def _withdraw(self, waiter: asyncio.Future[None], size: int) -> None:
        """Withdraw a waiter. Bytes that it was granted at the same moment go to the next one."""
        if waiter.done() and not waiter.cancelled():
            self.release(size)
            return
        with contextlib.suppress(ValueError):  # _serve may have removed it already.
            self._waiting.remove((waiter, size))
        self._grant()

    def release(self, size: int) -> None:
        self._free += min(size, self._size)
        self._grant()

    def _grant(self) -> None:
        while self._waiting and self._free >= self._waiting[0][1]:
            granted, size = self._waiting.popleft()
            if not granted.done():
                self._free -= size
                granted.set_result(None)


class MemoryBudget:
    """The memory budget of one reader, shared by all of its sessions."""

    def __init__(self, size: int = BUDGET_BYTES, wait_s: float = ACQUIRE_TIMEOUT_S) -> None:
        self._large = BytePool(max(PAGE_MAX_BYTES, int(size * LARGE_SHARE)))
        self._small = BytePool(max(SMALL_BYTES, int(size * SMALL_SHARE)))
        self._wait_s = wait_s
        self._chunks_free = int(size * (1 - LARGE_SHARE - SMALL_SHARE))

    @contextlib.asynccontextmanager
    async def hold_reply(self, *, large: bool, size: int = 0) -> AsyncIterator[int]:
        """Hold budget for a reply while the block runs: for a page, or `size` if that is more.
        Yields the maximum bytes of its events; raises BusyError.
        """
        room, page_bytes = (self._large, PAGE_MAX_BYTES) if large else (self._small, SMALL_BYTES)
        if size > page_bytes:
            room = self._large
        held = max(size, page_bytes)
        await room.acquire(held, self._wait_s)
        try:
            yield page_bytes
        finally:
            room.release(held)

    def chunk_bytes(self) -> int:
        """The maximum bytes of the next stream chunk."""
        return min(CHUNK_MAX_BYTES, max(CHUNK_MIN_BYTES, self._chunks_free // CHUNK_SHARE))

    @contextlib.contextmanager
    def hold_chunk(self, size: int) -> Iterator[None]:
        """Account for a chunk while the block sends it."""
        self._chunks_free -= size
        try:
            yield
        finally:
            self._chunks_free += size


class ConnectionBudget:
    """One connection's access to the budget: one large reply at a time."""

    def __init__(self, budget: MemoryBudget) -> None:
        self._budget = budget
        self._large = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def hold_reply(self, request: ReaderRequest, size: int = 0) -> AsyncIterator[Share]:
        """Hold budget for the reply to a request while the block runs, for `size` bytes if it is
        known to be that large; raises BusyError.
        """
        if isinstance(request, UNBUDGETED_REQUESTS):
            yield Share(SMALL_BYTES, SMALL_BYTES)
            return
        large = has_large_reply(request)
        if large and isinstance(request, Columns):
            size = max(size, COLUMNS_BYTES)
        async with AsyncExitStack() as stack:
            if large or size > SMALL_BYTES:
                await stack.enter_async_context(self._large)
            answer = self._budget.hold_reply(large=large, size=size)
            page_bytes = await stack.enter_async_context(answer)
            yield Share(page_bytes, max(page_bytes, size))


PAGED = (
    Query,
    Discover,
    Latest,
    GetUiState,
    Rejects,
    Find,
    FindText,
    Recordings,
    Columns,
    Alarms,
    AlarmHistory,
)


def has_large_reply(request: ReaderRequest) -> bool:
    if isinstance(request, PAGED):
        return request.limit > SMALL_LIMIT
    return isinstance(request, Sample)
