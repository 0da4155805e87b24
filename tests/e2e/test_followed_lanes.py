"""Programs follow any lane through an edge, live and replayed; pages of browsers do not."""

from __future__ import annotations

import asyncio
import select
import subprocess
import sys
from collections.abc import Iterator, Sequence

import aiohttp
import msgspec
import pytest

from nova.sdk import BlockingClient, Client, Entity, Filters, Producer, connect, login
from nova.sdk.field_types import Lane
from nova.sdk.protocol import messages
from nova.sdk.protocol.admin import AddKey, KeyChanged
from nova.sdk.protocol.messages import Auth, Error, Query, StartStream
from nova.testkit.running_nova import PASSWORD, RunningNova, running_nova
from tests.examples.installed import EXAMPLES

COUNT = 400
LANES: list[Lane] = ["parsed", "raw"]
UNIT = Entity("bus", "eps", "a")


async def publish(url: str, first: int = 0, count: int = COUNT) -> None:
    """A frame, and the value that it decodes to, of each moment."""
    transport = connect(url)
    producer = Producer(transport, "sat")
    events = []
    for number in range(first, first + count):
        now = producer.observe(UNIT, 1_767_225_600_000_000_000 + number)
        frame = number.to_bytes(4, "big")
        events += [now.raw(frame), now.parsed("Count", {"n": number})]
    await producer.send(events)
    await transport.close()


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNova]:
    """A NOVA to which the tests of this file add."""
    with running_nova(tmp_path_factory.mktemp("busy") / "data", "--scope", "sat") as running:
        asyncio.run(publish(running.publish))
        yield running
        running.kill()


async def add_key(url: str, name: str, lanes: Sequence[Lane] | None = None) -> str:
    """The secret of a new key."""
    async with await Client.log_in(url, "admin", PASSWORD) as admin:
        key = AddKey(name=name, role="viewer", lanes=None if lanes is None else list(lanes))
        return (await admin.request(key, KeyChanged)).secret or ""


async def replayed(client: Client, lanes: list[Lane] | None) -> list[bytes]:
    """All events that a replay streams, as fast as it goes."""
    stream = client.stream("REPLAY", rate="max", filters=Filters(lanes=lanes, system_id="bus"))
    return [bytes(event) async for chunk in stream for event in chunk.events]


async def test_a_program_replays_what_the_core_does(busy: RunningNova) -> None:
    """The same bytes in the same order, for a user as for a key; a key within its lanes."""
    async with await Client.to_core(busy.data) as client:
        whole = await replayed(client, LANES)
    assert len(whole) >= 2 * COUNT
    tokens = await login(busy.url, "admin", PASSWORD), await add_key(busy.url, "both")
    for token in tokens:
        async with await Client.to_edge(busy.url, token) as client:
            assert await replayed(client, LANES) == whole
            assert await replayed(client, None) == []
    async with await Client.to_edge(busy.url, await add_key(busy.url, "one", ["raw"])) as client:
        assert await replayed(client, LANES) == [one for one in whole if b'"lane":"raw"' in one]


async def test_a_program_follows_the_present(busy: RunningNova) -> None:
    """What is published meanwhile arrives once and in order, also where it is read slowly."""
    seen: list[int] = []
    async with await Client.to_edge(busy.url, await add_key(busy.url, "live")) as client:
        stream = client.stream("LIVE", timebase="canonical", filters=Filters(lanes=["parsed"]))
        assert (await anext(stream)).events == []
        publishing = asyncio.create_task(publish(busy.publish, COUNT))
        async for chunk in stream:
            await asyncio.sleep(0.01 if chunk.events else 0)
            for event in chunk.events:
                members = msgspec.json.decode(event, type=dict[str, msgspec.Raw])
                seen.append(msgspec.json.decode(members["payload"])["n"])
            if len(seen) == COUNT:
                break
        await publishing
    assert seen == list(range(COUNT, 2 * COUNT))


async def test_a_page_of_a_browser_streams_what_it_shows(busy: RunningNova) -> None:
    """Its handshake has an Origin, which no program sends; it queries the other lanes."""
    token = await login(busy.url, "admin", PASSWORD)
    raw = StartStream(
        playback_request_id="p", timeline_mode="REPLAY", filters=Filters(lanes=["raw"])
    )
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(f"{busy.url}/ws", headers={"Origin": busy.url}) as page,
    ):
        for request in (Auth(token=token), raw, Query(limit=1, filters=Filters(lanes=["raw"]))):
            await page.send_str(messages.encode(request).decode())
        await page.receive()
        refused = messages.decode_reply((await page.receive()).data)
        assert isinstance(refused, Error) and refused.code == "lanesNotStreamed"
        answered = messages.decode_reply((await page.receive()).data)
        assert isinstance(answered, messages.QueryResponse) and len(answered.events) == 1


def test_the_example_follows_by_a_key(busy: RunningNova) -> None:
    """`examples/follow_plain.py`, and the client that it uses."""
    key = asyncio.run(add_key(busy.url, "example"))
    with BlockingClient.to_edge(busy.url, key) as client:
        frames = client.stream("REPLAY", rate="max", filters=Filters(lanes=["raw"]))
        assert sum(len(chunk.events) for chunk in frames) >= COUNT
    program = [sys.executable, str(EXAMPLES / "follow_plain.py"), busy.url, key]
    with subprocess.Popen(program, stdout=subprocess.PIPE) as process:
        try:
            number, line = 10 * COUNT, b""
            while not line:
                asyncio.run(publish(busy.publish, number, 1))
                number += 1
                line = first_line(process, 0.5)
            assert b"a {'n': " in line
        finally:
            process.kill()


def first_line(process: subprocess.Popen[bytes], wait_s: float) -> bytes:
    """What a process prints, empty if nothing comes in time."""
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], wait_s)
    return process.stdout.readline() if ready else b""
