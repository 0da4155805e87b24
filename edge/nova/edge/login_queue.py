"""The bounded queue of password checks, ordered by how likely the password is right. A crowd of
failing clients displaces its own entries.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from nova.edge.edge_config import EdgeLimits
from nova.edge.errors import LoginBusyError
from nova.edge.login_throttle import QueueRank

RETRY_AFTER_S = 2
TIMER_SLACK_S = 0.001
"""How early an event loop timer may fire."""


@dataclass(slots=True, eq=False)
class _QueuedLogin:
    rank: QueueRank
    key: Hashable
    granted: asyncio.Future[None]

    def sort_key(self) -> tuple[bool, int]:
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

    def __init__(self, limits: EdgeLimits) -> None:
        self._free = limits.hash_workers
        self._free_for_strangers = max(1, limits.hash_workers - 1)
        self._waiting_max = limits.hash_queue_max
        self._interval_s = 1 / limits.strangers_per_s
        self._stranger_after = 0.0
        self._waiting: list[_QueuedLogin] = []
        self._running: set[Hashable] = set()

    @asynccontextmanager
    async def turn(self, rank: QueueRank, key: Hashable) -> AsyncIterator[None]:
        """Wait for a turn and hold it; raises LoginBusyError if better ranks fill the queue."""
        before = sum(place.rank.network == rank.network for place in self._waiting)
        rank = rank._replace(failures=rank.failures + before)
        place = _QueuedLogin(rank, key, asyncio.get_running_loop().create_future())
        self._waiting.append(place)
        self._grant_turns()
        if len(self._waiting) > self._waiting_max:
            self._refuse_last()
        try:
            await place.granted
        except asyncio.CancelledError:
            self._abandon(place)
            raise
        try:
            yield
        finally:
            self._release(place)

    def _abandon(self, place: _QueuedLogin) -> None:
        """The caller was cancelled, perhaps just after its turn was granted."""
        if place in self._waiting:
            self._waiting.remove(place)
        elif (
            place.granted.done()
            and not place.granted.cancelled()
            and place.granted.exception() is None
        ):
            self._release(place)

    def _release(self, place: _QueuedLogin) -> None:
        self._running.discard(place.key)
        self._free += 1
        self._free_for_strangers += place.rank.is_stranger
        self._grant_turns()

    def _refuse_last(self) -> None:
        """Refuse the login of the worst rank; of equal ones, the latest."""
        last = max(reversed(self._waiting), key=_QueuedLogin.sort_key)
        self._waiting.remove(last)
        last.granted.set_exception(LoginBusyError(RETRY_AFTER_S))

    def _grant_turns(self) -> None:
        """Grant turns by rank; of equal ranks, the earliest first."""
        loop = asyncio.get_running_loop()
        while self._free:
            ready = [place for place in self._waiting if self._may_run(place, loop.time())]
            if not ready:
                return
            place = min(ready, key=_QueuedLogin.sort_key)
            if place.rank.is_stranger:
                self._stranger_after = loop.time() + self._interval_s
                loop.call_at(self._stranger_after, self._grant_turns)
            self._waiting.remove(place)
            self._running.add(place.key)
            self._free -= 1
            self._free_for_strangers -= place.rank.is_stranger
            place.granted.set_result(None)

    def _may_run(self, place: _QueuedLogin, now: float) -> bool:
        if place.granted.done() or place.key in self._running:
            return False
        if not place.rank.is_stranger:
            return True
        return self._free_for_strangers > 0 and now >= self._stranger_after - TIMER_SLACK_S
