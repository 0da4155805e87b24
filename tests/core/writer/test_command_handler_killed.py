"""The writer killed at each step of a command, on every transport.

What is held to: nothing is sent that is not recorded, nothing is sent twice, and what is recorded
either was heard or has a failure that says so; whatever was answered is there.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from nova.core import commit_feed
from nova.core.commit_feed import LinkStates
from nova.core.errors import RequestError
from nova.core.server.submission_client import SubmissionClient
from nova.core.store.archive import Archive
from nova.core.submission_messages import Principal
from nova.sdk import endpoints
from nova.sdk.producer.producer import Producer
from nova.sdk.protocol.submission import CommandAck, SubmitCommand
from nova.sdk.transport.base import Transport, connect
from nova.testkit.test_server import BackendServer
from tests.core.commanding import Ears, command, descriptor, listening
from tests.core.writer.killed import KilledWriter

START_TIMEOUT_S = 60.0
STEPS = 16
"""More than one command has: some writers live through their trial and are killed at its end."""

TOGETHER = 3
OPERATOR = Principal("ann", "operator")


class Trials:
    """Writers that follow each other on one archive, and the client that always tries again."""

    def __init__(self, data: Path, url: str, scope_id: str, ears: Ears) -> None:
        self.data = data
        self.scope_id = scope_id
        self.ears = ears
        self.asked: dict[str, SubmitCommand] = {}
        self.answered: set[str] = set()
        self.kills = 0
        self._url = url
        self._unanswered: list[SubmitCommand] = []

    @asynccontextmanager
    async def writer(self, step: int) -> AsyncIterator[KilledWriter]:
        """A writer that dies at a step; killed at the end if it has not."""
        async with KilledWriter(self.data, self.scope_id, step, self._url) as process:
            async with asyncio.timeout(START_TIMEOUT_S):
                assert await process.has_started(), "the writer did not start"
                await linked(self.data)
            yield process
        self.kills += 1

    async def submit(self, messages: Iterable[SubmitCommand]) -> None:
        """Submit all at once; what is not answered is submitted again in the next trial."""
        submitter = SubmissionClient(endpoints.writer_socket(self.data))
        try:
            await asyncio.gather(*(self._submit(submitter, message) for message in messages))
        finally:
            await submitter.close()

    async def _submit(self, submitter: SubmissionClient, message: SubmitCommand) -> None:
        self.asked[message.request_id] = message
        try:
            reply = await submitter.submit(OPERATOR, message)
        except RequestError as error:
            assert error.code == "writerAway"
            self._unanswered.append(message)
            return
        assert isinstance(reply, CommandAck), reply
        assert not reply.mismatch
        self.answered.add(message.request_id)

    def new(self, count: int) -> list[SubmitCommand]:
        """Commands that nobody has submitted before."""
        return [command(scope_id=self.scope_id) for _ in range(count)]

    def has_unanswered(self) -> bool:
        """Whether some of this trial's submissions were not answered: its writer is dying."""
        return bool(self._unanswered)

    def again(self) -> list[SubmitCommand]:
        """What nobody has answered yet."""
        again, self._unanswered = self._unanswered, []
        return again


async def linked(data: Path) -> None:
    """Return once the writer has reached its transport."""
    connector = aiohttp.UnixConnector(str(endpoints.writer_socket(data)))
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.ws_connect("http://localhost/") as socket,
    ):
        async for message in socket:
            news = commit_feed.FRAMES.decode(message.data)
            if isinstance(news, LinkStates) and all(s.connected for s in news.states.values()):
                return


async def until_alone(ready: asyncio.Event, is_local: bool) -> None:
    """Over the local transport the writer is the server: wait until its end has been noticed."""
    while is_local and ready.is_set():
        await asyncio.sleep(0.005)


async def run_trials(url: str, data: Path, steps: Iterable[int]) -> Trials:
    """One writer after the other, each dying at its step, and one that lives at the end."""
    is_local, scope = url.startswith("local:"), f"k{uuid.uuid4().hex[:16]}"
    device = connect(url)
    ready = asyncio.Event()
    try:
        async with listening(device, scope, ready=ready, wait=not is_local) as ears:
            trials = Trials(data, url, scope, ears)
            await announce(trials, device)
            for step in steps:
                await until_alone(ready, is_local)
                async with trials.writer(step) as process:
                    await ready.wait()
                    await trials.submit([*trials.again(), *trials.new(TOGETHER)])
                    if trials.has_unanswered():
                        await process.wait()
            await until_alone(ready, is_local)
            async with trials.writer(0):
                await ready.wait()
                await trials.submit(trials.again())
                (last,) = trials.new(1)
                await trials.submit([last])
                await ears.until(last.request_id)
            return trials
    finally:
        await device.close()


