"""The client against a scripted peer, which does what a real Core does seldom or never.

Against a real Core it is tested in tests/e2e/test_client.py and tests/core/reader.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import WSMsgType, web

from nova.sdk import endpoints
from nova.sdk.client.client import Client
from nova.sdk.client.connection import REPLY_TIMEOUT_S
from nova.sdk.errors import ConnectionLostError, ProtocolError
from nova.sdk.protocol import messages
from nova.sdk.protocol.messages import (
    CancelStream,
    Query,
    QueryResponse,
    StartStream,
    Status,
    StreamCancelled,
    StreamChunk,
    StreamComplete,
    StreamStarted,
)
from nova.sdk.protocol.timeline import StreamGap

WAIT_S = 60.0
MANY = 200
CURSOR = "2026-01-01T00:00:00.000000000Z"


class ReaderPeer:
    """The other side of one connection."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self.socket = socket

    async def take(self) -> messages.Request:
        """The next request."""
        message = await self.socket.receive()
        assert message.type is WSMsgType.TEXT, message
        return messages.decode_request(message.data)

    async def send(self, message: messages.Message | bytes, ref: messages.Ref = None) -> None:
        """Send a message, or a frame as it is."""
        if isinstance(message, bytes):
            await self.socket.send_frame(message, WSMsgType.TEXT)
        else:
            message.ref = ref
            await self.socket.send_frame(messages.encode(message), WSMsgType.TEXT)

    async def chunk(self, playback_id: str, number: int) -> None:
        """Send a chunk of one event."""
        await self.send(messages.chunk_frame(playback_id, CURSOR, [b"%d" % number], None))

    async def start(self) -> str:
        """Accept the next request, which is for a stream; its id."""
        request = await self.take()
        assert isinstance(request, StartStream), request
        playback_id = request.playback_request_id
        await self.send(StreamStarted(playback_request_id=playback_id), request.ref)
        return playback_id

    async def end(self, playback_id: str) -> None:
        """Say that a stream is complete."""
        await self.send(StreamComplete(playback_request_id=playback_id, cursor=CURSOR))

    async def answer_all(self) -> None:
        """Answer statuses with an error that names itself and cancels as asked, to the end."""
        async for message in self.socket:
            request = messages.decode_request(message.data)
            if isinstance(request, CancelStream):
                stopped = StreamCancelled(playback_request_id=request.playback_request_id)
                await self.send(stopped, request.ref)
            else:
                await self.send(messages.Error(code="probe", message="served"), request.ref)


Script = Callable[[ReaderPeer], Awaitable[None]]


@asynccontextmanager
async def connected(script: Script) -> AsyncIterator[Client]:
    """A client of a peer that follows a script and then closes."""

    async def serve(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False, timeout=0.1)
        await socket.prepare(request)
        await script(ReaderPeer(socket))
        return socket

    app = web.Application()
    app.router.add_get("/", serve)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    await runner.setup()
    with tempfile.TemporaryDirectory(prefix="nova-") as folder:
        path = endpoints.claim_socket(endpoints.reader_socket(Path(folder)))
        await web.UnixSite(runner, str(path)).start()
        try:
            async with asyncio.timeout(WAIT_S), await Client.to_core(Path(folder)) as client:
                yield client
        finally:
            await runner.cleanup()


async def is_served(client: Client) -> bool:
    """Whether a request finds its reply."""
    with pytest.raises(ProtocolError) as caught:
        await client.request(Status(), messages.StatusResponse)
    return caught.value.code == "probe"


def numbers(chunks: list[StreamChunk]) -> list[int]:
    """The events of chunks."""
    return [int(bytes(event)) for chunk in chunks for event in chunk.events]


async def test_replies_find_their_requests_in_any_order() -> None:
    """nova.md §8: a reply carries the ref of its request."""

    async def script(peer: ReaderPeer) -> None:
        requests = [await peer.take() for _ in range(20)]
        for request in reversed(requests):
            assert isinstance(request, Query)
            event = str(request.limit).encode()
            frame = messages.events_frame("queryResponse", request.ref, [event])
            await peer.send(frame)
        await peer.answer_all()

    async with connected(script) as client:
        pages = await asyncio.gather(
            *(client.request(Query(limit=n), QueryResponse) for n in range(1, 21))
        )
        assert [int(bytes(page.events[0])) for page in pages] == list(range(1, 21))
        assert await is_served(client)


