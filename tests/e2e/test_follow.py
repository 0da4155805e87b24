"""Followers of a client's timeline at a real reader: the bytes of the query, whatever is played."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
from bisect import bisect_left, bisect_right
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import aiohttp
import pytest

from nova.sdk import timestamps
from nova.sdk.client.client import Client
from nova.sdk.events.observation import Entity
from nova.sdk.producer.producer import Producer
from nova.sdk.protocol.follow_stream import FollowEnded
from nova.sdk.protocol.messages import (
    CancelStream,
    Filters,
    Query,
    QueryResponse,
    Rate,
    StartStream,
    StreamChunk,
    StreamComplete,
    StreamStarted,
)
from nova.sdk.transport.base import connect
from nova.testkit.running_nova import RunningNova, running_nova
from tests.core.edge_client import edge_client, events_until, follow, received
from tests.core.running import WAIT_S, Frames
from tests.e2e.test_replay import START_NS, publish_history, time_of

FOLLOWERS = 20
SEEKS = 50
LIVE_BATCHES, LIVE_EVENTS = 20, 300
SPAN_NS = 1_000 * timestamps.NS_PER_SECOND
SELECTIONS = (
    Filters(),
    Filters(lanes=["raw"]),
    Filters(lanes=["parsed"], unique_id="a"),
    Filters(unique_id="b"),
)
OWNER = Filters(lanes=["parsed"])
"""What the owner itself streams."""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNova]:
    """A NOVA that holds events with ties."""
    with running_nova(tmp_path_factory.mktemp("follow") / "data", "--scope", "sat") as nova:
        asyncio.run(publish_history(nova.publish))
        yield nova
        nova.kill()


def replay(playback_id: str, first_ns: int, last_ns: int, rate: Rate) -> StartStream:
    """A replay of the owner between two times."""
    edges = [timestamps.text(first_ns), timestamps.text(last_ns)]
    start, stop = edges[::-1] if is_backwards(rate) else edges
    return StartStream(
        playback_request_id=playback_id,
        timeline_mode="REPLAY",
        start_time=start,
        stop_time=stop,
        rate=rate,
        timebase="source",
        filters=OWNER,
    )


class OrderedEvents(NamedTuple):
    """All events of a selection in source time."""

    times: list[int]
    events: list[bytes]

    def of_range(self, first_ns: int, last_ns: int, rate: Rate) -> list[bytes]:
        """The part between two times, as it is played."""
        found = self.events[bisect_left(self.times, first_ns) : bisect_right(self.times, last_ns)]
        return found[::-1] if is_backwards(rate) else found


async def in_order(data: Path) -> list[OrderedEvents]:
    """All events of each selection, as queries give them."""
    found = []
    async with await Client.to_core(data) as client:
        for chosen in SELECTIONS:
            query = Query(timebase="source", filters=chosen, limit=10_000)
            events = [event async for event in client.query(query)]
            found.append(OrderedEvents([time_of(e, "sourceTruthTime") for e in events], events))
    return found


def is_backwards(rate: Rate) -> bool:
    return rate == "-max" or (not isinstance(rate, str) and rate < 0)


@asynccontextmanager
async def followed(data: Path) -> AsyncIterator[tuple[Frames, list[Frames]]]:
    """An owner, and many that follow it with different selections."""
    async with AsyncExitStack() as stack:
        owner = await stack.enter_async_context(edge_client(data, "page-1"))
        followers = []
        for number in range(FOLLOWERS):
            client = await stack.enter_async_context(edge_client(data, f"tcp:{number}"))
            reply = await follow(client, "page-1", SELECTIONS[number % len(SELECTIONS)])
            assert isinstance(reply, StreamStarted)
            followers.append(client)
        yield owner, followers


async def compare(followers: Sequence[Frames], expected: Sequence[list[bytes]]) -> None:
    """Each follower gets exactly what is expected of its selection."""
    found = await asyncio.gather(
        *(
            events_until(frames, len(expected[number % len(expected)]))
            for number, frames in enumerate(followers)
        )
    )
    for number, events in enumerate(found):
        assert events == expected[number % len(expected)], number


PACES: list[tuple[Rate, int]] = [
    ("max", 400),
    ("-max", 400),
    (1.0, 2),
    (100.0, 200),
    (-100.0, 200),
]
"""Rates, and how many seconds of the timeline are played at each."""


@pytest.mark.parametrize(("rate", "span_s"), PACES)
async def test_a_range_is_the_bytes_of_the_query(
    filled: RunningNova, rate: Rate, span_s: int
) -> None:
    """For each of 20 followers of one owner, at every rate and in both directions."""
    edges = START_NS, START_NS + span_s * timestamps.NS_PER_SECOND
    everything = await in_order(filled.data)
    expected = [events.of_range(*edges, rate) for events in everything]
    assert all(expected)
    async with followed(filled.data) as (owner, followers):
        await owner.send(replay("a", *edges, rate))
        await owner.until(StreamComplete)
        await compare(followers, expected)


async def test_fifty_seeks_are_the_bytes_of_fifty_queries(filled: RunningNova) -> None:
    """In both directions, while a follower that does not read holds up nobody."""
    dice = random.Random(5)
    everything = await in_order(filled.data)
    expected: list[list[bytes]] = [[] for _ in SELECTIONS]
    async with followed(filled.data) as (owner, followers):
        stalled = followers.pop()
        for number in range(SEEKS):
            first_ns = START_NS + dice.randrange(SPAN_NS)
            last_ns = min(START_NS + SPAN_NS, first_ns + dice.randrange(SPAN_NS // 40))
            rate: Rate = dice.choice(("max", "-max", 1e4, -1e5))
            await owner.send(replay(f"s{number}", first_ns, last_ns, rate))
            await owner.until(StreamComplete)
            for events, found in zip(everything, expected, strict=True):
                found += events.of_range(first_ns, last_ns, rate)
        await compare(followers, expected)
        assert await events_until(stalled, len(expected[-1])) == expected[-1]


async def test_seeks_and_pauses_amid_a_replay_are_those_of_the_owner(filled: RunningNova) -> None:
    """A follower with the owner's selection gets what the owner got, to the event."""
    dice = random.Random(6)
    got: list[bytes] = []
    async with (
        edge_client(filled.data, "page-1") as owner,
        edge_client(filled.data, "tcp:1") as follower,
    ):
        await follow(follower, "page-1", OWNER)
        for number in range(SEEKS):
            at_ns = START_NS + dice.randrange(SPAN_NS)
            rate = dice.choice((100.0, -100.0, 1e4, -1e4))
            edges = (at_ns, START_NS + SPAN_NS) if rate > 0 else (START_NS, at_ns)
            await owner.send(replay(f"s{number}", *edges, rate))
            got += await events_before(owner, StreamStarted)
            for _ in range(dice.randrange(4)):
                got += await events_before(owner, StreamChunk)
        await owner.send(CancelStream(ref="end"))
        got += await events_before(owner, None)
        assert len(got) > 100
        assert await events_until(follower, len(got)) == got


