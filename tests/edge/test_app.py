"""The application: who may connect, and how it ends (pitfalls 25, 28)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest

from edge.config import Limits
from sdk.protocol import Auth, Authenticated
from tests.edge.peer import Peer
from tests.edge.server import Client, RunningEdge, running_edge

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


@pytest.mark.parametrize("limits", [Limits(connections_max=1), Limits(unauthenticated_max=1)])
async def test_connections_are_capped(tmp_path: Path, peer: Peer, limits: Limits) -> None:
    """The one too many is told to come back."""
    async with running_edge(tmp_path, peer.socket, limits=limits) as edge:
        async with edge.socket(), edge.http.get(f"{edge.url}/ws", headers=UPGRADE) as reply:
            assert reply.status == 503
            assert (await reply.json())["code"] == "tooManyConnections"
            assert int(reply.headers["Retry-After"]) > 0
        async with edge.client():
            pass


async def test_frames_are_never_compressed(edge: RunningEdge) -> None:
    """Compression costs more than it gives, and can be a bomb (pitfalls 25)."""
    async with edge.http.get(f"{edge.url}/ws", headers=UPGRADE) as reply:
        assert reply.status == 101
        assert "Sec-WebSocket-Extensions" not in reply.headers
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
        client = Client(ws)
        await client.send(Auth(token=token))
        assert isinstance(await client.receive(), Authenticated)
        closing = asyncio.ensure_future(client.close_code())
    assert await closing == aiohttp.WSCloseCode.GOING_AWAY
    await session.close()
