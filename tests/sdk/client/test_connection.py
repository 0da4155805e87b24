"""A busy server is retried with growing delays, and not for ever."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from nova.sdk.client.client import Client
from nova.sdk.client.retry_policy import Backoff
from nova.sdk.errors import ConnectionLostError, ProtocolError
from nova.sdk.protocol import messages
from nova.sdk.protocol.messages import Error, Status, StatusResponse

STATUS = StatusResponse(
    mode="ground",
    timebase="canonical",
    events=7,
    duplicates=0,
    rejects=0,
    series=0,
    bytes_on_disk=0,
    links=[],
    writer_connected=True,
)


class BusyPeer:
    """An edge that has no room some times before it has."""

    def __init__(self, refused: int, busy: int) -> None:
        self.refused = refused
        self.busy = busy
        self.asked = 0

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer one connection."""
        if self.refused > 0:
            self.refused -= 1
            return web.Response(status=503, headers={"Retry-After": "0"})
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            asked = messages.ref_of(message.data)
            if b"auth" in message.data.encode():
                reply: messages.Message = messages.Authenticated(
                    user="a", role="admin", expires_at=""
                )
            elif self.busy > 0:
                self.busy -= 1
                self.asked += 1
                reply = Error(code="busy", message="later", retry_after_ms=1)
            else:
                reply = STATUS
            reply.ref = asked
            await socket.send_str(messages.encode(reply).decode())
        return socket

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        """A client of it."""
        app = web.Application()
        app.router.add_get("/ws", self.serve)
        async with (
            TestServer(app) as server,
            await Client.to_edge(str(server.make_url("/")), "token") as client,
        ):
            yield client


async def test_a_request_is_asked_again_until_there_is_room() -> None:
    """Nobody who calls `request` sees that."""
    peer = BusyPeer(refused=0, busy=2)
    async with peer.client() as client:
        assert (await client.request(Status(), StatusResponse)).events == 7
    assert peer.asked == 2


async def test_a_request_that_is_busy_for_too_long_is_an_error() -> None:
    """With the code that it had."""
    async with BusyPeer(refused=0, busy=1_000).client() as client:
        client.busy_limit_s = 0.3
        with pytest.raises(ProtocolError, match="busy: later"):
            await client.request(Status(), StatusResponse)


async def test_an_edge_without_room_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """503 with Retry-After says so; after the limit it is an error like any other."""
    async with BusyPeer(refused=2, busy=0).client() as client:
        assert (await client.request(Status(), StatusResponse)).events == 7
    monkeypatch.setattr(Client, "busy_limit_s", 0.3)
    with pytest.raises(ConnectionLostError, match="503"):
        async with BusyPeer(refused=1_000, busy=0).client():
            pass


async def test_pauses_are_as_long_as_was_told_and_end() -> None:
    """Around what was announced, and the sum has a limit."""
    assert not await Backoff(1.0).wait(2.0)
    busy = Backoff(1.0)
    tries = 0
    while await busy.wait(0):
        tries += 1
    assert 1 <= tries <= 3
