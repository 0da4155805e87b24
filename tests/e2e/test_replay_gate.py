"""Nothing leaves from a replay: thousands of attempts, through the edge and past it.

Each attempt has to be answered by an error with a code, none may reach the device or the archive,
and a command from LIVE has to come through before and after, so that silence proves something.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec
import pytest
from aiohttp import WSMsgType

from nova.sdk import endpoints
from nova.sdk.client.client import Client, login
from nova.sdk.producer.producer import Producer
from nova.sdk.protocol import messages
from nova.sdk.protocol.messages import Auth, Filters, Query, StartStream, TimelineMode
from nova.sdk.protocol.submission import AcknowledgeAlarm, SubmitChat
from nova.sdk.transport.base import connect
from nova.testkit.running_nova import PASSWORD, RunningNova, running_nova
from tests.core.commanding import HEATER, SCOPE, command, descriptor, listening

WAIT_S = 60.0
CONNECTIONS = 8
Socket = aiohttp.ClientWebSocketResponse
FORGED = ('"live"', '"Live"', '"LIVE "', "null", "1", '["LIVE"]', '"REPLAY\\u0000"')


@pytest.fixture(scope="module")
def nova(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNova]:
    """One NOVA of one scope for the module."""
    with running_nova(tmp_path_factory.mktemp("nova") / "data", "--scope", SCOPE) as nova:
        yield nova
        nova.kill()


class Attempts:
    """One connection that tries, in pipelined frames, and what each attempt was answered."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, chance: random.Random) -> None:
        self._socket = socket
        self._chance = chance
        self._streams = 0
        self._refs = 0

    async def run(self, count: int) -> Counter[str]:
        """This many attempts; the codes of their answers."""
        answering = asyncio.create_task(self._answers(count))
        while self._refs < count:
            await self._some()
        async with asyncio.timeout(WAIT_S):
            return await answering

    async def _some(self) -> None:
        """A few attempts in one of the ways that somebody may think of."""
        way = self._chance.randrange(5)
        if way == 0:  # At the switch into a replay, without waiting for its answer.
            await self._start("LIVE")
            await self._start("REPLAY")
            await self._attempt("LIVE")
        elif way == 1:  # Just before going back to LIVE.
            await self._start("REPLAY")
            await self._attempt("LIVE")
            await self._start("LIVE")
            await self._attempt("REPLAY")
        elif way == 2:  # In a replay that is paused.
            await self._start("REPLAY")
            await self._send('{"type":"cancelStream"}')
            await self._attempt("LIVE")
        elif way == 3:  # LIVE, with a request that says otherwise.
            await self._start("LIVE")
            await self._attempt("REPLAY")
        else:  # With a mode that is none.
            await self._start("REPLAY")
            await self._attempt("LIVE", self._chance.choice(FORGED))

    async def _start(self, mode: TimelineMode) -> None:
        self._streams += 1
        stream = StartStream(playback_request_id=f"p{self._streams}", timeline_mode=mode)
        await self._send(messages.encode(stream).decode())

    async def _attempt(self, mode: TimelineMode, forged: str | None = None) -> None:
        self._refs += 1
        message = self._chance.choice(
            (
                command(timeline_mode=mode),
                command(timeline_mode=mode, request_id="the-same", command_id="the-same"),
                SubmitChat(scope_id=SCOPE, content="psst", timeline_mode=mode),
                AcknowledgeAlarm(
                    scope_id=SCOPE,
                    system_id=HEATER.system_id,
                    container_id=HEATER.container_id,
                    unique_id=HEATER.unique_id,
                    view_id="v",
                    key="k",
                    severity="warning",
                    since="2026-01-01T00:00:00Z",
                    timeline_mode=mode,
                ),
            )
        )
        message.ref = self._refs
        frame = messages.encode(message).decode()
        if forged is not None:
            frame = frame.replace(f'"timelineMode":"{mode}"', f'"timelineMode":{forged}')
        await self._send(frame)

    async def _send(self, frame: str) -> None:
        await self._socket.send_str(frame)

    async def _answers(self, count: int) -> Counter[str]:
        found: dict[int, str] = {}
        while len(found) < count:
            message = await self._socket.receive()
            assert message.type is WSMsgType.TEXT, message
            reply = messages.decode_reply(message.data)
            if isinstance(reply.ref, int):
                assert isinstance(reply, messages.Error), reply
                found[reply.ref] = reply.code
        return Counter(found.values())


