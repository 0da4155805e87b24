"""One connection to a reader over its real socket: requests, the stream, and malformed frames."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import Literal

import msgspec
import pytest

from nova.core.server import instance_status
from nova.core.server.live_stream import LiveStream
from nova.sdk.client.client import Client
from nova.sdk.protocol import messages
from nova.sdk.protocol.messages import (
    CancelStream,
    Discover,
    Error,
    Filters,
    Latest,
    Query,
    Rejects,
    StartStream,
    Status,
    StreamCancelled,
    StreamChunk,
    StreamComplete,
    StreamStarted,
    Timebase,
    TimelineMode,
)
from nova.sdk.transport.base import Record
from tests.core.running import Core

Make = Callable[..., Record]
EVENTS = 120


@pytest.fixture
async def filled(core: Core, record: Make) -> Core:
    """A Core that holds events and one refusal, and whose reader knows of them."""
    lanes = ("metadata", "ui", "parsed", "raw")
    records = [record(n, lane=lanes[n % 4], unit="uvw"[n % 3]) for n in range(EVENTS)]
    await core.publish([*records, Record("nova.sat.raw.a.b.c.v1", b"garbage")])
    async with await Client.to_core(core.data) as client:
        await core.settled(client, EVENTS)
    return core


async def test_requests_are_answered_under_their_refs(filled: Core) -> None:
    """A-128…A-136: query, discover, latest, rejects and status on one connection, as they come."""
    requests: list[messages.Message] = [
        Query(ref="q", limit=7),
        Discover(ref=2),
        Latest(ref="three"),
        Rejects(ref=-4),
        Status(ref=0),
        Status(),
    ]
    async with filled.frames() as frames:
        for request in requests:
            await frames.send(request)
        replies = {reply.ref: reply for reply in [await frames.receive() for _ in requests]}
    assert set(replies) == {"q", 2, "three", -4, 0, None}
    page, known, latest, rejects, status = (replies[ref] for ref in ("q", 2, "three", -4, 0))
    assert isinstance(page, messages.QueryResponse) and len(page.events) == 7 and page.next_key
    assert isinstance(known, messages.DiscoverResponse)
    assert [entity.unique_id for entity in known.entities] == ["u", "v", "w"]
    assert isinstance(latest, messages.LatestResponse) and len(latest.events) == 12
    assert isinstance(rejects, messages.RejectsResponse) and rejects.total == 1
    (refused,) = rejects.rejects
    assert (refused.raw, refused.code, refused.size) == (b"garbage", "malformed", 7)
    assert refused.address == "nova.sat.raw.a.b.c.v1"
    assert isinstance(status, messages.StatusResponse)
    assert (status.events, status.rejects, status.writer_connected) == (EVENTS, 1, True)
    (link,) = status.links
    assert (link.received, link.new, link.rejected) == (EVENTS + 1, EVENTS, 1)


@pytest.mark.parametrize(
    ("frame", "code", "ref"),
    [
        ("", "badRequest", None),
        ("garbage", "badRequest", None),
        (b"\xff\x00", "badRequest", None),
        ('{"type":"nonsense","ref":5}', "badRequest", 5),
        ('{"type":"query","limit":0,"ref":"a"}', "badRequest", "a"),
        ('{"type":"query","ref":1180591620717411303424}', "badRequest", None),
        ('{"type":"rejects","after":-7,"ref":5}', "badRequest", 5),
        ('{"type":"query","startTime":"2026-01-01T00:00:00","ref":5}', "badTime", 5),
        ('{"type":"query","afterKey":"00","ref":5}', "badKey", 5),
        ('{"type":"discover","time":"now","ref":5}', "badTime", 5),
        ('{"type":"latest","time":"now","ref":5}', "badTime", 5),
        ('{"type":"latest","afterKey":"x","ref":5}', "badKey", 5),
        ('{"type":"discover","afterKey":"x","ref":5}', "badKey", 5),
        ('{"type":"summary","startTime":"now","stopTime":"now","buckets":1,"ref":5}', "badTime", 5),
        ('{"type":"summary","startTime":"a","stopTime":"b","buckets":0,"ref":5}', "badRequest", 5),
        ('{"type":"neighbour","time":"now","direction":"next","ref":5}', "badTime", 5),
        (
            '{"type":"startStream","playbackRequestId":"p","timelineMode":"REPLAY","ref":5,'
            '"rate":0}',
            "badRate",
            5,
        ),
        (
            '{"type":"startStream","playbackRequestId":"p","timelineMode":"LIVE","rate":2,"ref":5}',
            "badRate",
            5,
        ),
        (
            '{"type":"startStream","playbackRequestId":"p","timelineMode":"REPLAY","ref":5,'
            '"startTime":"2026-01-02T00:00:00Z","stopTime":"2026-01-01T00:00:00Z"}',
            "badRange",
            5,
        ),
        (
            '{"type":"startStream","playbackRequestId":"p","timelineMode":"REPLAY","ref":5,'
            '"rate":-1,"startTime":"2026-01-01T00:00:00Z","stopTime":"2026-01-02T00:00:00Z"}',
            "badRange",
            5,
        ),
    ],
)
async def test_an_error_names_its_request_and_leaves_the_connection_open(
    core: Core, frame: str | bytes, code: str, ref: messages.Ref
) -> None:
    """A-135: errors carry the ref; later requests are served."""
    async with core.frames() as frames:
        await frames.send(frame)
        error = await frames.receive()
        assert isinstance(error, Error)
        assert (error.code, error.ref) == (code, ref)
        await frames.send(Status(ref=1))
        assert isinstance(await frames.receive(), messages.StatusResponse)


def play(
    playback_id: str,
    *,
    timeline_mode: TimelineMode = "REPLAY",
    rate: float | Literal["max"] = "max",
    timebase: Timebase | None = None,
    filters: Filters | None = None,
    after_key: str | None = None,
) -> StartStream:
    """A stream whose ref is its id, by default a replay as fast as it can be read."""
    return StartStream(
        ref=playback_id,
        playback_request_id=playback_id,
        timeline_mode=timeline_mode,
        rate=rate,
        timebase=timebase,
        filters=filters or Filters(),
        after_key=after_key,
    )


async def test_a_stream_is_accepted_played_and_completed(filled: Core) -> None:
    """A-139, A-141: every frame of a stream carries its id, chunks their cursor and last key."""
    async with filled.frames() as frames:
        await frames.send(play("one", timebase="source"))
        started, *chunks, complete = await frames.until(StreamComplete)
        assert isinstance(started, StreamStarted)
        assert (started.ref, started.playback_request_id) == ("one", "one")
        assert isinstance(complete, StreamComplete) and complete.playback_request_id == "one"
        events: list[bytes] = []
        for chunk in chunks:
            assert isinstance(chunk, StreamChunk) and chunk.playback_request_id == "one"
            assert chunk.cursor <= complete.cursor
            events += [bytes(event) for event in chunk.events]
        await frames.send(Query(timebase="source", limit=1_000))
        page = await frames.receive()
    assert isinstance(page, messages.QueryResponse)
    assert events == [bytes(event) for event in page.events]


async def test_a_stream_goes_on_behind_the_last_key_of_a_chunk(filled: Core, record: Make) -> None:
    """AMB-33: resuming behind any chunk repeats nothing and loses nothing."""
    async with filled.frames() as frames:
        slow = play("slow", rate=1.0, timebase="source")
        await frames.send(slow)
        seen: list[bytes] = []
        last_key: str | None = None
        while last_key is None:
            reply = await frames.receive()
            if isinstance(reply, StreamChunk):
                seen += [bytes(event) for event in reply.events]
                last_key = reply.last_key
        await frames.send(play("rest", timebase="source", after_key=last_key))
        rest = await frames.until(StreamComplete)
        seen += [
            bytes(event)
            for reply in rest
            if isinstance(reply, StreamChunk) and reply.playback_request_id == "rest"
            for event in reply.events
        ]
        await frames.send(Query(timebase="source", limit=1_000))
        page = await frames.receive()
    assert isinstance(page, messages.QueryResponse)
    assert seen == [bytes(event) for event in page.events]


async def test_a_new_stream_ends_the_one_before(filled: Core) -> None:
    """A-140, A-143: after a stream was accepted no frame of an older one comes."""
    async with filled.frames() as frames:
        for number in range(20):
            mode: TimelineMode = "LIVE" if number % 3 else "REPLAY"
            slow = play(f"s{number}", timeline_mode=mode, rate=1.0)
            await frames.send(slow)
        await frames.send(play("last"))
        await frames.until(StreamStarted)
        current = "s0"
        while current != "last":
            reply = await frames.receive()
            if isinstance(reply, StreamStarted):
                current = reply.playback_request_id
            elif isinstance(reply, StreamChunk):
                assert reply.playback_request_id == current
        found = await frames.until(StreamComplete)
        assert {getattr(reply, "playback_request_id", "") for reply in found} == {"last"}


async def test_a_request_that_is_refused_leaves_the_stream_alone(filled: Core) -> None:
    """A-140: only a stream that can be started replaces another."""
    async with filled.frames() as frames:
        await frames.send(play("live", timeline_mode="LIVE", rate=1.0))
        await frames.until(StreamStarted)
        await frames.send(play("bad", rate=0.0))
        await frames.until(Error)
        await frames.send(CancelStream(playback_request_id="bad"))
        assert cancelled_id(await frames.until(StreamCancelled)) is None
        await frames.send(CancelStream(ref="c", playback_request_id="live"))
        assert cancelled_id(await frames.until(StreamCancelled)) == "live"
        await frames.send(CancelStream())
        assert cancelled_id(await frames.until(StreamCancelled)) is None


def cancelled_id(replies: list[messages.Reply]) -> str | None:
    """Which stream the last of the replies says was stopped."""
    assert isinstance(replies[-1], StreamCancelled)
    return replies[-1].playback_request_id


async def test_live_goes_on_behind_a_key_without_a_start_time(filled: Core, record: Make) -> None:
    """AMB-33, AMB-34: a client that comes back by its last key gets what it missed, then
    the rest.
    """
    async with await Client.to_core(filled.data) as client:
        everything = await filled.settled(client, EVENTS)
        page = await client.request(Query(timebase="canonical", limit=50), messages.QueryResponse)
        found: list[bytes] = []
        published = False
        async for chunk in client.stream("LIVE", timebase="canonical", after_key=page.next_key):
            found += [bytes(event) for event in chunk.events]
            if len(found) >= EVENTS - 50 and not published:
                published = True
                await filled.publish([record(1_000), record(1_001)])
            if len(found) >= EVENTS - 50 + 2:
                break
    assert found[: EVENTS - 50] == everything[50:]
    assert [b'"n":1000' in found[-2], b'"n":1001' in found[-1]] == [True, True]


async def test_an_archive_that_cannot_be_read_is_said_to_the_client(filled: Core) -> None:
    """Pitfalls row 5: the request that meets the damage fails in words, others are served."""
    archive = filled.writer.committer.archive
    async with await Client.to_core(filled.data) as client:
        first = await client.request(Query(timebase="canonical", limit=1), messages.QueryResponse)
        assert first.next_key is not None
        archive.families["canonical"].delete(bytes.fromhex(first.next_key))
        async with filled.frames() as frames:
            await filled.publish([Record(None, b"bad")])
            for request in (
                Query(ref=1, timebase="source", filters=Filters(unique_id="u")),
                Latest(ref=1, filters=Filters(unique_id="v")),
            ):
                await frames.send(request)
            replies = [await frames.receive(), await frames.receive()]
    errors = [reply for reply in replies if isinstance(reply, Error)]
    assert [(error.code, error.ref) for error in errors] == [("archive", 1)]


async def test_a_failure_of_ours_is_said_to_the_client(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A-135: no request is left without an answer, whatever went wrong."""

    def broken(*_: object) -> None:
        raise RuntimeError("injected")

    monkeypatch.setattr(instance_status, "status", broken)
    monkeypatch.setattr(LiveStream, "run", broken)
    async with core.frames() as frames:
        await frames.send(Status(ref=9))
        await frames.send(play("p", timeline_mode="LIVE", rate=1.0))
        errors = [reply for reply in await frames.until(Error)]
        errors += await frames.until(Error)
        found = [(error.code, error.ref) for error in errors if isinstance(error, Error)]
        assert sorted(found, key=str) == [("internal", "p"), ("internal", 9)]
        await frames.send(Query(ref=1))
        assert isinstance(await frames.receive(), messages.QueryResponse)


