"""Whose turn it is: long work on the loop lets sockets be served in between."""

from __future__ import annotations

import asyncio


class Turn:
    """Lets sockets be served after so many steps."""

    def __init__(self, together: int) -> None:
        self._together = together
        self._steps = 0

    async def over(self) -> None:
        """Note one step."""
        self._steps += 1
        if self._steps % self._together == 0:
            await asyncio.sleep(0)