async def events_before(
    owner: Frames, kind: type[StreamStarted | StreamChunk] | None
) -> list[bytes]:
    """The owner's events up to and with the next frame of a kind, or the reply to `end`."""
    events: list[bytes] = []
    while True:
        frame = await owner.receive()
        if isinstance(frame, StreamChunk):
            events += map(bytes, frame.events)
        if frame.ref == "end" or (kind is not None and isinstance(frame, kind | StreamComplete)):
            return events


async def test_the_end_of_the_owner_is_reported_and_a_restarted_reader_serves_the_same(
    filled: RunningNova,
) -> None:
    """A client that is killed says no goodbye; a killed reader ends all connections."""
    edges = START_NS, START_NS + SPAN_NS // 10
    expected = (await in_order(filled.data))[1].of_range(*edges, "max")
    for process in (None, filled.child("reader")):
        if process is not None:
            os.kill(process, signal.SIGKILL)
            await reader_is_back(filled.data)
        async with (
            edge_client(filled.data, "page-1") as owner,
            edge_client(filled.data, "tcp:1") as follower,
        ):
            await follow(follower, "page-1", SELECTIONS[1])
            await owner.send(replay("a", *edges, "max"))
            assert await events_until(follower, len(expected)) == expected
            await owner.send(StartStream(playback_request_id="b", timeline_mode="LIVE"))
            owner.socket.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
            while isinstance(reply := await received(follower), StreamChunk):
                assert reply.events == []
            assert reply == FollowEnded(playback_request_id="f")


@pytest.mark.parametrize("shed", [False, True])
async def test_a_live_owner_that_does_not_read_leaves_nothing_out_for_others(
    filled: RunningNova, shed: bool
) -> None:
    """What is left out for a slow owner is not left out for its followers."""
    newest = Query(timebase="canonical", reverse=True, limit=1)
    async with (
        edge_client(filled.data, "page-1") as owner,
        edge_client(filled.data, "tcp:1") as follower,
        await Client.to_core(filled.data) as client,
        Producer(connect(filled.publish), "sat") as producer,
    ):
        (last,) = (await client.request(newest, QueryResponse)).events
        after_ns = time_of(bytes(last), "canonicalTruthTime") + 1
        await follow(follower, "page-1", SELECTIONS[1])
        await owner.send(StartStream(playback_request_id="l", timeline_mode="LIVE", shed=shed))
        await owner.until(StreamStarted)
        for batch in range(LIVE_BATCHES):
            observed = [producer.observe(Entity("bus", "eps", "live")) for _ in range(LIVE_EVENTS)]
            await producer.send([seen.raw(batch.to_bytes(2, "big") * 500) for seen in observed])
        since = Query(
            timebase="canonical",
            start_time=timestamps.text(after_ns),
            filters=SELECTIONS[1],
            limit=10_000,
        )
        expected: list[bytes] = []
        async with asyncio.timeout(WAIT_S):
            while len(expected) < LIVE_BATCHES * LIVE_EVENTS:
                expected = [event async for event in client.query(since)]
        reading = asyncio.create_task(owner.until(StreamComplete))
        assert await events_until(follower, len(expected)) == expected
        reading.cancel()


async def reader_is_back(data: Path) -> None:
    """Wait until a reader takes connections."""
    async with asyncio.timeout(WAIT_S):
        while True:
            try:
                async with edge_client(data, "probe"):
                    return
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)
