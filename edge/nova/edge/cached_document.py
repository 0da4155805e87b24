"""A document of a provider that is fetched once for all who need it, and again when it is old."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

_DocumentT = TypeVar("_DocumentT")

KEEP_S = 3_600.0


class CachedDocument(Generic[_DocumentT]):
    """Whoever asks while it is being fetched gets the result, or the error, of the same fetch."""

    def __init__(
        self,
        fetch: Callable[[], Awaitable[_DocumentT]],
        keep_s: float = KEEP_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._keep_s = keep_s
        self._clock = clock
        self._document: _DocumentT | None = None
        self._fetched_s = 0.0
        self._fetching: asyncio.Task[_DocumentT] | None = None

    @property
    def age_s(self) -> float:
        """Seconds since it was fetched."""
        return self._clock() - self._fetched_s

    async def get(self) -> _DocumentT:
        """The document, fetched if there is none or it is older than `keep_s`."""
        if self._document is not None and self.age_s < self._keep_s:
            return self._document
        return await self.fetch()

    async def fetch(self) -> _DocumentT:
        """The document, fetched now."""
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch_and_keep())
            self._fetching.add_done_callback(self._end)
        # Somebody who does not wait any longer must not end the fetch of the others.
        return await asyncio.shield(self._fetching)

    async def _fetch_and_keep(self) -> _DocumentT:
        self._document = await self._fetch()
        self._fetched_s = self._clock()
        return self._document

    def _end(self, task: asyncio.Task[_DocumentT]) -> None:
        self._fetching = None
        if not task.cancelled():
            task.exception()  # Marks it as retrieved, should nobody wait any longer.
