"""Nothing leaves from the past, whatever is done there: generated sequences of starts, refusals,
requests that are too large, lost readers, pauses and seeks.

Edge, reader and writer are real and meet on real sockets. In between commands from LIVE have to
come through, so that silence proves something.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import aiohttp
import msgspec
import pytest
from aiohttp import hdrs

from nova.edge.edge_config import EdgeLimits
from nova.sdk import endpoints
from nova.sdk.client.client import Client, login
from nova.sdk.errors import ConnectionLostError, NovaError, ProtocolError
from nova.sdk.producer.producer import Producer
from nova.sdk.protocol import messages
from nova.sdk.protocol.messages import Auth, Filters, Query, StartStream, StreamStarted
from nova.sdk.protocol.submission import SubmitCommand
from nova.sdk.request_limit import request_limits
from nova.sdk.timestamps import NS_PER_SECOND, parse
from nova.sdk.transport.base import connect
from nova.testkit.running_nova import PASSWORD, RunningNova, running_nova
from tests.core.commanding import HEATER, SCOPE, Ears, command, descriptor, listening
from tests.core.writer.commanded import commanded
from tests.e2e.cut_line import cut_line
from tests.e2e.prober import PAST, Connect, Prober, Socket
from tests.edge.server import running_edge

PROBERS = 8
CONTROL_EVERY_S = 1.0
KILL_EVERY_S = 4.0
WAIT_S = 120.0
LIMITS = EdgeLimits(
    upstream_retry_min_s=0.005,
    upstream_retry_max_s=0.05,
    # What would leave is not to be held back by anything else.
    requests=request_limits(["submission=1000000/1"]),
)
SUBMITTED = ["CommandRequest", "ChatMessage", "UserNote", "AlarmAction"]


@dataclass
class World:
    """A NOVA, how it is reached, and how the probers lose its reader; None: they do not."""

    url: str
    token: str
    publish: str
    data: Path
    kill: Callable[[], None] | None = None

    async def client(self) -> Client:
        """A client of the edge."""
        return await Client.to_edge(self.url, self.token)

    def through_the_edge(self, session: aiohttp.ClientSession) -> Connect:
        """Connections that are logged in."""

        async def opened() -> Socket:
            # As a page of a browser: programs may stream all lanes LIVE.
            page = {hdrs.ORIGIN: self.url}
            socket = await session.ws_connect(f"{self.url}/ws", max_msg_size=0, headers=page)
            await socket.send_str(messages.encode(Auth(token=self.token)).decode())
            await socket.receive()
            return socket

        return opened


def past_the_edge(session: aiohttp.ClientSession) -> Connect:
    """Connections to the reader itself."""

    async def opened() -> Socket:
        return await session.ws_connect("http://localhost/", max_msg_size=0)

    return opened


@asynccontextmanager
async def in_this_process(tmp_path: Path) -> AsyncIterator[World]:
    """Edge, reader and writer, the line between the first two cut now and then."""
    data = tmp_path / "data"
    publish = f"local://{data}"
    async with commanded(data, publish, SCOPE):
        line_socket = endpoints.run_folder(data) / "line.sock"
        async with (
            cut_line(endpoints.reader_socket(data), line_socket) as line,
            running_edge(tmp_path, line_socket, limits=LIMITS) as edge,
        ):
            yield World(edge.url, await edge.token(), publish, data, line.cut)


async def fill(publish: str) -> None:
    """A past that is worth looking at, of a target that can be commanded."""
    transport = connect(publish)
    producer = Producer(transport, SCOPE)
    times = [parse(PAST) + second * NS_PER_SECOND for second in range(60)]
    views = [producer.observe(HEATER, at).ui("v", "m", "1.0.0", {"n": at % 7}) for at in times]
    await producer.send(views)
    await producer.publish([descriptor()])
    await transport.close()


async def within(done: asyncio.Event, seconds: float) -> None:
    """Wait until it is done, but not for longer."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await done.wait()


