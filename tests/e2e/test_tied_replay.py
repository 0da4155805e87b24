"""A TCP stream tied to a client's replays gives the bytes of the query, over the edge of a whole
NOVA, in every format and framing, and again after a restart.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from nova.edge.framing import FRAMINGS
from nova.sdk import timestamps
from nova.sdk.client.client import Client
from nova.sdk.events.observation import Entity
from nova.sdk.producer.producer import Producer
from nova.sdk.protocol.message import Filters
from nova.sdk.protocol.messages import Query, Rate
from nova.sdk.protocol.tcp_streams import (
    CreateTcpStream,
    ListStreams,
    StreamsResponse,
    TcpStreamChanged,
    TcpStreamDefinition,
    TcpStreamInfo,
    TieTcpStream,
    UntieTcpStream,
)
from nova.sdk.transport.base import connect
from nova.testkit.ports import free_port
from nova.testkit.running_nova import PASSWORD, RunningNova, running_nova
from tests.edge.tapping import line_of, payload_of

START_NS = timestamps.parse("2026-03-01T00:00:00Z")
STEP_NS = 10_000_000
STEPS = 150
SEEKS = 50
WAIT_S = 60.0
RADIO = Entity("radio", "rx", "a")
FRAMED = ("none", "newline", "length2", "length4", "slip")


class Replayed(NamedTuple):
    """A range in source time that a client plays."""

    first: int
    last: int
    rate: Rate

    @property
    def is_backwards(self) -> bool:
        return self.rate == "-max" or (not isinstance(self.rate, str) and self.rate < 0)

    @property
    def edges(self) -> tuple[str, str]:
        """Its times, the earlier one first."""
        first, last = (START_NS + step * STEP_NS for step in (self.first, self.last))
        return timestamps.text(first), timestamps.text(last)

    async def play(self, owner: Client) -> None:
        """Play it to its end, as a page does."""
        start, stop = self.edges[::-1] if self.is_backwards else self.edges
        stream = owner.stream(
            "REPLAY", start_time=start, stop_time=stop, rate=self.rate, timebase="source"
        )
        async for _ in stream:
            pass

    async def queried(self, core: Client, filters: Filters) -> list[bytes]:
        """Its events of a selection in the order in which they are played."""
        start, stop = self.edges
        query = Query(
            timebase="source",
            filters=filters,
            start_time=start,
            stop_time=stop,
            reverse=self.is_backwards,
        )
        return [event async for event in core.query(query)]


def ranges() -> list[Replayed]:
    """The whole at several rates and in both directions, then fifty places to go to."""
    drawn = random.Random(3)
    rates: list[Rate] = [1.0, 100.0, "max", "-max", -100.0]
    places = [sorted(drawn.choices(range(STEPS), k=2)) for _ in range(SEEKS)]
    return [Replayed(0, STEPS, rate) for rate in rates] + [
        Replayed(first, last, drawn.choice(("max", "-max", 1_000.0, -1_000.0)))
        for first, last in places
    ]


def definitions() -> list[TcpStreamDefinition]:
    """A stream of every format and framing."""

    def defined(name: str, lane: Any, **members: Any) -> TcpStreamDefinition:
        filters = Filters(system_id="radio", container_id="rx", unique_id="a", lanes=[lane])
        return TcpStreamDefinition(
            name=name, port=free_port(), filters=filters, timebase="source", **members
        )

    return [
        *(defined(f"raw-{one}", "raw", format="payloadOnly", framing=one) for one in FRAMED),
        defined("json-newline", "parsed", format="payloadOnly", framing="newline"),
        defined("lines", "raw"),
        defined("addressed", "parsed", with_address=True),
    ]


def expected_bytes(definition: TcpStreamDefinition, envelopes: Sequence[bytes]) -> bytes:
    """The messages of these events."""
    if definition.format == "payloadOnly":
        return b"".join(map(FRAMINGS[definition.framing], map(payload_of, envelopes)))
    address = definition.with_address
    return "".join(line_of(one, with_address=address) for one in envelopes).encode()


async def publish_past(url: str) -> None:
    """Frames with bytes that framings escape, and parsed values, several at a time."""
    drawn = random.Random(4)
    async with Producer(connect(url), "sat") as producer:
        events = []
        for step in range(STEPS):
            for entity in (RADIO, Entity("bus", "eps", "u")):
                seen = producer.observe(entity, START_NS + step * STEP_NS)
                frame = drawn.randbytes(step + 1) + b"\n\xc0\xdb"
                events += [seen.raw(frame), seen.parsed("M", {"n": step, "text": "é\n"})]
        drawn.shuffle(events)
        assert not (await producer.send(events)).rejected


@asynccontextmanager
async def sockets(streams: Sequence[TcpStreamInfo]) -> AsyncIterator[list[asyncio.StreamReader]]:
    """A plain client of each stream."""
    async with AsyncExitStack() as stack:
        readers = []
        for one in streams:
            reader, writer = await asyncio.open_connection("127.0.0.1", one.definition.port)
            stack.callback(writer.close)
            readers.append(reader)
        yield readers


async def replay_all(nova: RunningNova, owner: Client, played: Sequence[Replayed]) -> None:
    """Tie all streams, play ranges, and compare what each client gets, to the byte."""
    streams = await until_all(owner, lambda one: one.listening)
    before = await everything(nova.data)
    async with sockets(streams) as readers, await Client.to_core(nova.data) as core:
        await until_all(owner, lambda one: one.connections == 1 and one.cursor is not None)
        for one in streams:
            tied = await owner.request(TieTcpStream(stream_id=one.stream_id), TcpStreamChanged)
            assert tied.stream is not None and tied.stream.tied_here
        for part in played:
            await part.play(owner)
        for one, reader in zip(streams, readers, strict=True):
            parts = [await part.queried(core, one.definition.filters) for part in played]
            whole = expected_bytes(one.definition, [event for part in parts for event in part])
            async with asyncio.timeout(WAIT_S):
                assert await reader.readexactly(len(whole)) == whole, one.definition.name
        assert await everything(nova.data) == before
        await see_present(nova, owner, streams, readers)


async def see_present(
    nova: RunningNova,
    owner: Client,
    streams: Sequence[TcpStreamInfo],
    readers: Sequence[asyncio.StreamReader],
) -> None:
    """Untied, the next that each client gets is what comes in then."""
    now = timestamps.text(timestamps.now())
    for one in streams:
        await owner.request(UntieTcpStream(stream_id=one.stream_id), TcpStreamChanged)
    await until_all(owner, lambda one: one.cursor is not None and one.cursor > now)
    async with Producer(connect(nova.publish), "sat") as producer:
        seen = producer.observe(RADIO)
        await producer.send([seen.raw(b"now"), seen.parsed("M", {"n": "now"})])
    for one, reader in zip(streams, readers, strict=True):
        newest = Query(timebase="canonical", filters=one.definition.filters, start_time=now)
        async with asyncio.timeout(WAIT_S), await Client.to_core(nova.data) as core:
            while not (found := [event async for event in core.query(newest)]):
                await asyncio.sleep(0.02)
            message = expected_bytes(one.definition, found)
            assert await reader.readexactly(len(message)) == message, one.definition.name


async def until_all(owner: Client, holds: Callable[[TcpStreamInfo], bool]) -> list[TcpStreamInfo]:
    """The streams, as soon as it holds for all of them."""
    async with asyncio.timeout(WAIT_S):
        while True:
            listed = await owner.request(ListStreams(), StreamsResponse)
            if len(listed.streams) == len(FRAMED) + 3 and all(map(holds, listed.streams)):
                return listed.streams
            await asyncio.sleep(0.02)


async def everything(data: Path) -> list[bytes]:
    """All events but the audit trail."""
    async with await Client.to_core(data) as core:
        return [event async for event in core.query(Query(timebase="canonical", limit=5_000))]


async def run(nova: RunningNova, *, is_first: bool) -> None:
    """Create the streams and play everything; after a restart a part of it."""
    if is_first:
        await publish_past(nova.publish)
    async with await Client.log_in(nova.url, "admin", PASSWORD) as owner:
        if is_first:
            for one in definitions():
                await owner.request(CreateTcpStream(definition=one), TcpStreamChanged)
        await replay_all(nova, owner, ranges() if is_first else ranges()[2:15])


@pytest.mark.slow
def test_a_tied_replay_is_the_bytes_of_the_query(tmp_path: Path) -> None:
    """At 1, 100 times and as fast as can be, backwards, over fifty seeks, and after a restart. No
    event comes of it.
    """
    for is_first in (True, False):
        with running_nova(tmp_path / "data", "--scope", "sat") as nova:
            asyncio.run(run(nova, is_first=is_first))
            nova.kill()
