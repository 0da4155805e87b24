"""What a client repeats by itself: what is transient, and no more than is safe (B4-14)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from nova.sdk.client.client import Client
from nova.sdk.errors import ConnectionLostError, RateLimitError, ServiceError
from nova.sdk.protocol import messages
from nova.sdk.protocol.messages import Authenticated, CursorSet, Error, SetCursor
from nova.sdk.protocol.submission import ChatAck, CommandAck, SubmitChat, SubmitCommand
from nova.sdk.protocol.timeline import Extent, ExtentResponse

LOST = "lost"
"""Stands for: close the connection instead of a reply."""

CHAT = SubmitChat(scope_id="sat", content="hello", timeline_mode="LIVE")


def command() -> SubmitCommand:
    return SubmitCommand(
        scope_id="sat",
        command_id="c1",
        request_id="r1",
        target_id="heater",
        command_type="set",
        timeline_mode="LIVE",
    )


class UnreliableEdge:
    """Fails the first requests in scripted ways, then answers."""

    def __init__(self, *failures: Error | str) -> None:
        self.failures = list(failures)
        self.served: list[messages.Request] = []
        self.tokens: list[str] = []

    async def serve(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            raw = msgspec.json.decode(message.data)
            if raw["type"] == "auth":
                self.tokens.append(raw["token"])
                reply: messages.Message = Authenticated(user="a", role="admin")
            else:
                asked = messages.decode_request(message.data)
                self.served.append(asked)
                failure = self.failures.pop(0) if self.failures else None
                if failure == LOST:
                    await socket.close()
                    break
                reply = failure if isinstance(failure, Error) else reply_to(asked)
            reply.ref = raw["ref"]
            await socket.send_str(messages.encode(reply).decode())
        return socket

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        app = web.Application()
        app.router.add_get("/ws", self.serve)
        async with (
            TestServer(app) as server,
            await Client.to_edge(str(server.make_url("/")), "token") as client,
        ):
            yield client


def reply_to(request: messages.Request) -> messages.Message:
    """The reply of an edge that works."""
    time = "2026-01-01T00:00:00.000000000Z"
    match request:
        case SubmitCommand():
            return CommandAck(request_id="r1", command_id="c1", event_id="e", time=time)
        case SubmitChat():
            return ChatAck(event_id="e", time=time)
        case SetCursor():
            return CursorSet()
    return ExtentResponse(timebase="source", time=time, events=7)


def unavailable() -> Error:
    return Error(code="coreUnavailable", message="away")


def limited(retry_after_ms: int | None = 1) -> Error:
    return Error(code="rateLimited", message="slower", retry_after_ms=retry_after_ms)


async def test_a_read_is_repeated_until_it_is_served() -> None:
    """The Core is away, the limit is reached, and the connection is lost: the caller sees none."""
    edge = UnreliableEdge(unavailable(), limited(), LOST, unavailable())
    async with edge.client() as client:
        assert (await client.extent(Extent())).events == 7
    assert len(edge.served) == 5
    assert edge.tokens == ["token", "token"]


async def test_a_command_is_repeated_with_its_own_request_id() -> None:
    edge = UnreliableEdge(unavailable(), limited())
    async with edge.client() as client:
        await client.submit_command(command())
    assert [one.request_id for one in edge.served if isinstance(one, SubmitCommand)] == ["r1"] * 3


async def test_a_lost_command_is_left_to_its_caller() -> None:
    """A new connection would not know whether its client looks at the past."""
    edge = UnreliableEdge(LOST)
    async with edge.client() as client:
        with pytest.raises(ConnectionLostError):
            await client.submit_command(command())
    assert len(edge.served) == 1


@pytest.mark.parametrize("failure", [unavailable(), LOST])
async def test_chat_is_never_repeated_blindly(failure: Error | str) -> None:
    """It may have been recorded."""
    edge = UnreliableEdge(failure)
    async with edge.client() as client:
        with pytest.raises((ServiceError, ConnectionLostError)):
            await client.submit_chat(CHAT)
    assert len(edge.served) == 1


async def test_chat_beyond_the_limit_is_repeated() -> None:
    """What was refused has done nothing."""
    edge = UnreliableEdge(limited(), limited())
    async with edge.client() as client:
        await client.submit_chat(CHAT)
    assert len(edge.served) == 3


async def test_a_limit_without_a_time_is_an_error_at_once() -> None:
    edge = UnreliableEdge(limited(None))
    async with edge.client() as client:
        with pytest.raises(RateLimitError):
            await client.extent(Extent())
    assert len(edge.served) == 1


async def test_retries_are_bounded() -> None:
    edge = UnreliableEdge(*(unavailable() for _ in range(100)))
    async with edge.client() as client:
        client.unavailable_limit_s = 0.4
        with pytest.raises(ServiceError, match="away"):
            await client.extent(Extent())
    assert 1 <= len(edge.served) <= 3


async def test_a_limit_that_lasts_too_long_is_an_error() -> None:
    """The time to wait is in it."""
    edge = UnreliableEdge(limited(3_600_000))
    async with edge.client() as client:
        with pytest.raises(RateLimitError) as caught:
            await client.extent(Extent())
    assert caught.value.retry_after_s == 3_600


async def test_a_client_that_looks_at_the_past_does_not_reconnect() -> None:
    """It could send commands then, which the lost connection would have refused."""
    edge = UnreliableEdge()
    async with edge.client() as client:
        await client.set_cursor("2026-01-01T00:00:00Z")
        edge.failures = [LOST]
        with pytest.raises(ConnectionLostError):
            await client.extent(Extent())
    assert edge.tokens == ["token"]
