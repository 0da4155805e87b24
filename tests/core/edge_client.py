"""Connections to a reader as an edge has them: for its clients, and for what follows them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from aiohttp import WSMsgType

from nova.sdk import endpoints
from nova.sdk.protocol.follow_stream import FollowStream, ReaderReply, decode_reader_reply
from nova.sdk.protocol.messages import Error, Filters, StreamChunk, StreamStarted
from nova.sdk.protocol.submission import CONNECTION_HEADER, ROLE_HEADER, USER_HEADER
from tests.core.running import WAIT_S, Frames

NOTHING_CHOSEN = Filters()


@asynccontextmanager
async def edge_client(data: Path, name: str, **headers: str) -> AsyncIterator[Frames]:
    """A connection of an edge for a client."""
    who = {USER_HEADER: "ann", ROLE_HEADER: "operator", CONNECTION_HEADER: name, **headers}
    connector = aiohttp.UnixConnector(str(endpoints.reader_socket(data)))
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.ws_connect("http://localhost/", headers=who, max_msg_size=0) as socket,
    ):
        yield Frames(socket)


async def received(frames: Frames) -> ReaderReply:
    """The next frame of a reader."""
    message = await frames.socket.receive(timeout=WAIT_S)
    assert message.type is WSMsgType.TEXT, message
    return decode_reader_reply(message.data)


async def follow(
    frames: Frames, connection: str, filters: Filters = NOTHING_CHOSEN
) -> StreamStarted | Error:
    """Follow a connection from now on."""
    request = FollowStream(playback_request_id="f", connection=connection, filters=filters)
    request.ref = "f"
    await frames.send(request)
    reply = await received(frames)
    assert isinstance(reply, StreamStarted | Error) and reply.ref == "f"
    return reply


async def events_until(frames: Frames, count: int) -> list[bytes]:
    """The next events of a follower, at least `count`."""
    found: list[bytes] = []
    while len(found) < count:
        chunk = await received(frames)
        assert isinstance(chunk, StreamChunk) and chunk.playback_request_id == "f"
        found += map(bytes, chunk.events)
    return found