async def test_live_has_a_clock_also_while_only_others_are_busy(filled: Core, record: Make) -> None:
    """A-139: a filter that nothing passes still gives chunks with a cursor."""
    async with filled.frames() as frames:
        nothing = Filters(unique_id="nobody")
        await frames.send(play("p", timeline_mode="LIVE", rate=1.0, filters=nothing))
        await frames.until(StreamStarted)
        enough = asyncio.Event()
        flood = asyncio.create_task(keep_publishing(filled, record, enough))
        try:
            chunks = [await frames.receive() for _ in range(3)]
        finally:
            enough.set()
            await flood
        cursors = [chunk.cursor for chunk in chunks if isinstance(chunk, StreamChunk)]
        assert len(cursors) == 3 and cursors == sorted(set(cursors))


async def keep_publishing(core: Core, record: Make, enough: asyncio.Event) -> None:
    """A busy producer."""
    for number in itertools.takewhile(lambda _: not enough.is_set(), itertools.count(2_000)):
        await core.publish([record(number)])


@pytest.mark.parametrize("timebase", ["source", "canonical"])
async def test_a_tail_gives_last_keys_only_where_they_resume(
    filled: Core, record: Make, timebase: Timebase
) -> None:
    """AMB-33, AMB-34: the live tail is in canonical order, whatever the order of the history."""
    async with filled.frames() as frames:
        await frames.send(play("p", timeline_mode="LIVE", rate=1.0, timebase=timebase))
        await frames.until(StreamStarted)
        await filled.publish([record(5_000)])
        chunk = await frames.receive()
        while not (isinstance(chunk, StreamChunk) and chunk.events):
            chunk = await frames.receive()
        if timebase == "source":
            assert chunk.last_key is None
            return
        assert chunk.last_key is not None
        await filled.publish([record(5_001)])
        await frames.send(
            play(
                "q",
                timeline_mode="LIVE",
                rate=1.0,
                timebase=timebase,
                after_key=chunk.last_key,
            )
        )
        await frames.until(StreamStarted)
        chunk = await frames.receive()
        while not (isinstance(chunk, StreamChunk) and chunk.events):
            chunk = await frames.receive()
    assert [b'"n":5001' in bytes(event) for event in chunk.events] == [True]