@asynccontextmanager
async def through_the_edge(nova: RunningNova, token: str) -> AsyncIterator[Socket]:
    """A connection with a token that was given while its user was LIVE."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{nova.url}/ws", max_msg_size=0) as socket,
    ):
        await socket.send_str(messages.encode(Auth(token=token)).decode())
        await socket.receive()
        yield socket


@asynccontextmanager
async def past_the_edge(nova: RunningNova, _: str) -> AsyncIterator[Socket]:
    """A connection to the reader itself, where only the Core can refuse."""
    connector = aiohttp.UnixConnector(str(endpoints.reader_socket(nova.data)))
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.ws_connect("http://localhost/", max_msg_size=0) as socket,
    ):
        yield socket


async def lane(client: Client) -> list[dict[str, object]]:
    """All that can be submitted and was recorded."""
    filters = Filters(message_types=["CommandRequest", "ChatMessage", "AlarmAction"])
    return [msgspec.json.decode(event) async for event in client.query(Query(filters=filters))]


@pytest.mark.parametrize("way", [through_the_edge, past_the_edge], ids=lambda way: way.__name__)
@pytest.mark.parametrize(
    "attempts", [1_000, pytest.param(10_000, marks=[pytest.mark.slow, pytest.mark.timeout(600)])]
)
async def test_nothing_leaves_from_a_replay(nova: RunningNova, attempts: int, way: object) -> None:
    """A-174, A-175, A-190, AMB-28: in replay, at its switches, with forged modes and with tokens
    from LIVE times.
    """
    opened = through_the_edge if way is through_the_edge else past_the_edge
    token = await login(nova.url, "admin", PASSWORD)
    device = connect(nova.publish)
    await Producer(device, SCOPE).publish([descriptor()])
    async with await Client.to_edge(nova.url, token) as live, listening(device) as ears:
        before, known = command(), len(await lane(live))
        await live.submit_command(before)

        async def attempt(number: int) -> Counter[str]:
            async with opened(nova, token) as socket:
                return await Attempts(socket, random.Random(number)).run(attempts // CONNECTIONS)

        codes: Counter[str] = Counter()
        for found in await asyncio.gather(*(attempt(number) for number in range(CONNECTIONS))):
            codes += found
        after = command()
        await live.submit_command(after)
        await ears.until(after.request_id)
        assert ears.requests() == [before.request_id, after.request_id]
        assert len(await lane(live)) == known + 2
    await device.close()
    assert codes.keys() == {"replayRefused", "badRequest"}
    assert codes.total() >= attempts // CONNECTIONS * CONNECTIONS


async def test_refused_attempts_are_counted(nova: RunningNova) -> None:
    """AMB-28: in the metrics of edge and Core."""
    token = await login(nova.url, "admin", PASSWORD)
    for opened in (through_the_edge, past_the_edge):
        async with opened(nova, token) as socket:
            await Attempts(socket, random.Random(1)).run(20)
    asking = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession(headers=asking) as session,
        session.get(f"{nova.url}/metrics") as reply,
    ):
        lines = (await reply.text()).splitlines()
    for at in ("edge", "core"):
        labels = f'at="{at}",kind="submitCommand",outcome="replayRefused"'
        (line,) = [line for line in lines if line.startswith("nova_submissions_total{" + labels)]
        assert float(line.split()[-1]) > 0


def test_the_folder_is_the_instance(nova: RunningNova, tmp_path: Path) -> None:
    """The socket past the edge is its owner's alone, which is why its users are trusted."""
    folder = endpoints.reader_socket(nova.data).parent
    assert folder.stat().st_mode & 0o077 == 0
