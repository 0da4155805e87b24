"""The client against a real Core: requests, one stream, and errors that do not close the
connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import aiohttp
import msgspec
import pytest
from click.testing import CliRunner

from nova.cli.play import play
from nova.sdk import endpoints, timestamps
from nova.sdk.client.client import Client
from nova.sdk.errors import ConnectionLostError, ProtocolError
from nova.sdk.events.observation import Entity
from nova.sdk.producer.producer import Producer
from nova.sdk.protocol import messages
from nova.sdk.protocol.messages import Discover, Filters, Latest, Query
from nova.sdk.transport.base import connect
from nova.testkit.running_nova import RunningNova, running_nova
from tests.e2e.shipped import MANIFESTS, TOLD_BY_OTHERS

START_NS = timestamps.parse("2026-01-01T00:00:00Z")
COUNT = 300


def at(second: int) -> str:
    """A time of the history."""
    return timestamps.text(START_NS + second * timestamps.NS_PER_SECOND)


async def fill(url: str) -> None:
    """One event a second for five minutes, of two entities in turn."""
    transport = connect(url)
    producer = Producer(transport, "sat")
    events = []
    for second in range(COUNT):
        unit = Entity("bus", "eps", "ab"[second % 2])
        at_ns = START_NS + second * timestamps.NS_PER_SECOND
        events.append(producer.observe(unit, at_ns).parsed("Count", {"n": second}))
    await producer.send(events)
    await transport.close()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNova]:
    """A NOVA that holds the history, for all tests that only ask it."""
    with running_nova(tmp_path_factory.mktemp("filled") / "data", "--scope", "sat") as running:
        asyncio.run(fill(running.publish))
        yield running
        running.kill()


def number(event: msgspec.Raw | bytes) -> int:
    """The payload of one of these events."""
    members = msgspec.json.decode(bytes(event), type=dict[str, object])
    return msgspec.convert(members["payload"], dict[str, int])["n"]


async def test_what_can_be_asked_is_answered(filled: RunningNova) -> None:
    """A-017, A-133, A-135: query, discover, latest and status agree about one history."""
    async with await Client.to_core(filled.data) as client:
        window = Query(start_time=at(10), stop_time=at(19), limit=3)
        assert [number(event) async for event in client.query(window)] == list(range(10, 20))
        one = Query(filters=Filters(unique_id="b"), limit=7, reverse=True)
        assert [number(event) async for event in client.query(one)] == list(range(299, 0, -2))
        latest = await client.latest(Latest(time=at(100), filters=TOLD_BY_OTHERS))
        assert [number(event) for event in latest.events] == [99, 100]
        found = await client.discover(Discover(time=at(0)))
        assert [entity.unique_id for entity in found.entities] == ["a"]
        status = await client.status()
        assert (status.events, status.scope_id, status.timebase) == (
            COUNT + MANIFESTS,
            "sat",
            "source",
        )


async def test_a_new_stream_replaces_the_one_before(filled: RunningNova) -> None:
    """A-140…A-143, A-302: one stream per connection, fenced by its id; cancel stops it."""
    async with await Client.to_core(filled.data) as client:
        first = client.stream("REPLAY", start_time=at(0), stop_time=at(299), rate=50.0)
        assert [number(event) for event in (await anext(first)).events] == [0]
        second = client.stream("REPLAY", start_time=at(200), stop_time=at(299), rate="max")
        replayed = [number(event) async for chunk in second for event in chunk.events]
        assert replayed == list(range(200, 300))
        assert [number(event) async for chunk in first for event in chunk.events] == []
        third = client.stream("REPLAY", start_time=at(299), stop_time=at(0), rate=-20.0)
        chunk = await anext(third)
        assert chunk.cursor <= at(299) and [number(event) for event in chunk.events] == [299]
        await client.cancel_stream()
        assert (await client.status()).events == COUNT + MANIFESTS


async def test_backwards_as_fast_as_it_goes(filled: RunningNova) -> None:
    """The same events as forwards, in reverse order, from the client and from the command line."""
    async with await Client.to_core(filled.data) as client:
        stream = client.stream("REPLAY", start_time=at(299), stop_time=at(0), rate="-max")
        played = [number(event) async for chunk in stream for event in chunk.events]
    assert played == list(range(299, -1, -1))
    asked = ("--rate", "-max", "--from", at(299), "--to", at(0), "--json", "--limit", "250")
    shown = await asyncio.to_thread(
        CliRunner().invoke, play, [*asked, "--data", str(filled.data)], catch_exceptions=False
    )
    events = [number(line.encode()) for line in shown.stdout.splitlines()]
    assert events == list(range(299, 49, -1))


@pytest.mark.parametrize("rate", ["0", "nan", "inf", "fast", "-Max"])
def test_a_rate_that_is_none_is_said(rate: str) -> None:
    """The option names what it takes."""
    shown = CliRunner().invoke(play, ["--rate", rate])
    assert shown.exit_code == 2 and "not a factor other than 0, max or -max" in shown.stderr


async def test_a_stream_resumes_behind_its_last_key(filled: RunningNova) -> None:
    """AMB-33: the key of the last event seen is where the next stream begins, exclusively."""
    async with await Client.to_core(filled.data) as client:
        seen: list[int] = []
        last_key = None
        async for chunk in client.stream("REPLAY", start_time=at(0), rate=1e4):
            seen += [number(event) for event in chunk.events]
            last_key = chunk.last_key or last_key
            if len(seen) > 50:
                break
        rest = client.stream("REPLAY", start_time=at(0), rate="max", after_key=last_key)
        seen += [number(event) async for chunk in rest for event in chunk.events]
    assert seen == list(range(COUNT))


async def test_live_follows_what_is_published_meanwhile(nova: RunningNova) -> None:
    """AMB-34: history, then the tail, over real processes."""
    async with await Client.to_core(nova.data) as client:
        stream = client.stream("LIVE", start_time=at(0))
        publishing = asyncio.create_task(fill(nova.publish))
        seen: list[int] = []
        async for chunk in stream:
            seen += [number(event) for event in chunk.events]
            if len(seen) == COUNT:
                break
        await publishing
    assert seen == list(range(COUNT))


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (Query(start_time="yesterday"), "badTime"),
        (Query(start_time=at(2), stop_time=at(1)), "badRange"),
        (Query(after_key="00"), "badKey"),
        (messages.StartStream(playback_request_id="x", timeline_mode="REPLAY", rate=0), "badRate"),
        (messages.StartStream(playback_request_id="x", timeline_mode="LIVE", rate=-1), "badRate"),
    ],
    ids=str,
)
async def test_errors_are_typed_and_end_nothing(
    filled: RunningNova, message: messages.Message, code: str
) -> None:
    """Each bad request gets one error with its ref; the connection serves on."""
    async with await Client.to_core(filled.data) as client:
        with pytest.raises(ProtocolError) as caught:
            await client.request(message, messages.StatusResponse)
        assert caught.value.code == code
        assert (await client.status()).events == COUNT + MANIFESTS


async def test_garbage_frames_are_answered(filled: RunningNova) -> None:
    """Pitfalls row 29: what is no request gets an error with its ref, if it has one."""
    connector = aiohttp.UnixConnector(str(endpoints.reader_socket(filled.data)))
    async with aiohttp.ClientSession(connector=connector) as session:
        socket = await session.ws_connect("http://localhost/")
        for frame in (
            "",
            "{",
            "[]",
            '{"type":"fly","ref":7}',
            '{"type":"query","limit":0,"ref":7}',
        ):
            await socket.send_str(frame)
            answer = msgspec.json.decode(await socket.receive_str(), type=dict[str, object])
            assert answer["type"] == "error" and answer["code"] == "badRequest"
            assert answer.get("ref") == (7 if "7" in frame else None)
        await socket.send_bytes(b"\xff\x00")
        assert "badRequest" in await socket.receive_str()
        await socket.close()


async def test_a_client_is_told_when_the_core_goes(nova: RunningNova) -> None:
    """Nobody waits for what cannot come."""
    async with await Client.to_core(nova.data) as client:
        stream = client.stream("LIVE")
        await anext(stream)
        await asyncio.to_thread(nova.stop)
        with pytest.raises(ConnectionLostError):
            async for _ in stream:
                pass
