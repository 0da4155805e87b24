"""The memory of all replies of a reader is bounded, and no client starves."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from nova.core.query import memory_budget as budgets
from nova.core.query.memory_budget import (
    SMALL_BYTES,
    BytePool,
    ConnectionBudget,
    MemoryBudget,
    ReaderBusyError,
    has_large_reply,
)
from nova.core.query.page import PAGE_MAX_BYTES
from nova.core.query.playback import CHUNK_MAX_BYTES
from nova.sdk.client.client import Client
from nova.sdk.errors import ProtocolError
from nova.sdk.protocol.messages import (
    CancelStream,
    Discover,
    Error,
    Latest,
    Query,
    QueryResponse,
    Status,
)
from nova.sdk.protocol.submission import SubmitChat
from nova.sdk.protocol.timeline import Sample
from nova.sdk.settings import Settings
from tests.core.conftest import Make
from tests.core.running import running_core

SOON_S = 0.01
MIB = 1024 * 1024


async def test_room_is_given_in_the_order_of_asking() -> None:
    """A small one that came later does not pass by a large one that waits."""
    room = BytePool(10)
    await room.acquire(8, SOON_S)
    order: list[str] = []

    async def ask(name: str, size: int) -> None:
        await room.acquire(size, 10)
        order.append(name)

    asking = [asyncio.create_task(ask(name, size)) for name, size in (("large", 9), ("small", 1))]
    await asyncio.sleep(0)
    assert order == []
    room.release(8)
    await asyncio.gather(*asking)
    assert order == ["large", "small"]


async def test_who_finds_no_room_in_time_is_told_when_to_come_again() -> None:
    """And leaves nothing behind: neither a place in the queue nor bytes."""
    room = BytePool(10)
    await room.acquire(10, SOON_S)
    with pytest.raises(ReaderBusyError, match="retry in") as caught:
        await room.acquire(1, SOON_S)
    assert caught.value.code == "busy" and caught.value.retry_after_ms > 0
    waiting = asyncio.create_task(room.acquire(10, 10))
    await asyncio.sleep(0)
    behind = asyncio.create_task(room.acquire(1, 10))
    await asyncio.sleep(0)
    waiting.cancel()
    room.release(1)
    await behind
    room.release(10)
    await room.acquire(10, SOON_S)


async def test_what_was_given_to_one_who_left_goes_to_others() -> None:
    """A connection may end between the moment it is given room and the moment it runs."""
    room = BytePool(10)
    await room.acquire(10, SOON_S)
    waiting = asyncio.create_task(room.acquire(10, 10))
    await asyncio.sleep(0)
    room.release(10)
    waiting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await waiting
    await room.acquire(10, SOON_S)


async def test_who_left_just_before_there_was_room_is_passed_over() -> None:
    """Memory may be released between the end of a wait and its detection."""
    room = BytePool(10)
    await room.acquire(10, SOON_S)
    waiting = asyncio.create_task(room.acquire(10, 10))
    behind = asyncio.create_task(room.acquire(10, 10))
    await asyncio.sleep(0)
    waiting.cancel()
    room.release(10)
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await behind


async def test_more_than_there_is_takes_all_there_is() -> None:
    """A budget that is smaller than a page still serves one at a time."""
    room = BytePool(10)
    await room.acquire(100, SOON_S)
    with pytest.raises(ReaderBusyError):
        await room.acquire(1, SOON_S)
    room.release(100)
    await room.acquire(10, SOON_S)


async def test_small_answers_come_while_large_ones_are_told_busy() -> None:
    """Fairness: a client that reads the whole archive does not delay small requests or streams."""
    budget = MemoryBudget(4 * MIB, SOON_S)
    async with AsyncExitStack() as stack:
        for _ in range(4):
            assert await stack.enter_async_context(budget.hold_reply(large=True)) == PAGE_MAX_BYTES
        with pytest.raises(ReaderBusyError):
            await stack.enter_async_context(budget.hold_reply(large=True))
        assert await stack.enter_async_context(budget.hold_reply(large=False)) == SMALL_BYTES
    async with budget.hold_reply(large=True):
        pass


async def test_one_connection_has_one_large_answer_at_a_time() -> None:
    """So it takes a page's room, however many it asks for at once."""
    budget = MemoryBudget(4 * MIB, 10)
    allowance = ConnectionBudget(budget)
    begun = 0

    async def ask() -> None:
        nonlocal begun
        async with allowance.hold_reply(Query(limit=10_000)):
            begun += 1
            await asyncio.sleep(10)

    asking = [asyncio.create_task(ask()) for _ in range(4)]
    await asyncio.sleep(SOON_S)
    assert begun == 1
    async with (
        allowance.hold_reply(Query(limit=10)),
        ConnectionBudget(budget).hold_reply(Query(limit=10_000)),
    ):
        assert begun == 1
    for task in asking:
        task.cancel()
    await asyncio.wait(asking)


