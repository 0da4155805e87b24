"""The short queue of passwords to check: who is likely right comes first, and a crowd that fails
pushes its own out.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from edge.config import Limits
from edge.errors import BusyError
from edge.guessing import Rank

RETRY_AFTER_S = 2
TIMER_SLACK_S = 0.001
"""How early a timer may fire."""


@dataclass(slots=True, eq=False)
class _Place:
    rank: Rank
    key: Hashable
    turn: asyncio.Future[None]

    def order(self) -> tuple[bool, int]:
        """The least comes first."""
        return self.rank.is_stranger, self.rank.failures


class LoginQueue:
    """As many turns at once as there are hashing threads, one at a time for each key; where there
    are several threads, one of them is not for strangers.

    Those of one network that wait already count as failures of the next: a crowd waits in a row of
    its own.

    Strangers get at most `strangers_per_s` turns: that bounds the load, and how many made-up names
    failures are counted for.
    """

    def __init__(self, limits: Limits) -> None:
        self._free = limits.hash_workers
        self._free_for_strangers = max(1, limits.hash_workers - 1)
        self._waiting_max = limits.hash_waiting_max
        self._interval_s = 1 / limits.strangers_per_s
        self._stranger_after = 0.0
        self._waiting: list[_Place] = []
        self._running: set[Hashable] = set()

    @asynccontextmanager
    async def turn(self, rank: Rank, key: Hashable) -> AsyncIterator[None]:
        """Wait for a turn and take it; raises BusyError where others have to be checked first."""
        before = sum(place.rank.network == rank.network for place in self._waiting)
        rank = rank._replace(failures=rank.failures + before)
        place = _Place(rank, key, asyncio.get_running_loop().create_future())
        self._waiting.append(place)
        self._start()
        if len(self._waiting) > self._waiting_max:
            self._drop_last()
        try:
            await place.turn
        except asyncio.CancelledError:
            self._leave(place)
            raise
        try:
            yield
        finally:
            self._end(place)

    def _leave(self, place: _Place) -> None:
        """Whoever asked went away, perhaps just when its turn had come."""
        if place in self._waiting:
            self._waiting.remove(place)
        elif place.turn.done() and not place.turn.cancelled() and place.turn.exception() is None:
            self._end(place)

    def _end(self, place: _Place) -> None:
        self._running.discard(place.key)
        self._free += 1
        self._free_for_strangers += place.rank.is_stranger
        self._start()

    def _drop_last(self) -> None:
        """Turn the least likely away, of equal ones the latest."""
        last = max(reversed(self._waiting), key=_Place.order)
        self._waiting.remove(last)
        last.turn.set_exception(BusyError(RETRY_AFTER_S))

    def _start(self) -> None:
        """Give turns to the first in rank, of equal ones the earliest."""
        loop = asyncio.get_running_loop()
        while self._free:
            ready = [place for place in self._waiting if self._may_start(place, loop.time())]
            if not ready:
                return
            place = min(ready, key=_Place.order)
            if place.rank.is_stranger:
                self._stranger_after = loop.time() + self._interval_s
                loop.call_at(self._stranger_after, self._start)
            self._waiting.remove(place)
            self._running.add(place.key)
            self._free -= 1
            self._free_for_strangers -= place.rank.is_stranger
            place.turn.set_result(None)

    def _may_start(self, place: _Place, now: float) -> bool:
        if place.turn.done() or place.key in self._running:
            return False
        if not place.rank.is_stranger:
            return True
        return self._free_for_strangers > 0 and now >= self._stranger_after - TIMER_SLACK_S