async def test_requests_are_served_while_a_stream_waits_to_be_read() -> None:
    """One socket carries both: chunks that nobody takes yet do not hide a reply behind them."""

    async def script(peer: ReaderPeer) -> None:
        playback_id = await peer.start()
        for number in range(MANY):
            await peer.chunk(playback_id, number)
        request = await peer.take()
        await peer.send(messages.Error(code="probe", message=""), request.ref)
        await peer.end(playback_id)
        await peer.answer_all()

    async with connected(script) as client:
        chunks: list[StreamChunk] = []
        async for chunk in client.stream("REPLAY", rate="max"):
            if not chunks:
                assert await is_served(client)
            chunks.append(chunk)
    assert numbers(chunks) == list(range(MANY))


async def test_a_stream_that_is_left_half_way_is_stopped_and_forgotten() -> None:
    """A-143: a reader that breaks off leaves a connection that serves on."""
    stopped = asyncio.Event()

    async def script(peer: ReaderPeer) -> None:
        playback_id = await peer.start()
        for number in range(MANY):
            await peer.chunk(playback_id, number)
        cancel = await peer.take()
        assert isinstance(cancel, CancelStream) and cancel.playback_request_id == playback_id
        stopped.set()
        await peer.send(StreamCancelled(playback_request_id=playback_id), cancel.ref)
        await peer.answer_all()

    async with connected(script) as client:
        async for _ in client.stream("REPLAY", rate="max"):
            break
        await stopped.wait()
        assert await is_served(client)


async def test_nothing_of_an_old_stream_comes_out_of_a_new_one() -> None:
    """A-140, A-142: the id decides, also for what waits in this very process."""

    async def script(peer: ReaderPeer) -> None:
        old = await peer.start()
        for number in range(MANY):
            await peer.chunk(old, number)
        while not isinstance(request := await peer.take(), StartStream):
            await peer.send(StreamCancelled(), request.ref)
        new = request.playback_request_id
        await peer.send(StreamStarted(playback_request_id=new), request.ref)
        await peer.chunk(old, -1)
        await peer.send(StreamComplete(playback_request_id=old, cursor=CURSOR))
        for number in range(1_000, 1_020):
            await peer.chunk(new, number)
        await peer.end(new)
        await peer.answer_all()

    async with connected(script) as client:
        first = client.stream("REPLAY", rate="max")
        assert numbers([await anext(first)]) == [0]
        await asyncio.sleep(0.05)  # so that chunks of the old stream fill all that can hold them
        second = [chunk async for chunk in client.stream("REPLAY", rate="max")]
        assert numbers(second) == list(range(1_000, 1_020))
        assert [chunk async for chunk in first] == []


async def test_who_waits_in_an_old_stream_takes_nothing_from_the_new() -> None:
    """A-140: two tasks, one connection: the later stream wins and loses nothing."""

    async def script(peer: ReaderPeer) -> None:
        old = await peer.start()
        await peer.chunk(old, 1)
        new = await peer.start()
        for number in range(10, 20):
            await peer.chunk(new, number)
        await peer.end(new)
        await peer.answer_all()

    async with connected(script) as client:
        got_one = asyncio.Event()

        async def watch() -> list[StreamChunk]:
            chunks = []
            async for chunk in client.stream("LIVE"):
                chunks.append(chunk)
                got_one.set()
            return chunks

        watching = asyncio.create_task(watch())
        await got_one.wait()
        await asyncio.sleep(0)
        replayed = [chunk async for chunk in client.stream("REPLAY", rate="max")]
        assert numbers(replayed) == list(range(10, 20))
        assert numbers(await watching) == [1]


async def test_a_stream_that_fails_says_why() -> None:
    """A-135: the error of a stream ends it where it is read."""

    async def script(peer: ReaderPeer) -> None:
        request = await peer.take()
        assert isinstance(request, StartStream)
        started = StreamStarted(playback_request_id=request.playback_request_id)
        await peer.send(started, request.ref)
        await peer.chunk(request.playback_request_id, 1)
        await peer.send(messages.Error(code="stream", message="damaged"), request.ref)
        await peer.answer_all()

    async with connected(script) as client:
        seen: list[StreamChunk] = []
        with pytest.raises(ProtocolError, match="damaged"):
            async for chunk in client.stream("REPLAY"):
                seen.append(chunk)
        assert numbers(seen) == [1]
        assert await is_served(client)


