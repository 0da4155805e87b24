"""Viewers of `nova foxglove` get what NOVA's own stream has: the same events, order and times."""

from __future__ import annotations

import asyncio
import hashlib
import math
from typing import Any

import msgspec

from nova.foxglove.gateway import PlaybackRange
from nova.sdk import timestamps
from nova.sdk.client.client import Client
from nova.sdk.events.observation import Entity
from nova.sdk.producer.producer import Producer
from nova.sdk.protocol.messages import Filters, Timebase
from nova.sdk.transport.base import connect
from nova.testkit.running_nova import RunningNova
from tests.edge.read_api.http_reader import START_NS, HttpReader, at
from tests.foxglove.gateways import (
    FAR,
    PANEL,
    PLAYED,
    RAW,
    SECOND_NS,
    SPAN_S,
    A,
    B,
    viewer_of,
)
from tests.foxglove.viewer_client import ENDED, PAUSED, PLAYING, Received


async def streamed(
    api: HttpReader, timebase: Timebase = "source", rate: float | str = "max", **filters: Any
) -> list[bytes]:
    """The stored envelopes of NOVA's own stream of the range."""
    times = (at(0), at(SPAN_S))
    start, stop = reversed(times) if str(rate).startswith("-") else times
    async with await Client.to_edge(api.url, api.keys["all"]) as client:
        stream = client.stream(
            "REPLAY",
            start_time=start,
            stop_time=stop,
            rate=rate,  # type: ignore[arg-type]
            timebase=timebase,
            filters=Filters(**filters),
        )
        return [bytes(event) async for chunk in stream for event in chunk.events]


def digest(events: list[bytes]) -> str:
    """One digest of all eventIds, as exports have it."""
    ids = "".join(msgspec.json.decode(event)["eventId"] for event in events)
    return hashlib.sha256(ids.encode()).hexdigest()


def source_ns(received: Received) -> int:
    return timestamps.parse(received.event["sourceTruthTime"])


