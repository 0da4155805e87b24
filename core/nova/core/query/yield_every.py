"""Cooperative yielding: long work on the event loop lets sockets be served in between."""

from __future__ import annotations

import asyncio


class YieldEvery:
    """Yields to the event loop after every N-th step."""

    def __init__(self, every: int) -> None:
        self._every = every
        self._steps = 0

    async def step(self) -> None:
        """Count one step; yield if it is the last one of a group."""
        self._steps += 1
        if self._steps % self._every == 0:
            await asyncio.sleep(0)
