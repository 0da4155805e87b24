"""A document is fetched once for all who need it, and again when it is old."""

from __future__ import annotations

import asyncio

import pytest

from nova.edge.cached_document import CachedDocument
from tests.edge.stepped_clock import SteppedClock


class Source:
    """Gives numbers, or the error of its member."""

    def __init__(self) -> None:
        self.fetches = 0
        self.error: Exception | None = None
        self.may_end = asyncio.Event()

    async def fetch(self) -> int:
        self.fetches += 1
        await self.may_end.wait()
        if self.error is not None:
            raise self.error
        return self.fetches


async def test_all_wait_for_one_fetch() -> None:
    """One who does not wait any longer does not end it; an error is everybody's, and not kept."""
    source, clock = Source(), SteppedClock()
    cached = CachedDocument(source.fetch, keep_s=10.0, clock=clock)
    source.error = ValueError("away")
    waiting = [asyncio.create_task(cached.get()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    source.may_end.set()
    ends = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(end) for end in ends] == [asyncio.CancelledError, ValueError, ValueError]
    assert source.fetches == 1
    source.error = None
    assert [await cached.get() for _ in range(3)] == [2, 2, 2]
    clock.now += 10
    assert await cached.get() == 3
    source.error = ValueError("away")
    with pytest.raises(ValueError, match="away"):
        await cached.fetch()
    assert await cached.get() == 3
