"""The application: who may connect, and how it stops (pitfalls 25, 28)."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import aiohttp
import pytest

from nova.edge.edge_config import EdgeLimits
from nova.sdk.protocol.messages import Auth, Authenticated
from tests.edge.peer import Peer
from tests.edge.server import EdgeClient, RunningEdge, running_edge

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
LOGIN = b"POST /auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"
REQUEST = b"GET /" + b"a" * 1_000
SHORT_S = 0.3
ANSWER_MAX_BYTES = 65_536
HALF_OPEN = 200
DRIP_S = 0.05
WAIT_S = 60.0

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    "Sec-WebSocket-Extensions": "permessage-deflate",
}


async def test_a_foreign_page_cannot_connect(edge: RunningEdge) -> None:
    """403 before any frame; the edge's own page and programs may."""
    with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
        async with edge.socket({"Origin": "https://evil.example"}):
            pass
    assert refusal.value.status == 403
    async with edge.socket({"Origin": edge.url}):
        pass


async def test_connections_are_capped(tmp_path: Path, peer: Peer) -> None:
    """The one too many is asked to come back."""
    limits = EdgeLimits(connections_max=1)
    async with running_edge(tmp_path, peer.socket, limits=limits) as edge:
        async with edge.client(), edge.http.get(f"{edge.url}/ws", headers=UPGRADE) as reply:
            assert reply.status == 503
            assert (await reply.json())["code"] == "tooManyConnections"
            assert int(reply.headers["Retry-After"]) > 0
        async with edge.client():
            pass


@pytest.mark.parametrize(
    "limits",
    [
        EdgeLimits(unauthenticated_max=50, unauthenticated_per_address_max=1_000),
        EdgeLimits(unauthenticated_max=1_000, unauthenticated_per_address_max=50),
        EdgeLimits(connections_max=60, unauthenticated_per_address_max=1_000),
    ],
    ids=["all", "of an address", "with those inside"],
)
@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8:1:2::99"])
async def test_sockets_that_only_connect_keep_nobody_out(
    tmp_path: Path, peer: Peer, limits: EdgeLimits, address: str
) -> None:
    """Sixty that say nothing, of one address or of one /64, while forty others log in."""
    async with (
        running_edge(tmp_path, peer.socket, limits=limits, trusted_proxies=("127.0.0.1",)) as edge,
        contextlib.AsyncExitStack() as stack,
    ):
        token = await edge.token()
        silent = []
        for number in range(60):
            sender = address if "." in address else f"2001:db8:1:2::{number:x}"
            socket = edge.socket({"X-Forwarded-For": sender})
            silent.append(await stack.enter_async_context(socket))
        for number in range(40):
            sender = address if number % 2 else f"198.51.100.{number}"
            socket = edge.socket({"X-Forwarded-For": sender})
            client = await stack.enter_async_context(socket)
            await client.send(Auth(token=token))
            assert isinstance(await client.receive(), Authenticated)
        assert await silent[0].close_code() == aiohttp.WSCloseCode.ABNORMAL_CLOSURE


async def test_frames_are_compressed_only_for_clients_that_offer_it(edge: RunningEdge) -> None:
    """Browsers do; the clients of the sdk do not."""
    name = "Sec-WebSocket-Extensions"
    plain = {key: value for key, value in UPGRADE.items() if key != name}
    async with edge.http.get(f"{edge.url}/ws", headers=plain) as reply:
        assert reply.status == 101
        assert name not in reply.headers
        reply.close()
    offer = {**plain, name: "permessage-deflate; client_max_window_bits"}
    async with edge.http.get(f"{edge.url}/ws", headers=offer) as reply:
        assert reply.headers[name] == "permessage-deflate"
        reply.close()


async def test_a_plain_get_is_no_socket(edge: RunningEdge) -> None:
    """An error in the one form."""
    async with edge.http.get(f"{edge.url}/ws") as reply:
        assert reply.status == 400
        assert "code" in await reply.json()