async def test_a_stream_that_waits_for_room_gives_way_to_the_next(
    filled: Core, record: Make
) -> None:
    """A-140, pitfalls §1.8: a client that has stopped reading one stream may start another."""
    noise = "x" * 20_000
    large = [
        record(EVENTS + n)._replace(value=padded(record(EVENTS + n), noise)) for n in range(200)
    ]
    await filled.publish(large)
    async with await Client.to_core(filled.data) as client:
        await filled.settled(client, EVENTS + len(large))
    async with filled.frames() as frames:
        for number in range(4):
            playback_id = f"p{number}"
            start = StartStream(
                ref=number, playback_request_id=playback_id, timeline_mode="REPLAY", rate="max"
            )
            await frames.send(start)
            # Not read: what it sends fills the socket, and it waits.
            await asyncio.sleep(0.3)
        started: list[str] = []
        async with asyncio.timeout(20):
            while not isinstance(reply := await frames.receive(), StreamComplete):
                if isinstance(reply, StreamStarted):
                    started.append(reply.playback_request_id)
    assert started == ["p0", "p1", "p2", "p3"]
    assert reply.playback_request_id == "p3"


def padded(made: Record, noise: str) -> bytes:
    """The record with a payload that is larger by some noise."""
    members = msgspec.json.decode(made.value, type=dict[str, object])
    return msgspec.json.encode({**members, "payload": {"noise": noise}})
