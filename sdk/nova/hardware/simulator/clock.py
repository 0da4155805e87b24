"""The simulator's clock; tests inject their own."""

from __future__ import annotations

import asyncio
from typing import Protocol

from nova.sdk import timestamps
from nova.sdk.timestamps import NS_PER_SECOND


class Clock(Protocol):
    """A source of time that can be waited for."""

    def now_ns(self) -> int:
        """Nanoseconds since 1970."""

    async def sleep_until(self, at_ns: int) -> None:
        """Return at that time, or at once if it is past."""


class WallClock:
    """The machine's clock."""

    def now_ns(self) -> int:
        return timestamps.now()

    async def sleep_until(self, at_ns: int) -> None:
        await asyncio.sleep(max(0.0, (at_ns - self.now_ns()) / NS_PER_SECOND))