class Control:
    """Commands from LIVE, which have to leave, until all else is done and once after that."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.sent: list[str] = []

    async def run(self, done: asyncio.Event) -> None:
        """One now and then."""
        while not done.is_set():
            await self._send(command())
            await within(done, CONTROL_EVERY_S)
        await self._send(command())

    async def _send(self, request: SubmitCommand) -> None:
        """Whatever is lost on the way, in the end it is taken, and once."""
        async with asyncio.timeout(WAIT_S):
            while not await self._is_taken(request):
                await asyncio.sleep(0.05)
        self.sent.append(request.request_id)

    async def _is_taken(self, request: SubmitCommand) -> bool:
        live = StartStream(playback_request_id="live", timeline_mode="LIVE")
        try:
            async with await self._world.client() as client:
                await client.request(live, StreamStarted)
                await client.submit_command(request)
        except ConnectionLostError:
            return False
        except ProtocolError as error:
            # A reader that is lost between stream and command leaves the safe side.
            assert error.code in ("coreUnavailable", "writerAway", "replayRefused"), error
            return False
        return True


async def recorded(world: World) -> list[str]:
    """The requestIds of all commands that are recorded; of chat and alarms the type."""
    query = Query(filters=Filters(message_types=SUBMITTED))
    async with await world.client() as client:
        found = [msgspec.json.decode(event) async for event in client.query(query)]
    return [one.get("requestId", one["messageType"]) for one in found]


async def probe(
    world: World, attempts: int, ears: Ears, harm: Callable[[asyncio.Event], Awaitable[int]]
) -> Counter[str]:
    """All probers at once, the control, and whatever does harm until they are done; returns what
    the attempts were answered.
    """
    to_reader = aiohttp.UnixConnector(str(endpoints.reader_socket(world.data)))
    done, control = asyncio.Event(), Control(world)
    async with (
        aiohttp.ClientSession() as outside,
        aiohttp.ClientSession(connector=to_reader) as inside,
    ):
        edge, reader = world.through_the_edge(outside), past_the_edge(inside)
        probers = [
            Prober(reader, number, kill=None, by_edge=False)
            # Whoever is at the reader itself loses it with its process, and has nothing left.
            if number % 4 == 3 and world.kill is not None
            else Prober(edge, number, kill=world.kill, by_edge=True)
            for number in range(PROBERS)
        ]
        harming = asyncio.ensure_future(harm(done))
        controlling = asyncio.create_task(control.run(done))
        await asyncio.gather(*(prober.run(attempts // PROBERS) for prober in probers))
        done.set()
        harms = await harming
        await controlling
    await ears.until(*control.sent)
    assert [prober.taken for prober in probers] == [[]] * PROBERS
    assert sorted(ears.requests()) == sorted(control.sent)
    assert sorted(await recorded(world)) == sorted(control.sent)
    answers = sum((prober.answers for prober in probers), Counter[str]())
    tricks = sum((prober.tricks for prober in probers), Counter[str]())
    print(f"{attempts} attempts, {harms} processes killed, {len(control.sent)} commands left, LIVE")
    print(f"did {dict(tricks)}")
    print(f"heard {dict(answers)}")
    return answers


async def no_harm(_: asyncio.Event) -> int:
    """The probers do it themselves."""
    return 0


async def kill_readers(nova: RunningNova, done: asyncio.Event) -> int:
    """Kill the reader's process again and again; returns how often."""
    kills = 0
    while not done.is_set():
        with contextlib.suppress(NovaError, ProcessLookupError):  # It may not be back yet.
            os.kill(nova.child("reader"), signal.SIGKILL)
            kills += 1
        await within(done, KILL_EVERY_S)
    return kills


@pytest.mark.parametrize(
    "attempts", [320, pytest.param(10_000, marks=[pytest.mark.slow, pytest.mark.timeout(1_800)])]
)
async def test_nothing_leaves_from_the_past(tmp_path: Path, attempts: int) -> None:
    """A-174, A-175, A-190: no attempt from a replay reaches the device or the archive."""
    async with in_this_process(tmp_path) as world:
        await fill(world.publish)
        device = connect(world.publish)
        async with listening(device) as ears:
            answers = await probe(world, attempts, ears, no_harm)
        await device.close()
    assert answers["replayRefused"] > attempts / 2
    assert answers["internal"] == answers["rateLimited"] == 0


@pytest.mark.parametrize(
    "attempts", [48, pytest.param(480, marks=[pytest.mark.slow, pytest.mark.timeout(1_800)])]
)
async def test_nothing_leaves_while_readers_are_killed(tmp_path: Path, attempts: int) -> None:
    """The same with processes of their own, and SIGKILL."""
    with running_nova(tmp_path / "data", "--scope", SCOPE) as nova:
        token = await login(nova.url, "admin", PASSWORD)
        world = World(nova.url, token, nova.publish, nova.data)
        await fill(nova.publish)
        device = connect(nova.publish)
        async with listening(device) as ears:
            answers = await probe(world, attempts, ears, partial(kill_readers, nova))
        await device.close()
        nova.kill()
    assert answers["replayRefused"] > 0 and answers["coreUnavailable"] > 0
    assert answers["internal"] == answers["rateLimited"] == 0
