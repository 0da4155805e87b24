"""A follower over the reader's real socket: what it is sent, refused, and hidden from it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import WSMsgType

from nova.sdk.protocol import messages
from nova.sdk.protocol.follow_stream import (
    FollowEnded,
    FollowStream,
    ReaderReply,
    decode_reader_reply,
)
from nova.sdk.protocol.messages import (
    CancelStream,
    Error,
    Filters,
    Query,
    SetCursor,
    StartStream,
    StreamCancelled,
    StreamChunk,
    StreamComplete,
    StreamStarted,
)
from nova.sdk.protocol.submission import (
    CONNECTION_HEADER,
    LANES_HEADER,
    ROLE_HEADER,
    USER_HEADER,
)
from nova.sdk.transport.base import Record
from tests.core.running import WAIT_S, Core, Frames

Make = Callable[..., Record]
EVENTS = 400


@pytest.fixture
async def filled(core: Core, record: Make) -> Core:
    """A Core with events of four lanes; ten at a time share their source time."""
    lanes = ("metadata", "ui", "parsed", "raw")
    await core.publish([record(n // 10, lane=lanes[n % 4], unit=str(n)) for n in range(EVENTS)])
    async with core.frames() as frames:
        while len(await queried(frames, Query(ref="q", limit=1_000))) < EVENTS:
            await asyncio.sleep(0.01)
    return core


async def queried(frames: Frames, query: Query) -> list[bytes]:
    """The one page of a query."""
    await frames.send(query)
    page = await frames.receive()
    assert isinstance(page, messages.QueryResponse) and page.next_key is None
    return [bytes(event) for event in page.events]


@asynccontextmanager
async def connected(core: Core, name: str, **headers: str) -> AsyncIterator[Frames]:
    """A connection of an edge for a client."""
    who = {USER_HEADER: "ann", ROLE_HEADER: "operator", CONNECTION_HEADER: name}
    async with core.frames({**who, **headers}) as frames:
        yield frames


async def received(frames: Frames) -> ReaderReply:
    """The next frame of a reader."""
    message = await frames.socket.receive(timeout=WAIT_S)
    assert message.type is WSMsgType.TEXT, message
    return decode_reader_reply(message.data)


async def follow(
    frames: Frames, connection: str, filters: Filters | None = None
) -> StreamStarted | Error:
    """Follow a connection from now on."""
    chosen = Filters() if filters is None else filters
    await frames.send(
        FollowStream(ref="f", playback_request_id="f", connection=connection, filters=chosen)
    )
    reply = await received(frames)
    assert isinstance(reply, StreamStarted | Error)
    return reply


async def events_until(frames: Frames, count: int) -> list[bytes]:
    """The next events of a follower, at least `count`."""
    found: list[bytes] = []
    while len(found) < count:
        chunk = await received(frames)
        assert isinstance(chunk, StreamChunk) and chunk.playback_request_id == "f"
        found += map(bytes, chunk.events)
    return found


async def played(frames: Frames, request: StartStream) -> None:
    """Play something to its end."""
    await frames.send(request)
    await frames.until(StreamComplete)


def replay(playback_id: str, **given: object) -> StartStream:
    """A replay of the ui lane, as a page has it."""
    request = StartStream(
        playback_request_id=playback_id,
        timeline_mode="REPLAY",
        rate="max",
        filters=Filters(lanes=["ui"]),
    )
    for name, value in given.items():
        setattr(request, name, value)
    return request


@pytest.mark.parametrize("timebase", ["source", "canonical"])
@pytest.mark.parametrize("rate", ["max", "-max", 1.0, -100.0])
async def test_a_follower_gets_its_own_selection_of_the_owners_range(
    filled: Core, rate: messages.Rate, timebase: messages.Timebase
) -> None:
    """Whatever the owner selects: the bytes are those of the query."""
    backwards = rate in ("-max", -100.0)
    raw = Filters(lanes=["raw", "parsed"])
    async with connected(filled, "page-1") as owner, connected(filled, "tcp:1") as follower:
        query = Query(timebase=timebase, filters=raw, limit=1_000, reverse=backwards)
        expected = await queried(owner, query)
        assert isinstance(await follow(follower, "page-1", raw), StreamStarted)
        await played(owner, replay("a", rate=rate, timebase=timebase))
        assert await events_until(follower, len(expected)) == expected


async def test_a_paused_owner_is_silence_and_its_end_is_reported(filled: Core) -> None:
    """The follower stays bound: what its owner plays next comes, and setCursor moves nothing."""
    async with connected(filled, "tcp:1") as follower:
        async with connected(filled, "page-1") as owner:
            assert isinstance(await follow(follower, "page-1"), StreamStarted)
            await played(owner, replay("a"))
            await events_until(follower, EVENTS)
            for request in (CancelStream(ref=1), SetCursor(ref=2, time="2026-01-01T00:00:00Z")):
                await owner.send(request)
                await owner.receive()
            await played(owner, replay("b", rate="-max"))
            again = await events_until(follower, EVENTS)
            assert len(again) == EVENTS
        reply = await received(follower)
        while isinstance(reply, StreamChunk) and not reply.events:
            reply = await received(follower)
        assert reply == FollowEnded(playback_request_id="f")
        assert isinstance(await follow(follower, "page-1"), Error)


async def test_nothing_can_be_followed_but_another_open_timeline(filled: Core) -> None:
    """A name that is nobody's, its own, or that of a follower; the old stream continues."""
    async with connected(filled, "page-1"), connected(filled, "tcp:1") as one:
        refusal = await follow(one, "page-9")
        assert isinstance(refusal, Error) and refusal.code == "notFound"
        assert refusal.playback_request_id == "f" and "'page-9'" in refusal.message
        refusal = await follow(one, "tcp:1")
        assert isinstance(refusal, Error) and refusal.code == "badRequest"
        assert isinstance(await follow(one, "page-1"), StreamStarted)
        async with connected(filled, "tcp:2") as other:
            refusal = await follow(other, "tcp:1")
            assert isinstance(refusal, Error) and refusal.code == "badRequest"
        await one.send(CancelStream(ref=1))
        assert await received(one) == StreamCancelled(ref=1, playback_request_id="f")


async def test_a_follower_sees_no_more_than_its_principal(filled: Core) -> None:
    """Whatever its owner sees."""
    async with (
        connected(filled, "page-1") as owner,
        connected(filled, "tcp:1", **{LANES_HEADER: "ui"}) as limited,
    ):
        await follow(limited, "page-1")
        await played(owner, replay("a", filters=Filters()))
        expected = await queried(owner, Query(filters=Filters(lanes=["ui"]), limit=1_000))
        assert await events_until(limited, EVENTS // 4) == expected
