"""A client's position in time is decided by the stream that it is served, not by its requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from nova.core.query.playback import SendChunk
from nova.core.query.range_cursor import RangeCursor
from nova.core.server.live_stream import LiveStream
from nova.core.server.owner_timeline import OwnerTimeline
from nova.sdk import timestamps
from nova.sdk.client.client import Client
from nova.sdk.protocol import messages
from nova.sdk.protocol.messages import (
    REQUEST_MAX_BYTES,
    CancelStream,
    CursorSet,
    Error,
    Latest,
    SetCursor,
    StartStream,
    StreamCancelled,
    StreamComplete,
    StreamStarted,
    TimelineMode,
)
from nova.sdk.protocol.submission import ChatAck, SubmitChat
from nova.sdk.transport.base import Record
from tests.core.running import WAIT_S, Core, Frames

Make = Callable[..., Record]
PAST = "2026-01-01T00:00:00.000000000Z"
EVENTS = 40


@pytest.fixture
async def filled(core: Core, record: Make) -> Core:
    """A Core that holds events, and whose reader knows of them."""
    await core.publish([record(n) for n in range(EVENTS)])
    async with await Client.to_core(core.data) as client:
        await core.settled(client, EVENTS)
    return core


def play(playback_id: str, mode: TimelineMode = "REPLAY", **given: object) -> StartStream:
    """A stream whose ref is its id."""
    asked = StartStream(playback_request_id=playback_id, timeline_mode=mode, ref=playback_id)
    for name, value in given.items():
        setattr(asked, name, value)
    return asked


def done(playback_id: str, cursor: str) -> StreamComplete:
    """The end of a stream."""
    return StreamComplete(playback_request_id=playback_id, cursor=cursor)


async def reply_of(frames: Frames, message: messages.Message) -> messages.Reply:
    """The reply to a request; other frames before it are skipped."""
    await frames.send(message)
    async with asyncio.timeout(WAIT_S):
        while (reply := await frames.receive()).ref != message.ref:
            pass
    return reply


async def may_submit(frames: Frames) -> bool:
    """Whether something that claims to be LIVE is taken."""
    said = SubmitChat(ref="said", scope_id="sat", content="psst", timeline_mode="LIVE")
    reply = await reply_of(frames, said)
    if isinstance(reply, Error):
        assert reply.code == "replayRefused"
        return False
    assert isinstance(reply, ChatAck)
    return True


BAD = [
    {"rate": 2.0},
    {"rate": "-max"},
    {"start_time": "now"},
    {"start_time": "2026-01-02T00:00:00Z", "stop_time": PAST},
    {"after_key": "00"},
]


@pytest.mark.parametrize("bad", BAD, ids=str)
async def test_a_refused_live_opens_nothing(filled: Core, bad: dict[str, object]) -> None:
    """The replay continues and nothing is submitted from it."""
    async with filled.frames() as frames:
        assert isinstance(await reply_of(frames, play("a", rate=1.0)), StreamStarted)
        assert not await may_submit(frames)
        refusal = await reply_of(frames, play("b", "LIVE", **bad))
        assert isinstance(refusal, Error) and refusal.playback_request_id == "b"
        assert not await may_submit(frames)
        assert isinstance(await reply_of(frames, play("c", "LIVE")), StreamStarted)
        assert await may_submit(frames)
        refusal = await reply_of(frames, play("d", rate=0.0))
        assert isinstance(refusal, Error) and refusal.playback_request_id == "d"
        assert await may_submit(frames)


async def test_a_replay_that_is_paused_or_over_is_the_past(filled: Core) -> None:
    """AMB-28: the last served stream counts."""
    async with filled.frames() as frames:
        assert await may_submit(frames)
        await frames.send(play("a", rate="max"))
        await frames.until(StreamComplete)
        assert not await may_submit(frames)
        assert isinstance(await reply_of(frames, CancelStream(ref=1)), StreamCancelled)
        assert not await may_submit(frames)


async def test_a_stated_cursor_is_the_past(filled: Core) -> None:
    """Until a LIVE stream is served, or the client says otherwise."""
    async with filled.frames() as frames:
        reply = await reply_of(frames, SetCursor(ref=1, time="2026-01-01T02:00:00+02:00"))
        assert reply == CursorSet(ref=1, time=PAST)
        assert not await may_submit(frames)
        refusal = await reply_of(frames, SetCursor(ref=2, time="today"))
        assert isinstance(refusal, Error) and refusal.code == "badTime"
        assert not await may_submit(frames)
        assert await reply_of(frames, SetCursor(ref=3)) == CursorSet(ref=3)
        assert await may_submit(frames)
        await reply_of(frames, SetCursor(ref=4, time=PAST))
        await reply_of(frames, play("a", "LIVE"))
        assert await may_submit(frames)
        await reply_of(frames, SetCursor(ref=5, time=PAST))
        assert not await may_submit(frames)
        await reply_of(frames, play("b"))
        await reply_of(frames, SetCursor(ref=6))
        assert not await may_submit(frames)


async def test_live_with_history_is_the_past_until_it_is_there(filled: Core) -> None:
    """And again once it is over: its clock stands at its stopTime."""
    async with filled.frames() as frames:
        await reply_of(frames, play("a", "LIVE", start_time=PAST))
        async with asyncio.timeout(WAIT_S):
            while not await may_submit(frames):
                await asyncio.sleep(0.01)
        for bounds in ({"start_time": PAST, "stop_time": PAST}, {"stop_time": PAST}):
            await frames.send(play("b", "LIVE", **bounds))
            assert not await may_submit(frames)
        soon = timestamps.text(timestamps.now() + timestamps.NS_PER_SECOND // 5)
        await frames.send(play("c", "LIVE", stop_time=soon))
        while (await frames.until(StreamComplete))[-1] != done("c", soon):
            pass
        assert not await may_submit(frames)


async def test_history_that_its_client_does_not_take_is_the_past(
    filled: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long it takes; and cut off in the middle it stays so."""

    class Held(LiveStream):
        async def run(
            self,
            history: RangeCursor,
            stop_ns: int,
            send: SendChunk,
            timeline: OwnerTimeline | None = None,
        ) -> int:
            await asyncio.Event().wait()
            return 0

    monkeypatch.setattr("nova.core.server.active_stream.LiveStream", Held)
    async with filled.frames() as frames:
        await reply_of(frames, play("a", "LIVE", start_time=PAST))
        assert not await may_submit(frames)
        await reply_of(frames, CancelStream(ref=1))
        assert not await may_submit(frames)


async def test_the_largest_request_is_taken_here_too(filled: Core) -> None:
    """The reader accepts every request that an edge accepts."""
    frame = messages.encode(Latest(ref=1)).decode()
    async with filled.frames() as frames:
        await frames.send(frame.ljust(REQUEST_MAX_BYTES))
        assert (await frames.receive()).ref == 1
