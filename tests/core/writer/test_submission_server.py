"""The writer's socket for submissions: principals are checked again, and no frame can harm it."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import WSMsgType

from nova.core import submission_messages
from nova.core.errors import RequestError
from nova.core.server.submission_client import SubmissionClient
from nova.core.submission_messages import Principal, SubmissionRequest
from nova.sdk import endpoints
from nova.sdk.protocol import messages
from nova.sdk.protocol.messages import Error
from nova.sdk.protocol.submission import AcknowledgeAlarm, CommandAck, Role, SubmitChat
from tests.core.commanding import WAIT_S
from tests.core.stuck_disk import StuckDisk
from tests.core.writer.commanded import Commanded


@pytest.fixture
async def submitter(here: Commanded) -> AsyncIterator[SubmissionClient]:
    """A reader's way to the writer."""
    submitter = SubmissionClient(endpoints.writer_socket(here.core.data))
    yield submitter
    await submitter.close()


@pytest.mark.parametrize(
    ("asker", "code"),
    [
        (Principal("ann", "viewer"), "forbidden"),
        (Principal("ann", "operator", "c", True), "replayRefused"),
        (Principal("ann", "admin", "c", True), "replayRefused"),
    ],
)
async def test_the_writer_asks_again(
    here: Commanded, submitter: SubmissionClient, asker: Principal, code: str
) -> None:
    """A-175, pitfalls row 29: whatever the reader has let pass."""
    alarm = AcknowledgeAlarm(
        scope_id=here.scope_id,
        system_id="bus",
        container_id="thermal",
        unique_id="heater",
        view_id="v",
        key="k",
        severity="warning",
        since="2026-01-01T00:00:00Z",
        timeline_mode="LIVE",
    )
    said = SubmitChat(scope_id=here.scope_id, content="psst", timeline_mode="LIVE")
    for what in (here.command(), said, alarm):
        reply = await submitter.submit(asker, what)
        assert isinstance(reply, Error) and reply.code == code
        counted = {(one.kind, one.outcome): one.count for one in submitter.counts()}
        assert counted[str(what.__struct_config__.tag), code] == 1
    assert await here.lane() == []


@pytest.mark.parametrize("role", ["operator", "admin"])
async def test_operators_and_admins_are_taken(
    here: Commanded, submitter: SubmissionClient, role: Role
) -> None:
    """A-176: and counted."""
    reply = await submitter.submit(Principal("ann", role), here.command())
    assert isinstance(reply, CommandAck)
    (count,) = submitter.counts()
    assert (count.kind, count.outcome, count.count) == ("submitCommand", "taken", 1)


async def test_alarms_and_chat_need_what_they_are_about(
    here: Commanded, submitter: SubmissionClient
) -> None:
    """A view that is not there, a time that is none, a scope that nobody has heard of."""
    asker = Principal("ann", "operator")
    alarm = AcknowledgeAlarm(
        scope_id=here.scope_id,
        system_id="bus",
        container_id="thermal",
        unique_id="heater",
        view_id="nothing",
        key="k",
        severity="warning",
        since="2026-01-01T00:00:00Z",
        timeline_mode="LIVE",
    )
    said = SubmitChat(scope_id="elsewhere", content="psst", timeline_mode="LIVE")
    for what, code in ((alarm, "unknownTarget"), (said, "unknownScope")):
        reply = await submitter.submit(asker, what)
        assert isinstance(reply, Error) and reply.code == code


async def test_frames_that_are_no_submissions_end_their_connection_only(here: Commanded) -> None:
    """Pitfalls row 29: a malformed frame never kills the Core."""
    chance = random.Random(7)
    good = submission_messages.REQUESTS.encode(
        SubmissionRequest(1, Principal("ann", "admin"), here.command(), time.monotonic())
    )
    connector = aiohttp.UnixConnector(str(endpoints.writer_socket(here.core.data)))
    async with aiohttp.ClientSession(connector=connector) as session:
        for _ in range(300):
            broken = bytearray(good)
            for _ in range(chance.randint(1, 8)):
                broken[chance.randrange(12)] = chance.randrange(256)
            async with session.ws_connect(f"http://localhost{submission_messages.PATH}") as socket:
                await socket.send_bytes(bytes(broken))
                async with asyncio.timeout(WAIT_S):
                    message = await socket.receive()
                assert message.type in (WSMsgType.BINARY, WSMsgType.CLOSE, WSMsgType.CLOSED)
        async with session.ws_connect(f"http://localhost{submission_messages.PATH}") as socket:
            await socket.send_bytes(
                submission_messages.REQUESTS.encode(
                    SubmissionRequest(
                        7, Principal("ann", "admin"), here.command(), time.monotonic()
                    )
                )
            )
            answered = submission_messages.REPLIES.decode((await socket.receive()).data)
    assert answered.ref == 7
    assert isinstance(messages.decode_reply(answered.reply), CommandAck)


