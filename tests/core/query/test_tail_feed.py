"""The feed fills the tail of a snapshot while it is wanted, from a real server on a socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from nova.core.commit_feed import CommitFrame
from nova.core.ordering import time_key
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.commit_tail import CommitTail
from nova.core.query.tail_feed import follow_feed
from nova.core.writer.feed_server import FeedServer

WAIT_S = 20.0
STORED = b"x" * 100
MAX_BYTES = 5 * len(STORED)


@pytest.fixture
async def server(data: Path) -> AsyncIterator[FeedServer]:
    """A feed at `writer.sock`, at watermark 1."""
    server = FeedServer(data / "writer.sock")
    await server.start(1)
    yield server
    await server.stop()


def commit(time_ns: int) -> CommitFrame:
    return CommitFrame(time_ns, [], [(time_key(time_ns) + bytes(4), STORED)])


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not holds():
            await asyncio.sleep(0.01)


async def test_a_follower_that_is_too_far_behind_follows_again_once_it_wants_to(
    server: FeedServer, view: ArchiveSnapshot, data: Path
) -> None:
    """What outgrows the tail is all dropped, and nothing comes until then; after that it has every
    event from the watermark on at which it has begun again.
    """
    tail = CommitTail(MAX_BYTES)
    following = asyncio.create_task(follow_feed(data / "writer.sock", view, tail, retry_s=0.01))
    await until(lambda: tail.covers(2, 1))
    assert view.tail is tail
    for time_ns in range(2, 6):
        server.publish(commit(time_ns))
    await until(lambda: tail.covers(2, 5))
    tail.release(4)
    assert tail.covers(5, 5) and not tail.covers(4, 5)
    for time_ns in range(6, 11):
        server.publish(commit(time_ns))
    await until(lambda: not tail.wanted.is_set())
    server.publish(commit(11))
    await asyncio.sleep(0.1)
    assert not tail.covers(11, 11) and not list(tail.blocks(b"", b"\xff"))
    tail.wanted.set()
    await until(lambda: tail.covers(12, 11))
    server.publish(commit(12))
    await until(lambda: tail.covers(12, 12))
    ((rows, size_bytes),) = tail.blocks(time_key(12), time_key(13))
    assert rows == commit(12).events and size_bytes == len(STORED)
    following.cancel()
    await asyncio.wait((following,))