async def announce(trials: Trials, device: Transport) -> None:
    """Let the first writer learn what the device can do."""
    async with trials.writer(0):
        await Producer(device, trials.scope_id).publish([descriptor(scope_id=trials.scope_id)])
        async with asyncio.timeout(START_TIMEOUT_S):
            submitter = SubmissionClient(endpoints.writer_socket(trials.data))
            while True:
                reply = await submitter.submit(
                    OPERATOR, command(scope_id=trials.scope_id, command_type="unheard-of")
                )
                if getattr(reply, "code", "") == "unknownCommand":
                    break
                await asyncio.sleep(0.02)
            await submitter.close()


def commands_in(data: Path) -> list[dict[str, Any]]:
    """All that the archive holds of commands, in the order of its arrival."""
    archive = Archive.open_primary(data)
    try:
        rows = archive.events.scan("canonical")
        events = [msgspec.json.decode(stored) for _, stored in rows]
        left = archive.record.dispatches()
    finally:
        archive.close()
    assert len(left) <= 1, "at most the last one's end may not have been written"
    return [event for event in events if event["lane"] == "command"]


def check(trials: Trials) -> Counter[str]:
    """Hold what was heard and what is recorded to the law; how the commands ended."""
    events = commands_in(trials.data)
    requests = Counter(e["requestId"] for e in events if e["messageType"] == "CommandRequest")
    of_command = {e["commandId"]: e["requestId"] for e in events if "requestId" in e}
    failures = {
        of_command[e["commandId"]]: e["errorMessage"]
        for e in events
        if e["messageType"] == "CommandResult"
    }
    results = Counter(e["commandId"] for e in events if e["messageType"] == "CommandResult")
    heard = Counter(trials.ears.requests())
    assert set(requests) == set(trials.asked)
    assert set(requests.values()) == {1}, "recorded twice"
    assert set(heard) <= set(requests), "sent and not recorded"
    assert set(heard.values()) == {1}, "sent twice"
    assert set(results.values()) <= {1}
    assert trials.answered == set(trials.asked)
    ends: Counter[str] = Counter()
    for request_id in requests:
        failure = failures.get(request_id)
        if failure is None:
            assert request_id in heard, "neither sent nor ended"
            ends["sent"] += 1
        elif failure.startswith("not dispatched"):
            assert request_id not in heard
            ends["not dispatched"] += 1
        else:
            assert "may have been sent or not" in failure
            ends["heard all the same" if request_id in heard else "unknown"] += 1
    return ends


@pytest.fixture
def folder() -> Iterable[Path]:
    """A data folder whose path is short enough for its sockets."""
    with tempfile.TemporaryDirectory(prefix="nova-") as name:
        yield Path(name)


async def test_each_step_once_on_local(folder: Path) -> None:
    """A-173, A-184, A-188, AMB-24, pitfalls row 32: a kill at each, and each kind of end is met."""
    trials = await run_trials(f"local://{folder}", folder, range(1, STEPS + 1))
    ends = check(trials)
    assert trials.kills >= STEPS
    assert ends["sent"] and ends["not dispatched"]
    assert ends["unknown"] + ends["heard all the same"]


@pytest.mark.kafka
async def test_some_steps_on_kafka(folder: Path, kafka_broker: BackendServer) -> None:
    """The same where a broker carries what is sent."""
    check(await run_trials(kafka_broker.url, folder, range(3, STEPS, 4)))


@pytest.mark.nats
async def test_some_steps_on_nats(folder: Path, nats_server: BackendServer) -> None:
    """The same where a stream carries what is sent."""
    check(await run_trials(nats_server.url, folder, range(2, STEPS, 4)))


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("transport", ["local", "kafka", "nats"])
async def test_two_hundred_kills(
    transport: str, folder: Path, request: pytest.FixtureRequest
) -> None:
    """200 kills, no dispatch without a record, no second dispatch, no loose end."""
    fixtures = {"kafka": "kafka_broker", "nats": "nats_server"}
    name = fixtures.get(transport)
    url = f"local://{folder}" if name is None else request.getfixturevalue(name).url
    chance = random.Random(7)
    trials = await run_trials(url, folder, [chance.randint(1, STEPS) for _ in range(200)])
    check(trials)
    assert trials.kills >= 200
