"""A follower over the reader's real socket: what it is sent, refused, and hidden from it."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable, Sequence

import msgspec
import pytest

from nova.core.query.event_filter import EventFilter
from nova.core.query.range_cursor import Hit
from nova.core.server.follower import FollowedEvents, Follower
from nova.core.server.owner_timeline import OwnerTimeline
from nova.sdk.events.audit_entry import new_entry
from nova.sdk.protocol import messages
from nova.sdk.protocol.follow_stream import (
    FollowEnded,
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
    LANES_HEADER,
    ROLE_HEADER,
)
from nova.sdk.transport.base import Record
from tests.core.edge_client import edge_client, events_until, follow, received
from tests.core.running import WAIT_S, Core, Frames
from tests.core.server.follow_model import FollowModel
from tests.core.server.followed import FollowedOwner, GrowingArchive, OwnerStep, RecordedTimeline
from tests.core.server.test_audit_intake import post

Make = Callable[..., Record]
EVENTS = 400
LEFT_BYTES = 2_000


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
    async with (
        edge_client(filled.data, "page-1") as owner,
        edge_client(filled.data, "tcp:1") as follower,
    ):
        query = Query(timebase=timebase, filters=raw, limit=1_000, reverse=backwards)
        expected = await queried(owner, query)
        assert isinstance(await follow(follower, "page-1", raw), StreamStarted)
        await played(owner, replay("a", rate=rate, timebase=timebase))
        assert await events_until(follower, len(expected)) == expected


async def test_a_paused_owner_is_silence_and_its_end_is_reported(filled: Core) -> None:
    """The follower stays bound: what its owner plays next comes, and setCursor moves nothing."""
    async with edge_client(filled.data, "tcp:1") as follower:
        async with edge_client(filled.data, "page-1") as owner:
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
    async with edge_client(filled.data, "page-1"), edge_client(filled.data, "tcp:1") as one:
        refusal = await follow(one, "page-9")
        assert isinstance(refusal, Error) and refusal.code == "notFound"
        assert refusal.playback_request_id == "f" and "'page-9'" in refusal.message
        refusal = await follow(one, "tcp:1")
        assert isinstance(refusal, Error) and refusal.code == "badRequest"
        assert isinstance(await follow(one, "page-1"), StreamStarted)
        async with edge_client(filled.data, "tcp:2") as other:
            refusal = await follow(other, "tcp:1")
            assert isinstance(refusal, Error) and refusal.code == "badRequest"
        await one.send(CancelStream(ref=1))
        assert await received(one) == StreamCancelled(ref=1, playback_request_id="f")


async def test_a_follower_sees_no_more_than_its_principal(filled: Core) -> None:
    """Whatever its owner sees, and not the audit trail, which an admin's stream shows by name."""
    async with (
        edge_client(filled.data, "page-1") as owner,
        edge_client(filled.data, "tcp:1", **{LANES_HEADER: "ui"}) as limited,
    ):
        assert isinstance(await follow(limited, "page-1"), StreamStarted)
        await played(owner, replay("a", filters=Filters()))
        expected = await queried(owner, Query(filters=Filters(lanes=["ui"]), limit=1_000))
        assert await events_until(limited, EVENTS // 4) == expected


async def test_the_audit_trail_is_followed_by_nobody(filled: Core) -> None:
    """Not even where an admin's owner and an admin's follower name it."""
    trail = Filters(system_id="nova", container_id="audit")
    admin = {ROLE_HEADER: "admin"}
    async with (
        edge_client(filled.data, "page-1", **admin) as owner,
        edge_client(filled.data, "tcp:1", **admin) as follower,
    ):
        entries = [new_entry("AdminAction", "ann", "user", {"n": 1})]
        assert (await post(filled, msgspec.json.encode(entries)))[0] == 200
        while not await queried(owner, Query(ref="q", filters=trail)):
            await asyncio.sleep(0.01)
        await follow(follower, "page-1", trail)
        await owner.send(replay("a", filters=trail))
        assert (
            sum(
                len(frame.events)
                for frame in await owner.until(StreamComplete)
                if isinstance(frame, StreamChunk)
            )
            == 1
        )
        await owner.socket.close()
        while isinstance(reply := await received(follower), StreamChunk):
            assert reply.events == []
        assert isinstance(reply, FollowEnded)


class SlowFollower:
    """A follower of everything that reads this many chunks at once, and no more until it is let."""

    def __init__(
        self,
        growing: GrowingArchive,
        timeline: OwnerTimeline,
        *,
        chunk_bytes: int,
        left_max_bytes: int,
        slice_min_bytes: int = 1,
    ) -> None:
        source = FollowedEvents(
            growing.view,
            growing.tail,
            EventFilter(Filters(), growing.view.series),
            chunk_max_events=2,
            chunk_bytes=lambda: chunk_bytes,
        )
        self.events: list[bytes] = []
        self.skipped = 0
        self.room: float = 0
        self._follower = Follower(
            timeline.join(),
            source,
            self._report_skipped,
            left_max_bytes=left_max_bytes,
            slice_min_bytes=slice_min_bytes,
        )
        self.running = asyncio.create_task(self._follower.run(self._send))

    async def _send(self, _cursor_ns: int, events: Sequence[Hit]) -> None:
        self.events += [stored for _, stored in events]
        self.room -= 1
        while self.room < 0:
            await asyncio.sleep(0.001)

    async def _report_skipped(self, ranges: int) -> None:
        self.skipped += ranges

    async def finish(self) -> None:
        """Read everything that is left; the owner has gone."""
        self.room = math.inf
        await asyncio.wait_for(self.running, WAIT_S)


async def test_a_follower_that_does_not_read_holds_up_nobody(growing: GrowingArchive) -> None:
    """Its owner plays 50 ranges meanwhile; then it gets each of them whole."""
    chance = random.Random(1)
    await growing.grow(chance, 60)
    owner, model = FollowedOwner(growing.view, growing.tail), FollowModel(growing.view)
    slow = SlowFollower(growing, owner.timeline, chunk_bytes=1_000, left_max_bytes=1 << 30)
    _, other = await owner.follow(Filters())
    resumed = [await owner.play(OwnerStep(rate=chance.choice(("max", "-max")))) for _ in range(50)]
    assert len(slow.events) <= 2
    await owner.finish([other])
    await slow.finish()
    await model.load()
    expected = model.of_follower(owner.timeline.runs, resumed, Filters())
    assert len(expected) == 50 * 60
    assert slow.events == other.events == expected
    assert slow.skipped == 0


@pytest.mark.parametrize("slice_min_bytes", [1, 1_000])
async def test_the_rest_of_a_range_that_the_owner_has_left_is_bounded(
    growing: GrowingArchive, slice_min_bytes: int
) -> None:
    """By its bytes: a follower that is far behind continues where the owner is, and says so."""
    await growing.grow(random.Random(1), 60)
    owner, model = FollowedOwner(growing.view, growing.tail), FollowModel(growing.view)
    slow = SlowFollower(
        growing,
        owner.timeline,
        chunk_bytes=1_000,
        left_max_bytes=LEFT_BYTES,
        slice_min_bytes=slice_min_bytes,
    )
    await owner.play(OwnerStep())
    await owner.play(OwnerStep(rate="-max"))
    slow.room = math.inf
    while len(slow.events) < 60:
        await asyncio.sleep(0.001)
    await owner.finish([])
    await slow.finish()
    await model.load()
    first, second = (model.covered(run, None, Filters()) for run in owner.timeline.runs)
    rest = slow.events[: -len(second)]
    assert slow.events[-len(second) :] == second
    assert 0 < len(rest) < 20 and rest == first[: len(rest)]
    assert slice_min_bytes > 1 or LEFT_BYTES <= sum(map(len, rest)) < 2 * LEFT_BYTES
    assert slow.skipped == 1


async def test_a_follower_that_is_behind_a_pause_continues_where_it_was(
    growing: GrowingArchive,
) -> None:
    """The pause is silence for it too. What its owner resumes by key is whole."""
    await growing.grow(random.Random(1), 60)
    owner, model = FollowedOwner(growing.view, growing.tail), FollowModel(growing.view)
    slow = SlowFollower(growing, owner.timeline, chunk_bytes=1_000, left_max_bytes=LEFT_BYTES)
    resumed = [await owner.play(OwnerStep(chunks=15, cancel=True))]
    slow.room = math.inf
    quiet = -1
    while quiet != len(slow.events):
        quiet = len(slow.events)
        await asyncio.sleep(0.1)
    assert 0 < quiet < 20
    resumed.append(await owner.play(OwnerStep(resume=2)))
    while len(slow.events) < 60:
        await asyncio.sleep(0.001)
    await owner.finish([])
    await slow.finish()
    await model.load()
    assert slow.events == model.of_follower(owner.timeline.runs, resumed, Filters())
    assert (len(slow.events), slow.skipped) == (60, 0)


async def test_ranges_that_wait_for_a_follower_are_bounded(growing: GrowingArchive) -> None:
    """The first is being sent, the oldest others are left out, and counted."""
    await growing.grow(random.Random(1), 60)
    owner, model = FollowedOwner(growing.view, growing.tail), FollowModel(growing.view)
    owner.timeline = owner.stream.timeline = RecordedTimeline(runs_max=3)
    slow = SlowFollower(growing, owner.timeline, chunk_bytes=1_000, left_max_bytes=1 << 30)
    for number in range(7):
        await owner.play(OwnerStep(rate="max" if number % 2 else "-max"))
    await owner.finish([])
    await slow.finish()
    await model.load()
    ranges = [model.covered(run, None, Filters()) for run in owner.timeline.runs]
    assert slow.events == ranges[0] + ranges[5] + ranges[6]
    assert slow.skipped == 4