async def test_a_writer_that_is_away_is_said(here: Commanded) -> None:
    """Before anything is recorded that is certain, and after it nobody knows."""
    submitter = SubmissionClient(here.core.data / "nowhere.sock")
    with pytest.raises(RequestError, match="nothing was recorded") as caught:
        await submitter.submit(Principal("ann", "admin"), here.command())
    assert caught.value.code == "writerAway"
    assert [one.outcome for one in submitter.counts()] == ["writerAway"]
    await submitter.close()


async def test_what_is_too_large_for_the_writer_is_not_handed_over(here: Commanded) -> None:
    """Numbers take more room there than in JSON; who submits beside it loses nothing."""
    path = endpoints.writer_socket(here.core.data)
    submitter = SubmissionClient(path, frame_max_bytes=10_000)
    asker, asked = Principal("ann", "admin"), here.command(payload={"on": True})
    with pytest.raises(RequestError) as caught:
        await submitter.submit(asker, here.command(payload={"x": [10.0] * 2_000}))
    assert caught.value.code == "requestTooLarge"
    assert isinstance(await submitter.submit(asker, asked), CommandAck)
    assert [one.outcome for one in submitter.counts()] == ["requestTooLarge", "taken"]
    await submitter.close()


async def test_a_writer_that_hangs_is_said(
    here: Commanded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A waiting client learns that it hangs, and nothing more is handed to it."""
    disk, hanging = StuckDisk(here.core.writer.committer.archive, monkeypatch), asyncio.Event()
    submitter = SubmissionClient(endpoints.writer_socket(here.core.data), hanging.is_set)
    asker, asked = Principal("ann", "admin"), here.command()
    waiting = asyncio.create_task(submitter.submit(asker, asked))
    await disk.is_stuck()
    hanging.set()
    with pytest.raises(RequestError, match="is unknown"):
        async with asyncio.timeout(WAIT_S):
            await waiting
    with pytest.raises(RequestError, match="nothing was recorded"):
        await submitter.submit(asker, here.command())
    disk.go_on()
    hanging.clear()
    reply = await submitter.submit(asker, asked)
    assert isinstance(reply, CommandAck) and reply.duplicate
    await submitter.close()


async def test_a_reader_that_goes_does_not_stop_its_command(
    here: Commanded, submitter: SubmissionClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command that has begun is completed, and answered to a client that asks again."""
    disk = StuckDisk(here.core.writer.committer.archive, monkeypatch)
    asked = here.command()
    submitting = asyncio.create_task(submitter.submit(Principal("ann", "admin"), asked))
    await disk.is_stuck()
    await submitter.close()
    with pytest.raises(RequestError, match="is unknown"):
        await submitting
    disk.go_on()
    await here.ears.until(asked.request_id)
    assert (await here.client.submit_command(asked)).duplicate
    assert here.ears.requests() == [asked.request_id]


async def test_a_command_under_way_is_settled_before_a_stop(
    here: Commanded, submitter: SubmissionClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A-296: it is recorded, sent and answered; what comes later is refused."""
    disk = StuckDisk(here.core.writer.committer.archive, monkeypatch)
    asker, asked = Principal("ann", "admin"), here.command()
    submitting = asyncio.create_task(submitter.submit(asker, asked))
    await disk.is_stuck()
    draining = asyncio.create_task(here.core.writer.submissions.drain())
    await asyncio.sleep(0)
    refused = await submitter.submit(asker, here.command())
    assert isinstance(refused, Error) and refused.code == "shuttingDown"
    assert not submitting.done() and not draining.done()
    disk.go_on()
    reply = await submitting
    assert isinstance(reply, CommandAck) and reply.failure is None
    await draining
    assert here.ears.requests() == [asked.request_id]