async def test_an_edge_that_ends_says_so(tmp_path: Path, peer: Peer) -> None:
    """Clients see `going away` and know to come back."""
    session = aiohttp.ClientSession()
    async with running_edge(tmp_path, peer.socket) as edge:
        token = await edge.token()
        ws = await session.ws_connect(f"{edge.url}/ws")
        client = EdgeClient(ws)
        await client.send(Auth(token=token))
        assert isinstance(await client.receive(), Authenticated)
        closing = asyncio.ensure_future(client.close_code())
    assert await closing == aiohttp.WSCloseCode.GOING_AWAY
    await session.close()


async def test_who_leaves_in_the_middle_of_a_request_is_no_error(
    edge: RunningEdge, caplog: pytest.LogCaptureFixture
) -> None:
    """Anybody could fill the log with tracebacks, without logging in."""
    caplog.set_level("DEBUG")
    host, port = address(edge)
    for _ in range(10):
        _, writer = await asyncio.open_connection(host, port)
        writer.write(LOGIN + b"half")
        await writer.drain()
        await asyncio.sleep(0.01)
        writer.transport.abort()
    async with asyncio.timeout(WAIT_S):
        while sum("has gone" in one.message for one in caplog.records) < 10:
            assert not [one for one in caplog.records if one.levelname == "ERROR"]
            await asyncio.sleep(0.01)


def address(edge: RunningEdge) -> tuple[str, int]:
    """Where an edge listens."""
    host, port = edge.url.removeprefix("http://").split(":")
    return host, int(port)


async def heard(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, drip: bytes) -> bytes:
    """What the edge says on a connection until it closes it, while the bytes come one by one."""

    async def drop() -> None:
        for byte in drip:
            writer.write(bytes([byte]))
            await asyncio.sleep(DRIP_S)

    dripping = asyncio.create_task(drop())
    found = b""
    # A byte that comes when the connection is closed already is answered with a reset.
    with contextlib.suppress(ConnectionResetError):
        async with asyncio.timeout(WAIT_S):
            while data := await reader.read(ANSWER_MAX_BYTES):
                found += data
    dripping.cancel()
    writer.close()
    return found


@pytest.mark.parametrize("drips", [False, True], ids=["silent", "dripping"])
@pytest.mark.parametrize(
    ("begin", "rest", "answer"),
    [
        (b"", REQUEST, b""),
        (b"GET / HTTP/1.1\r\nX-", b"a" * 1_000, b""),
        (HEALTH, REQUEST, b"HTTP/1.1 200"),
        (LOGIN, b"{" * 1_000, b"HTTP/1.1 408"),
    ],
    ids=["nothing", "headers", "second request", "body"],
)
async def test_who_asks_nothing_is_cut(
    tmp_path: Path, peer: Peer, begin: bytes, rest: bytes, answer: bytes, drips: bool
) -> None:
    """Slowloris (pitfalls 24): headers, or a body, that do not come end the connection, however
    often a byte of them does; whoever has asked continues.
    """
    limits = EdgeLimits(request_timeout_s=SHORT_S, lingering_s=SHORT_S)
    async with (
        running_edge(tmp_path, peer.socket, limits=limits) as edge,
        edge.client() as client,
    ):
        reader, writer = await asyncio.open_connection(*address(edge))
        writer.write(begin)
        found = await heard(reader, writer, rest if drips else b"")
        assert found.startswith(answer)
        assert found.count(b"HTTP/1.1") == (1 if answer else 0)
        await client.send_text("?")
        assert (await client.error())[0] == "badRequest"


async def test_many_that_ask_nothing_keep_nobody_out(tmp_path: Path, peer: Peer) -> None:
    """Pitfalls 24: the edge answers others meanwhile, and all of them go."""
    limits = EdgeLimits(request_timeout_s=1.0)
    async with running_edge(tmp_path, peer.socket, limits=limits) as edge:
        opening = (asyncio.open_connection(*address(edge)) for _ in range(HALF_OPEN))
        streams = await asyncio.gather(*opening)
        for _, writer in streams:
            writer.write(b"GET / HTTP/1.1\r\n")
        async with edge.http.get(f"{edge.url}/healthz") as reply:
            assert reply.status == 200
        async with asyncio.timeout(WAIT_S):
            reads = (reader.read() for reader, _ in streams)
            ends = await asyncio.gather(*reads, return_exceptions=True)
        for _, writer in streams:
            writer.close()
        # What an edge closes before it has read all is reset.
        assert all(end == b"" or isinstance(end, ConnectionResetError) for end in ends)