@pytest.mark.parametrize("frame", [b"garbage", b'{"type":"nonsense"}', b"{}", b"\xff"])
async def test_what_is_no_reply_ends_the_connection_in_words(frame: bytes) -> None:
    """Nobody waits for an answer from what does not speak the protocol."""

    async def script(peer: ReaderPeer) -> None:
        await peer.take()
        await peer.send(frame)
        async for _ in peer.socket:
            pass

    async with connected(script) as client:
        with pytest.raises(ConnectionLostError):
            await client.status()
        with pytest.raises(ConnectionLostError):
            await client.status()


async def test_a_connection_that_ends_leaves_nobody_waiting() -> None:
    """Requests and streams alike hear of it."""

    async def script(peer: ReaderPeer) -> None:
        playback_id = await peer.start()
        await peer.chunk(playback_id, 1)
        await peer.take()

    async with connected(script) as client:
        client.unavailable_limit_s = 0
        stream = client.stream("LIVE")
        await anext(stream)
        waiting = asyncio.create_task(client.status())
        with pytest.raises(ConnectionLostError):
            await anext(stream)
        with pytest.raises(ConnectionLostError):
            await waiting
        with pytest.raises(ConnectionLostError):
            await client.status()
        with pytest.raises(ConnectionLostError):
            await anext(client.stream("LIVE"))


async def test_no_answer_in_time_is_an_error_of_ours() -> None:
    """A command line shows one line, not a trace."""

    async def script(peer: ReaderPeer) -> None:
        await peer.take()
        await peer.answer_all()

    async with connected(script) as client:
        client.reply_timeout_s = 0.05
        with pytest.raises(ConnectionLostError, match="no answer"):
            await client.status()
        client.reply_timeout_s = REPLY_TIMEOUT_S
        assert await is_served(client)


async def test_another_kind_of_reply_is_an_error() -> None:
    """A reply is what was asked for, or it is said."""

    async def script(peer: ReaderPeer) -> None:
        request = await peer.take()
        await peer.send(StreamCancelled(), request.ref)
        await peer.answer_all()

    async with connected(script) as client:
        with pytest.raises(ProtocolError, match="badReply"):
            await client.status()
        assert await is_served(client)


async def test_where_no_nova_runs_it_says_so_and_leaves_no_trace(tmp_path: Path) -> None:
    """A mistyped folder is an error, not a new folder."""
    with pytest.raises(ConnectionLostError, match="nova up"):
        await Client.to_core(tmp_path / "typo")
    assert not (tmp_path / "typo").exists()
    with pytest.raises(ConnectionLostError, match="no NOVA answers"):
        await Client.to_edge("http://127.0.0.1:9", "token")


async def test_gaps_are_told_to_who_asked_and_between_their_chunks() -> None:
    """Only a stream that was started so may leave anything out."""
    asked: list[bool] = []

    async def script(peer: ReaderPeer) -> None:
        for _ in range(2):
            request = await peer.take()
            assert isinstance(request, StartStream)
            asked.append(request.shed)
            playback_id = request.playback_request_id
            await peer.send(StreamStarted(playback_request_id=playback_id), request.ref)
            await peer.chunk(playback_id, 1)
            if request.shed:
                gap = StreamGap(
                    playback_request_id=playback_id,
                    from_time=CURSOR,
                    to_time=CURSOR,
                    shed=7,
                    reason="slow",
                )
                await peer.send(gap)
            await peer.chunk(playback_id, 9)
            await peer.end(playback_id)
        await peer.answer_all()

    seen: list[int] = []
    async with connected(script) as client:
        async for chunk in client.stream("LIVE", on_gap=lambda gap: seen.append(gap.shed)):
            seen.extend(numbers([chunk]))
        whole = [chunk async for chunk in client.stream("LIVE")]
    assert seen == [1, 7, 9]
    assert numbers(whole) == [1, 9]
    assert asked == [True, False]