def test_a_played_range_is_that_of_the_stream(api: HttpReader) -> None:
    """All lanes of a scope: the same bytes in the same order, with their source times."""

    async def played() -> None:
        async with viewer_of(api, played=PLAYED) as viewer:
            assert viewer.info["capabilities"] == ["time", "playbackControl"]
            begin = {"sec": START_NS // SECOND_NS, "nsec": 0}
            assert viewer.info["dataStartTime"] == begin
            assert viewer.info["dataEndTime"] == {**begin, "sec": begin["sec"] + SPAN_S}
            await viewer.subscribe(A, B, PANEL, RAW)
            state = await viewer.control(play=True, speed=math.inf)
            assert (state.status, state.did_seek) == (PLAYING, False)
            await viewer.until_ended()
            expected = await streamed(
                api, scope_ids=["alpha"], lanes=["ui", "parsed", "raw"], container_id="eps"
            )
            got = [one.data for one in viewer.messages]
            assert digest(got) == digest(expected)
            assert got == expected and len(got) > SPAN_S
            assert [one.log_ns for one in viewer.messages] == list(map(source_ns, viewer.messages))
            assert viewer.times[-1] == START_NS + SPAN_S * SECOND_NS
            assert viewer.states[-1].time_ns == START_NS + SPAN_S * SECOND_NS
            assert viewer.faults == []

    asyncio.run(played())


def test_receive_times_are_an_option(api: HttpReader) -> None:
    async def received() -> None:
        wide = PlaybackRange(START_NS)
        async with viewer_of(api, log_timebase="canonical", played=wide) as viewer:
            await viewer.subscribe(A)
            await viewer.control(play=True, speed=math.inf)
            await viewer.until_ended()
            stamps = [one.event["canonicalTruthTime"] for one in viewer.messages]
            assert len(stamps) > SPAN_S
            assert [one.log_ns for one in viewer.messages] == list(map(timestamps.parse, stamps))

    asyncio.run(received())


def test_backwards_is_the_reverse(api: HttpReader) -> None:
    async def reversed_() -> None:
        async with viewer_of(api, played=PLAYED) as viewer:
            await viewer.subscribe(A)
            end = START_NS + SPAN_S * SECOND_NS
            state = await viewer.control(play=True, speed=-math.inf, seek_ns=end + 1)
            assert (state.did_seek, state.time_ns) == (True, end)
            await viewer.until_ended()
            backwards = await streamed(
                api, rate="-max", scope_ids=["alpha"], lanes=["parsed"], unique_id="a"
            )
            assert [one.data for one in viewer.messages] == backwards
            assert viewer.states[-1].time_ns == START_NS

    asyncio.run(reversed_())


def test_pauses_and_more_subscriptions_neither_lose_nor_repeat(api: HttpReader) -> None:
    """A is whole, whatever happens in between; B begins where it was subscribed to."""

    async def interrupted() -> None:
        async with viewer_of(api, played=PLAYED) as viewer:
            await viewer.subscribe(A)
            assert viewer.messages == [] and viewer.states[0].status == PAUSED
            await viewer.control(play=True, speed=200)
            await viewer.until(messages=20)
            paused = await viewer.control(play=False, speed=200)
            assert paused.status == PAUSED and START_NS < paused.time_ns <= viewer.times[-1]
            await viewer.hear_nothing(0.2)
            await viewer.control(play=True, speed=500)
            await viewer.until(messages=40)
            await viewer.subscribe(B)
            await viewer.until(messages=60)
            await viewer.control(play=True, speed=math.inf)
            await viewer.until_ended()
            expected = await streamed(
                api, scope_ids=["alpha"], lanes=["parsed"], container_id="eps"
            )
            of_b = [one.data for one in viewer.messages if one.topic == B]
            assert 0 < len(of_b) < SPAN_S // 2
            whole = [one for one in expected if b'"uniqueId":"a"' in one or one in of_b]
            assert [one.data for one in viewer.messages] == whole
            assert of_b == [one for one in expected if b'"uniqueId":"b"' in one][-len(of_b) :]
            assert (await viewer.control(play=True)).status == ENDED
            sought = await viewer.control(play=False, seek_ns=START_NS + 7)
            assert (sought.status, sought.time_ns) == (PAUSED, START_NS + 7)

    asyncio.run(interrupted())


def test_the_clock_runs_without_subscriptions(api: HttpReader) -> None:
    async def running() -> None:
        async with viewer_of(api, played=PLAYED) as viewer:
            await viewer.control(play=True, speed=1000)
            await viewer.until_ended()
            assert len(viewer.times) > 2 and viewer.times == sorted(viewer.times)
            assert viewer.messages == []

    asyncio.run(running())


def test_schemas_say_the_kinds_of_fields(api: HttpReader) -> None:
    async def advertised() -> None:
        async with viewer_of(api) as viewer:
            await viewer.until(A, PANEL)
            found = {one["topic"]: one for one in viewer.channels.values()}
            assert (found[A]["encoding"], found[A]["schemaEncoding"]) == ("json", "jsonschema")
            assert found[A]["schemaName"] == "nova.parsed.Count"
            schema = msgspec.json.decode(found[A]["schema"])
            assert schema["properties"]["payload"]["properties"] == {
                "even": {"type": "boolean"},
                "mode": {"type": "string"},
                "n": {"type": "number"},
                "x": {"type": "string"},
            }
            panel = msgspec.json.decode(found[PANEL]["schema"])
            assert panel["properties"]["data"]["properties"] == {"n": {"type": "number"}}

    asyncio.run(advertised())


def test_the_present_comes_as_it_is_received(nova: RunningNova, api: HttpReader) -> None:
    """Also of a series that is new, and without a gap where another channel is added."""

    async def live() -> None:
        transport = connect(nova.publish)
        producer = Producer(transport, "alpha")

        async def send(unit: str, *numbers: int) -> None:
            now = producer.observe(Entity("bus", "live", unit), START_NS - SECOND_NS)
            await producer.send([now.parsed("Now", {"n": number}) for number in numbers])

        topics = [f"/alpha/parsed/bus/live/{unit}/Now" for unit in ("x", "y")]
        async with viewer_of(api, discover_interval_s=0.05) as viewer:
            assert viewer.info["capabilities"] == []
            await send("x", 0)
            await send("y", 0)
            await viewer.subscribe(topics[0])
            for number in range(1, 4):
                await send("x", number)
                await send("y", number)
            await viewer.until(messages=3)
            await viewer.subscribe(topics[1])
            for number in range(4, 7):
                await send("x", number)
                await send("y", number)
            while not {(topic, 6) for topic in topics} <= {
                (one.topic, one.event["payload"]["n"]) for one in viewer.messages
            }:
                await viewer.receive()
            of_x = [one.event["payload"]["n"] for one in viewer.messages if one.topic == topics[0]]
            of_y = [one.event["payload"]["n"] for one in viewer.messages if one.topic == topics[1]]
            assert of_x[-6:] == list(range(1, 7)) and len(set(of_x)) == len(of_x)
            assert of_y[-3:] == [4, 5, 6] and len(set(of_y)) == len(of_y)
            assert {one.log_ns for one in viewer.messages} == {START_NS - SECOND_NS}
            await viewer.unsubscribe(topics[0])
            await viewer.unsubscribe(topics[1])
            await send("x", 9)
            await viewer.hear_nothing(0.2)
        await transport.close()

    asyncio.run(live())


def test_one_scope_is_all_that_its_key_sees(api: HttpReader) -> None:
    async def limited() -> None:
        async with viewer_of(api, "alpha-only", played=PLAYED) as viewer:
            await viewer.subscribe(A)
            await viewer.control(play=True, speed=math.inf)
            await viewer.until_ended()
            assert {one["topic"].split("/")[1] for one in viewer.channels.values()} == {"alpha"}
            assert viewer.messages
        async with viewer_of(api, "parsed-only", filters=Filters(scope_ids=["beta"])) as viewer:
            await viewer.until(FAR)
            heads = {tuple(one["topic"].split("/")[1:3]) for one in viewer.channels.values()}
            assert heads == {("beta", "parsed")}

    asyncio.run(limited())


GARBAGE: dict[str, str | bytes] = {
    "no JSON": "{",
    "no object": "[]",
    "deep JSON": "[" * 100_000,
    "no such op": '{"op":"fly"}',
    "no subscriptions": '{"op":"subscribe"}',
    "an id of another type": '{"op":"subscribe","subscriptions":[{"id":"1","channelId":1}]}',
    "a large id": '{"op":"unsubscribe","subscriptionIds":[4294967296]}',
    "no channel": '{"op":"subscribe","subscriptions":[{"id":1,"channelId":-1}]}',
    "no subscription": '{"op":"unsubscribe","subscriptionIds":[77]}',
    "published channels": '{"op":"advertise","channels":[]}',
    "parameters": '{"op":"setParameters","parameters":[]}',
    "assets": '{"op":"fetchAsset","uri":"package://x","requestId":1}',
    "an empty frame": b"",
    "a published message": b"\x01\x00\x00\x00\x00{}",
    "a service call": b"\x02" + bytes(12),
    "an unknown opcode": b"\xff",
    "a short control": b"\x03\x00",
    "a cut control": b"\x03\x00" + bytes(13) + b"\xff\xff\xff\xff",
    "an unknown command": b"\x03\x09" + bytes(17),
    "an id that is no text": b"\x03\x00" + bytes(13) + b"\x01\x00\x00\x00\xff",
    "no speed": b"\x03\x00" + bytes(17),
}


def test_garbage_gets_one_error_each(api: HttpReader) -> None:
    """The connection stays open, and the playback stays where it is."""

    async def wrong() -> None:
        async with viewer_of(api, played=PLAYED) as viewer:
            for count, (kind, frame) in enumerate(GARBAGE.items(), 1):
                if isinstance(frame, str):
                    await viewer.socket.send_str(frame)
                else:
                    await viewer.socket.send_bytes(frame)
                await viewer.until(faults=count)
                assert len(viewer.faults) == count and len(viewer.faults[-1]) < 500, kind
            await viewer.subscribe(A)
            assert (await viewer.control(play=True, speed=math.inf)).time_ns == START_NS
            await viewer.until_ended()
            assert len(viewer.messages) > SPAN_S // 2 and len(viewer.faults) == len(GARBAGE)

    asyncio.run(wrong())


def test_the_present_is_not_played(api: HttpReader) -> None:
    async def present() -> None:
        async with viewer_of(api) as viewer:
            await viewer.socket.send_bytes(b"\x03\x00\x00\x00\x80\x3f" + bytes(13))
            await viewer.until(faults=1)
            assert "--from" in viewer.faults[0]

    asyncio.run(present())
