"""The feed: every commit to every reader, and only watermarks to one that lags."""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from nova.core import commit_feed
from nova.core.commit_feed import CommitFrame, FeedFrame, LinkStates, NewSeries
from nova.core.writer import feed_server
from nova.core.writer.feed_server import PENDING_MAX_FRAMES, FeedServer
from nova.sdk.events.event import Series
from nova.sdk.transport.link import LinkState

WAIT_S = 60.0
COMMITS = 4 * PENDING_MAX_FRAMES


def commit(mark: int, size: int = 10) -> CommitFrame:
    """A commit of one event."""
    series = NewSeries(mark, Series("sat", "raw", "a", "b", "c", "", ""))
    return CommitFrame(mark, [series], [(b"k" * 12, b"x" * size)])


@pytest.fixture
async def server(data: Path) -> AsyncIterator[FeedServer]:
    """A feed whose durable mark is 7."""
    server = FeedServer(data / "writer.sock")
    await server.start(7)
    yield server
    await server.stop()


async def connected(session: aiohttp.ClientSession) -> aiohttp.ClientWebSocketResponse:
    """A reader's connection."""
    return await session.ws_connect("http://localhost/", max_msg_size=0)


async def received(socket: aiohttp.ClientWebSocketResponse) -> FeedFrame:
    """What is announced next."""
    message = await socket.receive(timeout=WAIT_S)
    assert message.type is aiohttp.WSMsgType.BINARY, message
    return commit_feed.FRAMES.decode(message.data)


async def commit_received(socket: aiohttp.ClientWebSocketResponse) -> CommitFrame:
    """The next commit."""
    news = await received(socket)
    assert isinstance(news, CommitFrame)
    return news


async def test_a_reader_is_told_the_mark_and_then_every_commit(
    server: FeedServer, data: Path
) -> None:
    """nova.md §6: the mark first, for history ends there; then each commit whole."""
    connector = aiohttp.UnixConnector(str(data / "writer.sock"))
    async with aiohttp.ClientSession(connector=connector) as session:
        first = await connected(session)
        assert await received(first) == CommitFrame(7, [], None)
        server.publish(commit(8))
        second = await connected(session)
        assert await received(second) == CommitFrame(8, [], None)
        server.publish(commit(9))
        assert [await received(first), await received(first)] == [commit(8), commit(9)]
        assert await received(second) == commit(9)
        await first.close()
        server.publish(commit(10))
        assert await received(second) == commit(10)


async def test_a_reader_is_told_how_the_links_are(server: FeedServer, data: Path) -> None:
    """nova.md §7: also one that comes later; the same again too, for that says that it lives."""
    down, up = (LinkStates({"kafka://a": LinkState(connected)}) for connected in (False, True))
    connector = aiohttp.UnixConnector(str(data / "writer.sock"))
    async with aiohttp.ClientSession(connector=connector) as session:
        first = await connected(session)
        await received(first)
        for states in (down, down, up):
            server.publish_links(states)
        assert [await received(first) for _ in range(3)] == [down, down, up]
        second = await connected(session)
        assert [await received(second), await received(second)] == [CommitFrame(7, [], None), up]


async def test_a_reader_that_lags_gets_marks_and_holds_nobody_up(
    server: FeedServer, data: Path
) -> None:
    """Pitfalls row 21: memory stays bounded; the last mark comes, events are left to the store."""
    connector = aiohttp.UnixConnector(str(data / "writer.sock"))
    async with aiohttp.ClientSession(connector=connector) as session:
        lagging, quick = await connected(session), await connected(session)
        await received(quick)
        for mark in range(8, 8 + COMMITS):
            server.publish(commit(mark, 200_000))
            assert await received(quick) == commit(mark, 200_000)
        frames = [await commit_received(lagging)]
        while frames[-1].watermark < 7 + COMMITS:
            frames.append(await commit_received(lagging))
    marks = [frame.watermark for frame in frames]
    assert marks == sorted(marks)
    assert len(frames) < COMMITS
    # Where frames were left out, the one after says that events are missing.
    for before, after in itertools.pairwise(frames):
        assert after.watermark == before.watermark + 1 or after.events is None


async def test_a_feed_stops_though_a_reader_does_not_listen(server: FeedServer, data: Path) -> None:
    """A SIGTERM is not held up by a reader that hangs."""
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.connect(str(data / "writer.sock"))
        deaf.sendall(
            b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        connector = aiohttp.UnixConnector(str(data / "writer.sock"))
        async with aiohttp.ClientSession(connector=connector) as session:
            quick = await connected(session)
            await received(quick)
            for mark in range(8, 20):
                server.publish(commit(mark, 1_000_000))
                await received(quick)
            async with asyncio.timeout(WAIT_S):
                await server.stop()


async def test_commits_gather_for_a_reader_in_no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a pause it gets all of them, in order; nothing is sent during the pause."""
    sent: list[bytes] = []
    pausing, go_on = asyncio.Event(), asyncio.Event()

    class NotingSocket:
        """A connection that notes what is sent."""

        async def send_bytes(self, data: bytes) -> None:
            """Note it."""
            sent.append(data)

    async def pause(_: float) -> None:
        pausing.set()
        await go_on.wait()

    monkeypatch.setattr(asyncio, "sleep", pause)
    queue: asyncio.Queue[bytes] = asyncio.Queue()
    socket: Any = NotingSocket()
    sending = asyncio.create_task(feed_server.send_frames(socket, queue, 0.05))
    queue.put_nowait(b"1")
    await pausing.wait()
    for frame in (b"2", b"3", b"4"):
        queue.put_nowait(frame)
    monkeypatch.undo()
    await asyncio.sleep(0)
    assert sent == [b"1"]
    go_on.set()
    while len(sent) < 4:
        await asyncio.sleep(0)
    sending.cancel()
    assert sent == [b"1", b"2", b"3", b"4"]


@pytest.mark.parametrize("pause", ["soon", "-1", "nan", "61"])
async def test_a_pause_that_is_none_is_refused(server: FeedServer, data: Path, pause: str) -> None:
    """With the rule."""
    connector = aiohttp.UnixConnector(str(data / "writer.sock"))
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.get(f"http://localhost/?pauseS={pause}") as reply,
    ):
        assert (reply.status, await reply.text()) == (
            400,
            f"pauseS {pause!r} is not a number from 0 to 1",
        )