async def test_what_is_submitted_is_never_told_to_come_again() -> None:
    """Nor is what ends a stream, whose room others wait for."""
    budget = MemoryBudget(0, SOON_S)
    async with budget.hold_reply(large=True), AsyncExitStack() as stack:
        await stack.enter_async_context(budget.hold_reply(large=False))
        allowance = ConnectionBudget(budget)
        chat = SubmitChat(scope_id="s", content="m", timeline_mode="LIVE")
        for request in (chat, CancelStream()):
            await stack.enter_async_context(allowance.hold_reply(request))
        with pytest.raises(ReaderBusyError):
            await stack.enter_async_context(allowance.hold_reply(Status()))


def test_what_may_be_large_is_told_by_its_limit() -> None:
    """A plot may be large too."""
    assert (
        has_large_reply(Query(limit=101))
        and has_large_reply(Discover(limit=1_000))
        and has_large_reply(Latest())
    )
    assert not has_large_reply(Query(limit=100)) and not has_large_reply(Status())
    ids = {"scope_id": "s", "system_id": "a", "container_id": "b", "unique_id": "c"}
    span = {
        "start_time": "",
        "stop_time": "",
        "buckets": 1,
        "lane": "ui",
        "message_type": "m",
        "fields": ["a"],
    }
    assert has_large_reply(Sample(**ids, **span))  # type: ignore[arg-type]


def test_chunks_become_small_as_those_who_do_not_read_become_many() -> None:
    """What stalled streams hold is bounded: their share, and a little for each beyond it."""
    budget = MemoryBudget(16 * MIB)
    held, stack = 0, contextlib.ExitStack()
    with stack:
        assert budget.chunk_bytes() == CHUNK_MAX_BYTES
        for _ in range(500):
            size = budget.chunk_bytes()
            stack.enter_context(budget.hold_chunk(size))
            held += size
        assert budget.chunk_bytes() == budgets.CHUNK_MIN_BYTES
        assert held <= 4 * MIB + 500 * budgets.CHUNK_MIN_BYTES
    assert budget.chunk_bytes() == CHUNK_MAX_BYTES


async def test_a_busy_reader_says_so_and_a_client_asks_again(data: Path, record: Make) -> None:
    """Through a real reader: pages that nobody reads fill the room, a walk gets `busy` and when
    to come again, a small page and what is live still come; once there is room the walk continues.
    """
    settings = Settings(data=str(data), mode="ground", answers_mib=4)
    async with running_core(settings) as core, AsyncExitStack() as stack:
        await core.publish([record(n, at_ns=n * 1_000) for n in range(6_000)])
        hoarders = [await stack.enter_async_context(core.frames()) for _ in range(8)]
        for one in hoarders:
            for ref in range(4):
                await one.send(Query(limit=10_000, ref=ref))
        client = await stack.enter_async_context(await Client.to_core(data))
        client.busy_limit_s = 0
        async with asyncio.timeout(20):
            while True:
                try:
                    await client.request(Query(limit=10_000), QueryResponse)
                except ProtocolError as error:
                    assert error.code == "busy"
                    break
        asking = await stack.enter_async_context(core.frames())
        await asking.send(Query(limit=10_000, ref=9))
        (told,) = [one for one in await asking.until(Error) if isinstance(one, Error)]
        assert told.ref == 9 and told.retry_after_ms
        assert (await client.request(Query(limit=5), QueryResponse)).events
        client.busy_limit_s = 60
        walk = client.request(Query(limit=10_000), QueryResponse)
        walking = asyncio.create_task(walk)
        await asyncio.sleep(0.1)
        assert not walking.done()
        for one in hoarders:
            await one.socket.close()
        async with asyncio.timeout(20):
            assert (await walking).events
