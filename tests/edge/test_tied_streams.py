"""TCP streams that follow a client's timeline, over the reader of a real NOVA."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec

from nova.edge.framing import FRAMINGS
from nova.edge.upstream import reader_client
from nova.sdk import endpoints, timestamps
from nova.sdk.client.client import Client
from nova.sdk.events.event import Event
from nova.sdk.events.observation import Entity, Observer
from nova.sdk.protocol import messages
from nova.sdk.protocol.messages import (
    CancelStream,
    Query,
    Rate,
    Reply,
    StartStream,
    StreamCancelled,
    StreamComplete,
)
from nova.sdk.protocol.submission import CONNECTION_HEADER, ROLE_HEADER, USER_HEADER
from nova.sdk.protocol.tcp_streams import TcpStreamDefinition
from nova.testkit.running_nova import RunningNova
from tests.edge import tapping
from tests.edge.tapping import DECODERS, SCOPE, TapClient, definition, line_of, payload_of, tapped

START_NS = timestamps.parse("2026-02-01T00:00:00Z")
STEP_NS = 10_000_000
EVENTS = 120
FRAMED = ("none", "newline", "length2", "length4", "slip")


class OwnerPage:
    """A page's connection to the reader, as its edge opens it."""

    def __init__(self, name: str, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.connection_name = name
        self._socket = socket
        self._plays = 0

    def take_over(self, other: OwnerPage) -> None:
        """Continue with the connection of another page, as an edge does after a loss."""
        self.connection_name, self._socket = other.connection_name, other._socket

    async def play(self, **members: object) -> None:
        """Start a stream; it continues until the next one."""
        self._plays += 1
        start = StartStream(playback_request_id=str(self._plays), timeline_mode="REPLAY")
        for name, value in members.items():
            setattr(start, name, value)
        await self._send(start)

    async def play_whole(self, **members: object) -> None:
        """Play a range to its end."""
        await self.play(**members)
        await self._until(StreamComplete)

    async def pause(self) -> None:
        await self._send(CancelStream())
        await self._until(StreamCancelled)

    async def _send(self, message: messages.Message) -> None:
        await self._socket.send_str(messages.encode(message).decode())

    async def _until(self, kind: type[Reply]) -> None:
        while not isinstance(
            messages.decode_reply((await self._socket.receive(tapping.WAIT_S)).data), kind
        ):
            pass


@asynccontextmanager
async def page(data: Path, name: str) -> AsyncIterator[OwnerPage]:
    """A page with a timeline of its own."""
    who = {USER_HEADER: "ann", ROLE_HEADER: "operator", CONNECTION_HEADER: name}
    async with (
        reader_client(endpoints.reader_socket(data)) as reader,
        reader.ws_connect("http://localhost/", headers=who, max_msg_size=0) as connection,
    ):
        yield OwnerPage(name, connection)


def recorded(system: str, padding: str = "") -> list[Event]:
    """Events of the past, some of which share their source time."""
    observer, entity = Observer(SCOPE), Entity(system, "eps", "unit")
    frames = random.Random(system)
    events = []
    for n in range(0, EVENTS, 2):
        seen = observer.observe(entity, START_NS + n * STEP_NS)
        payload = {"n": n, "padding": padding}
        events += [seen.raw(frames.randbytes(n + 1) + b"\xc0\xdb"), seen.parsed("M", payload)]
    return events


def time_text(number: int) -> str:
    return timestamps.text(START_NS + number * STEP_NS)


class PlayedRange:
    """A range that an owner plays, and that a query gives."""

    def __init__(self, first: int, last: int, rate: Rate) -> None:
        self.reverse = rate == "-max" or (not isinstance(rate, str) and rate < 0)
        self.rate = rate
        self.start_time = time_text(last if self.reverse else first)
        self.stop_time = time_text(first if self.reverse else last)

    async def play(self, owner: OwnerPage) -> None:
        await owner.play_whole(
            start_time=self.start_time, stop_time=self.stop_time, rate=self.rate, timebase="source"
        )

    async def queried(self, data: Path, wanted: TcpStreamDefinition) -> list[bytes]:
        low, high = sorted((self.start_time, self.stop_time))
        query = Query(
            timebase="source",
            filters=wanted.filters,
            start_time=low,
            stop_time=high,
            reverse=self.reverse,
        )
        async with await Client.to_core(data) as client:
            return [event async for event in client.query(query)]


def seeks() -> list[PlayedRange]:
    """Fifty places to go to, in both directions."""
    drawn = random.Random(7)
    places = [sorted((drawn.randrange(EVENTS), drawn.randrange(EVENTS))) for _ in range(50)]
    rates: list[Rate] = ["max", "-max", 1_000.0, -1_000.0]
    return [PlayedRange(low, high, drawn.choice(rates)) for low, high in places]


def everything() -> list[PlayedRange]:
    rates: list[Rate] = [1.0, 100.0, "max", "-max", -100.0]
    return [PlayedRange(0, EVENTS, rate) for rate in rates]


def expected_bytes(wanted: TcpStreamDefinition, envelopes: Sequence[bytes]) -> bytes:
    """What a client gets of these events, and that a decoder finds the messages in it again."""
    if wanted.format == "hierarchyPerMessage":
        return "".join(map(line_of, envelopes)).encode()
    contents = [payload_of(envelope) for envelope in envelopes]
    framed = b"".join(map(FRAMINGS[wanted.framing], contents))
    if wanted.framing in ("length2", "length4", "slip"):
        assert list(DECODERS[wanted.framing](framed)) == contents
    return framed


async def test_a_tied_replay_gives_the_bytes_of_the_query(nova: RunningNova) -> None:
    """In every format and framing, at any rate, in both directions, over seeks, and again with
    another reader.
    """
    await tapping.publish_past(nova, recorded("tied"))
    streams = [
        definition("tied", name=f"tied-{one}", format="payloadOnly", framing=one, lanes=["raw"])
        for one in FRAMED
    ]
    streams.append(definition("tied", name="tied-lines"))
    async with tapped(nova.data) as tap, tap.clients(streams) as clients:
        parts = (everything(), False), (seeks(), True), (everything()[2:], False)
        for ranges, restart in parts:
            async with page(nova.data, "page-1") as owner:
                for one in streams:
                    assert await tap.streams.tie(one.name, owner)
                for played in ranges:
                    await played.play(owner)
                for one, client in zip(streams, clients, strict=True):
                    found = [await played.queried(nova.data, one) for played in ranges]
                    whole = expected_bytes(one, [envelope for part in found for envelope in part])
                    assert await client.read(len(whole)) == whole
                    assert tap.streams.untie(one.name, owner)
            if restart:
                os.kill(nova.child("reader"), signal.SIGKILL)
                await reader_is_back(nova.data)


async def reader_is_back(data: Path) -> None:
    """Wait until a reader answers again."""
    async with asyncio.timeout(tapping.WAIT_S):
        while True:
            try:
                async with await Client.to_core(data):
                    return
            except Exception:
                await asyncio.sleep(0.05)


async def live(nova: RunningNova, client: TapClient, system: str, number: int) -> None:
    """Publish an event now; the client gets it, and nothing before it."""
    observation = Observer(SCOPE).observe(Entity(system, "eps", "unit"))
    await tapping.publish(nova, [observation.parsed("Live", {"n": number})])
    assert (await client.line())["p"] == {"n": number}


async def at_present(tap: tapping.Tap, name: str) -> None:
    """Wait until a stream has sent the present once."""
    before = tap.status(name).cursor
    await tap.until(name, lambda s: s.owner is None and s.cursor not in (None, before))


async def test_the_last_owner_has_the_stream_until_it_goes(nova: RunningNova) -> None:
    """While it pauses there is silence; then the present comes, and what was played elsewhere
    does not.
    """
    wanted = definition("owners", lanes=["parsed"])
    await tapping.publish_past(nova, recorded("owners"))
    async with tapped(nova.data) as tap, tap.clients([wanted]) as (client,):
        async with page(nova.data, "page-1") as one, page(nova.data, "page-2") as two:
            for last, other in [(one, two), (two, one)] * 5:
                await tap.streams.tie("owners", other)
                await tap.streams.tie("owners", last)
                assert tap.status("owners").owner is last
                assert not tap.streams.untie("owners", other)
                await other.play_whole(start_time=time_text(0), rate="max")
                await last.play_whole(
                    start_time=time_text(0), stop_time=time_text(4), rate="max", timebase="source"
                )
                assert [(await client.line())["p"]["n"] for _ in range(3)] == [0, 2, 4]
            await tap.streams.tie("owners", one)
            tap.streams.connection_closed(two)
            assert tap.status("owners").owner is one
            # The next is due in minutes, however late the pause comes.
            await one.play(start_time=time_text(0), rate=0.01, timebase="source")
            assert (await client.line())["p"]["n"] == 0
            await one.pause()
        await tap.until("owners", lambda s: s.owner is None)  # The reader has said so.
        await at_present(tap, "owners")
        await live(nova, client, "owners", -1)


async def test_untied_it_follows_the_present_at_once(nova: RunningNova) -> None:
    """Also when a page closes of which the edge knows before the reader does."""
    wanted = definition("untied", lanes=["parsed"])
    await tapping.publish_past(nova, recorded("untied"))
    async with (
        tapped(nova.data) as tap,
        tap.clients([wanted]) as (client,),
        page(nova.data, "page-3") as owner,
    ):
        for number in (1, 2):
            await tap.streams.tie("untied", owner)
            await owner.play_whole(
                start_time=time_text(0), stop_time=time_text(0), rate="max", timebase="source"
            )
            assert (await client.line())["p"]["n"] == 0
            if number == 1:
                assert tap.streams.untie("untied")
            else:
                tap.streams.connection_closed(owner)
            await at_present(tap, "untied")
            await live(nova, client, "untied", number)
        assert not tap.streams.untie("untied")


async def test_untied_its_last_key_is_where_the_present_began(nova: RunningNova) -> None:
    """Not the replay's: a query from there would give what the present had already."""
    wanted = definition("after", lanes=["parsed"])
    await tapping.publish_past(nova, recorded("after"))
    async with (
        tapped(nova.data) as tap,
        tap.clients([wanted]) as (client,),
        page(nova.data, "page-4") as owner,
    ):
        await tap.streams.tie("after", owner)
        start = time_text(0)
        await owner.play_whole(start_time=start, stop_time=start, rate="max", timebase="source")
        assert (await client.line())["p"]["n"] == 0
        assert tap.streams.untie("after")
        await at_present(tap, "after")
        await tap.streams.close()
        lines = [line async for line in client.reader]
    closing = msgspec.json.decode(lines[-1])
    async with await Client.to_core(nova.data) as asking:
        later = Query(
            timebase="canonical", filters=wanted.filters, after_key=closing["lastKey"], limit=10
        )
        assert [event async for event in asking.query(later)] == []


async def test_a_tie_outlives_the_reader(nova: RunningNova) -> None:
    """The page's edge connects again for it, under another name."""
    wanted = definition("outlives", lanes=["parsed"])
    await tapping.publish_past(nova, recorded("outlives"))
    async with tapped(nova.data) as tap, tap.clients([wanted]) as (client,):
        async with page(nova.data, "page-6-1") as owner:
            await tap.streams.tie("outlives", owner)
            os.kill(nova.child("reader"), signal.SIGKILL)
            await reader_is_back(nova.data)
        async with page(nova.data, "page-6-2") as again:
            owner.take_over(again)
            reading = asyncio.create_task(client.line())
            while not reading.done():  # It is not said when the stream follows again.
                await owner.play_whole(
                    start_time=time_text(0), stop_time=time_text(0), rate="max", timebase="source"
                )
            assert (await reading)["p"]["n"] == 0
            assert tap.status("outlives").owner is owner


async def test_nobody_waits_for_a_client_that_stops_in_a_fast_replay(nova: RunningNova) -> None:
    """Those that read get everything however fast it is played, the others later messages; their
    owner is not slowed.
    """
    wanted = definition("fast", lanes=["parsed"])
    await tapping.publish_past(nova, recorded("fast", "x" * 30_000))
    async with (
        tapped(nova.data, queue_max_bytes=128 << 10) as tap,
        tap.clients([wanted]) as (client,),
    ):
        with socket.socket() as stopped:
            stopped.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            stopped.connect((wanted.bind, wanted.port))
            await tap.until("fast", lambda s: s.connections == 2)
            async with page(nova.data, "page-4") as owner:
                await tap.streams.tie("fast", owner)
                playing = asyncio.create_task(PlayedRange(0, EVENTS, "max").play(owner))
                numbers = await client.numbers_until(EVENTS - 2)
                await playing
            assert numbers == list(range(0, EVENTS, 2))
            assert tap.status("fast").dropped > 0


async def test_a_tie_without_clients_reads_nothing(nova: RunningNova) -> None:
    """The stream is bound all the same: a client that comes gets what is played then."""
    wanted = definition("alone", lanes=["parsed"])
    await tapping.publish_past(nova, recorded("alone"))
    async with tapped(nova.data) as tap, page(nova.data, "page-5") as owner:
        assert not await tap.streams.tie("alone", owner)
        await tap.start(wanted)
        assert await tap.streams.tie("alone", owner)
        await owner.play_whole(start_time=time_text(0), rate="max", timebase="source")
        reader, writer = await asyncio.open_connection(wanted.bind, wanted.port)
        await tap.until("alone", lambda s: s.connections == 1)
        assert tap.status("alone").cursor is None
        await tap.streams.tie("alone", owner)  # Returns when the reader follows the owner.
        await owner.play_whole(
            start_time=time_text(0), stop_time=time_text(0), rate="max", timebase="source"
        )
        assert (await TapClient(reader, writer).line())["p"]["n"] == 0
        writer.close()
