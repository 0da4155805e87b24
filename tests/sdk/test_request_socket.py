"""Requests over one WebSocket, with a peer that does not read, closes, or sends garbage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import msgspec
import pytest
from aiohttp import WSMsgType, web

from nova.sdk.channel import ChannelError, FrameCodec
from nova.sdk.request_socket import RequestSocket

WAIT_S = 60.0
HUGE_BYTES = 8 * 1024 * 1024
"""More than the buffers of a Unix socket and of both ends."""


class Echo(msgspec.Struct, array_like=True):
    """Request and reply."""

    ref: int
    text: str


CODEC: FrameCodec[Echo] = FrameCodec(Echo)


class SocketPeer:
    """A server that answers, once it may read; some texts make it misbehave."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.connections = 0
        self.may_read = asyncio.Event()
        self.may_read.set()
        self.held: list[Echo] = []
        self.socket = web.WebSocketResponse(max_msg_size=2 * HUGE_BYTES)

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        self.connections += 1
        socket = self.socket = web.WebSocketResponse(max_msg_size=2 * HUGE_BYTES)
        await socket.prepare(request)
        while True:
            await self.may_read.wait()
            message = await socket.receive()
            if message.type is not WSMsgType.BINARY:
                return socket
            await self.answer(socket, CODEC.decode(message.data))

    async def answer(self, socket: web.WebSocketResponse, request: Echo) -> None:
        match request.text:
            case "close":
                await socket.close()
            case "garbage":
                await socket.send_bytes(b"\xc1")
            case "text":
                await socket.send_str("hello")
            case "hold":
                self.held.append(request)
            case "unknown":
                await socket.send_bytes(CODEC.encode(Echo(10_000, "nobody asked")))
                await socket.send_bytes(CODEC.encode(request))
            case text:
                await socket.send_bytes(CODEC.encode(Echo(request.ref, text[:100])))


@pytest.fixture
async def peer(tmp_path: Path) -> AsyncIterator[SocketPeer]:
    made = SocketPeer(tmp_path / "peer.sock")
    app = web.Application()
    app.router.add_get("/", made.serve)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    await web.UnixSite(runner, str(made.path)).start()
    yield made
    await runner.cleanup()


class Asker(RequestSocket[Echo]):
    """A request socket to the peer, with a session of its own."""

    def __init__(self, peer: SocketPeer) -> None:
        self.session = aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(peer.path)))
        self.losses = 0
        super().__init__(self._open, CODEC, self._count)

    async def _open(self) -> aiohttp.ClientWebSocketResponse[bool]:
        return await self.session.ws_connect("http://localhost/", max_msg_size=2 * HUGE_BYTES)

    def _count(self) -> None:
        self.losses += 1

    async def ask(self, text: str) -> str:
        ref = self.next_ref()
        return (await self.request(ref, CODEC.encode(Echo(ref, text)))).text


@pytest.fixture
async def asker(peer: SocketPeer) -> AsyncIterator[Asker]:
    asker = Asker(peer)
    async with asyncio.timeout(WAIT_S):
        yield asker
        await asker.close()
    await asker.session.close()


async def test_replies_reach_their_requests_over_one_connection(
    peer: SocketPeer, asker: Asker
) -> None:
    """Also beside replies to nobody."""
    texts = [*map(str, range(50)), "unknown"]
    assert await asyncio.gather(*map(asker.ask, texts)) == texts
    assert peer.connections == 1 and asker.losses == 0


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("close", "closed before the reply"),
        ("garbage", "no.* NOVA of this version: .*malformed"),
        ("text", "no.* NOVA of this version: a reply is a binary frame"),
    ],
)
async def test_an_end_fails_what_is_pending_and_the_next_request_connects(
    peer: SocketPeer, asker: Asker, text: str, reason: str
) -> None:
    """Every request of the connection, and each once."""
    held = asyncio.create_task(asker.ask("hold"))
    while not peer.held:
        await asyncio.sleep(0.01)
    with pytest.raises(ChannelError, match=reason):
        await asker.ask(text)
    with pytest.raises(ChannelError, match=reason):
        await held
    assert await asker.ask("again") == "again"
    assert peer.connections == 2 and asker.losses == 1


async def test_the_end_of_a_connection_fails_no_request_of_the_next(
    peer: SocketPeer, asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old one may notice its end only when the next one is in use."""
    noticed, may_notice = asyncio.Event(), asyncio.Event()
    close = aiohttp.ClientWebSocketResponse.close

    async def slowly(socket: aiohttp.ClientWebSocketResponse[bool]) -> bool:
        found = await close(socket)
        noticed.set()
        await may_notice.wait()
        return found

    monkeypatch.setattr(aiohttp.ClientWebSocketResponse, "close", slowly)
    ended = asyncio.create_task(asker.ask("garbage"))
    await noticed.wait()
    held = asyncio.create_task(asker.ask("hold"))
    while not peer.held:
        await asyncio.sleep(0.01)
    may_notice.set()
    with pytest.raises(ChannelError):
        await ended
    await peer.socket.send_bytes(CODEC.encode(Echo(peer.held[0].ref, "late")))
    assert await held == "late"
    assert asker.losses == 0


async def test_a_request_that_is_cancelled_disturbs_no_other(
    peer: SocketPeer, asker: Asker
) -> None:
    """Whether it is being sent or waits for its reply; aiohttp would cancel the next sender too."""
    assert await asker.ask("first") == "first"
    peer.may_read.clear()
    peer.held.clear()
    await asker.ensure_connected()
    sending = [asyncio.create_task(asker.ask(c * HUGE_BYTES)) for c in "abc"]
    await asyncio.sleep(0.3)
    sending[0].cancel()
    await asyncio.wait(sending[:1])
    peer.may_read.set()
    assert await asyncio.gather(*sending[1:]) == ["b" * 100, "c" * 100]
    waiting = asyncio.create_task(asker.ask("hold"))
    while not peer.held:
        await asyncio.sleep(0.01)
    waiting.cancel()
    assert await asker.ask("after it") == "after it"


async def test_closing_fails_what_is_pending(peer: SocketPeer, asker: Asker) -> None:
    """It is no loss of the connection."""
    held = asyncio.create_task(asker.ask("hold"))
    while not peer.held:
        await asyncio.sleep(0.01)
    await asker.close()
    with pytest.raises(ChannelError):
        await held
    assert asker.losses == 0
