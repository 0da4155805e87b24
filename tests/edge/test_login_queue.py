"""The bounded queue of passwords to check."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable

from nova.edge.edge_config import EdgeLimits
from nova.edge.errors import LoginBusyError
from nova.edge.login_queue import LoginQueue
from nova.edge.login_throttle import QueueRank

KNOWN = QueueRank(False, 0, "known")
STRANGER = QueueRank(True, 0, "new")
FAILING = QueueRank(True, 9, "failing")
FAST = EdgeLimits(hash_workers=1, hash_queue_max=2, strangers_per_s=1e6)


class QueuedLogin:
    """Logins that wait until they are let through, in the order in which their turns came."""

    def __init__(self, limits: EdgeLimits = FAST) -> None:
        self.queue = LoginQueue(limits)
        self.order: list[str] = []
        self.go_on = asyncio.Event()

    def ask(self, name: str, rank: QueueRank, key: Hashable | None = None) -> asyncio.Task[bool]:
        """Ask for a turn; the task gives False if it was turned away."""
        return asyncio.create_task(self._ask(name, rank, key or name))

    async def _ask(self, name: str, rank: QueueRank, key: Hashable) -> bool:
        try:
            async with self.queue.turn(rank, key):
                self.order.append(name)
                await self.go_on.wait()
        except LoginBusyError:
            return False
        return True


async def settled() -> None:
    """Let everybody come as far as it can."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_the_likely_come_first_and_push_the_unlikely_out() -> None:
    """A crowd that fails keeps nobody else waiting."""
    asked = QueuedLogin()
    tasks = [asked.ask("running", FAILING)]
    await settled()
    for name, rank in (("f1", FAILING), ("f2", FAILING), ("new", STRANGER), ("known", KNOWN)):
        tasks.append(asked.ask(name, rank))
        await settled()
    asked.go_on.set()
    assert await asyncio.gather(*tasks) == [True, False, False, True, True]
    assert asked.order == ["running", "known", "new"]


async def test_one_more_of_the_same_rank_is_turned_away() -> None:
    """First come, first served among equals."""
    asked = QueuedLogin()
    tasks = [asked.ask(str(number), STRANGER) for number in range(5)]
    await settled()
    asked.go_on.set()
    assert await asyncio.gather(*tasks) == [True, True, True, False, False]
    assert asked.order == ["0", "1", "2"]


async def test_a_crowd_of_one_network_waits_in_its_own_row() -> None:
    """Others that come later have as much of the turns as if it was one."""
    asked = QueuedLogin(EdgeLimits(hash_workers=1, hash_queue_max=9, strangers_per_s=1e6))
    tasks = [asked.ask(f"crowd-{number}", QueueRank(True, 0, "crowd")) for number in range(10)]
    await settled()
    tasks += [asked.ask(f"other-{number}", QueueRank(True, 0, f"{number}")) for number in range(3)]
    await settled()
    asked.go_on.set()
    assert sum(await asyncio.gather(*tasks)) == 10
    expected = ["crowd-0", "crowd-1", "other-0", "other-1", "other-2", "crowd-2"]
    assert asked.order[:6] == expected


async def test_one_key_has_one_turn_at_a_time() -> None:
    """Another's turn comes meanwhile."""
    asked = QueuedLogin(EdgeLimits(hash_workers=2, strangers_per_s=1e6))
    tasks = [asked.ask("a1", KNOWN, "a"), asked.ask("a2", KNOWN, "a"), asked.ask("b", KNOWN, "b")]
    await settled()
    assert asked.order == ["a1", "b"]
    asked.go_on.set()
    assert await asyncio.gather(*tasks) == [True, True, True]


async def test_strangers_are_paced_and_known_clients_are_not() -> None:
    """While a stranger waits for the next turn of strangers, others go on."""
    asked = QueuedLogin(EdgeLimits(hash_workers=9, strangers_per_s=0.001))
    tasks = [asked.ask("s1", STRANGER), asked.ask("s2", STRANGER), asked.ask("k", KNOWN)]
    await settled()
    assert asked.order == ["s1", "k"]
    tasks[1].cancel()
    asked.go_on.set()
    await asyncio.wait(tasks)


async def test_one_thread_is_kept_for_known_clients() -> None:
    """Strangers whose passwords take long do not keep an owner waiting."""
    asked = QueuedLogin(EdgeLimits(hash_workers=2, strangers_per_s=1e6))
    tasks = [asked.ask("s1", STRANGER), asked.ask("s2", STRANGER)]
    await settled()
    tasks.append(asked.ask("k", KNOWN))
    await settled()
    assert asked.order == ["s1", "k"]
    asked.go_on.set()
    assert await asyncio.gather(*tasks) == [True, True, True]


async def test_the_pace_lets_the_next_stranger_go_by_itself() -> None:
    """Nobody has to come or go for that."""
    asked = QueuedLogin(EdgeLimits(hash_workers=9, strangers_per_s=100))
    tasks = [asked.ask(str(number), STRANGER) for number in range(5)]
    asked.go_on.set()
    assert await asyncio.gather(*tasks) == [True] * 5


async def test_who_leaves_gives_its_place_back() -> None:
    """Waiting, just called, or in the middle of its turn."""
    asked = QueuedLogin()
    first, second, third = (asked.ask(name, KNOWN) for name in "abc")
    await settled()
    second.cancel()
    first.cancel()
    await settled()
    assert asked.order == ["a", "c"]
    asked.go_on.set()
    assert await third
    called = asked.ask("d", KNOWN)
    await asyncio.sleep(0)  # it has its turn, and does not know it yet
    called.cancel()
    await asyncio.wait((called,))
    assert await asked.ask("e", KNOWN)
