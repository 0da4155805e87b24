"""The bounded queue of password checks, ordered by how likely the password is right. A crowd of
failing clients displaces its own entries.
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
"""How early an event loop timer may fire."""


@dataclass(slots=True, eq=False)
class _Place:
    rank: Rank
    key: Hashable
    turn: asyncio.Future[None]

    def order(self) -> tuple[bool, int]:
        """The sort key; the smallest goes first."""
        return self.rank.is_stranger, self.rank.failures


class LoginQueue:
    """Grants as many turns at once as there are hashing threads, and one at a time per key. If
    there are several threads, one is reserved for known clients.

    Waiting logins of a network already count as failures of that network's next one, so a crowd
    queues behind everybody else.

    Strangers get at most `strangers_per_s` turns. That bounds the load, and the number of invented
    usernames for which failures are counted.
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
        """Wait for a turn and hold it; raises LoginBusyError if better ranks fill the queue."""
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
        """The caller was cancelled, perhaps just after its turn was granted."""
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
        """Refuse the login of the worst rank; of equal ones, the latest."""
        last = max(reversed(self._waiting), key=_Place.order)
        self._waiting.remove(last)
        last.turn.set_exception(BusyError(RETRY_AFTER_S))

    def _start(self) -> None:
        """Grant turns by rank; of equal ranks, the earliest first."""
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
