"""`nova command` and `nova chat`, as people and scripts use them."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from nova.sdk.producer.producer import Producer
from nova.sdk.transport.base import connect
from nova.testkit.running_nova import RunningNova, running_nova
from tests.command_here import command_here
from tests.core.commanding import SCOPE, descriptor, feedback


@pytest.fixture(scope="module")
def nova(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNova]:
    """One NOVA of one scope for the module."""
    with running_nova(tmp_path_factory.mktemp("nova") / "data", "--scope", SCOPE) as nova:
        yield nova
        nova.kill()


@asynccontextmanager
async def device(nova: RunningNova, status: str | None = "success") -> AsyncIterator[None]:
    """A heater that reports half way and then its result; without a status it is silent, and where
    that is `written` no result.
    """
    transport, ready = connect(nova.publish), asyncio.Event()
    producer = Producer(transport, SCOPE)

    async def work() -> None:
        async for record in transport.commands(SCOPE, ready):
            request = msgspec.json.decode(record.value)
            if status == "written":
                written = {"progressPercent": 50, "message": "written"}
                await producer.publish([feedback(request, "CommandProgress", written)])
            elif status is not None:
                progress = {"progressPercent": 50, "message": "warming"}
                told = {"status": status, "result": {"celsius": 21.5}}
                failed = {"status": status, "errorMessage": "no power"}
                last = told if status == "success" else failed
                await producer.publish([feedback(request, "CommandProgress", progress)])
                await producer.publish([feedback(request, "CommandResult", last)])

    working = asyncio.create_task(work())
    try:
        await ready.wait()
        await producer.publish([descriptor()])
        yield
    finally:
        working.cancel()
        await asyncio.wait((working,))
        await transport.close()


async def run(nova: RunningNova, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """One command on the data folder of this NOVA."""
    return await asyncio.to_thread(command_here, *arguments, "--data", str(nova.data))


HEATER_ON = ("command", "heater", "heater.set", "on=true", "label=dusk", "--scope", SCOPE)


async def test_a_command_is_watched_to_its_end(nova: RunningNova) -> None:
    """A-180: sent, progress, result, in this order; success is status 0."""
    async with device(nova):
        done = await run(nova, *HEATER_ON, "--wait")
    sent, progress, result = done.stdout.decode().splitlines()
    assert done.returncode == 0, done.stderr
    assert "sent" in sent
    assert progress == "50 %  warming"
    assert result == 'success  {"celsius":21.5}'


async def test_programs_get_json_and_a_failure_is_status_1(nova: RunningNova) -> None:
    """The answer and then the events as they are stored."""
    async with device(nova, "failure"):
        done = await run(nova, *HEATER_ON, "--wait", "--json")
    lines = [msgspec.json.decode(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1
    assert [line.get("type", line.get("messageType")) for line in lines] == [
        "commandAck",
        "CommandProgress",
        "CommandResult",
    ]
    assert lines[2]["errorMessage"] == "no power"
    assert len({line["commandId"] for line in lines}) == 1


async def test_a_command_that_nobody_takes_was_not_sent(nova: RunningNova) -> None:
    """The output agrees with the archived states, as text and as JSON, at once and when it is asked
    for again.
    """
    async with device(nova, None):
        pass
    ids = ("--request-id", "r-alone", "--command-id", "c-alone")
    done = await run(nova, *HEATER_ON, *ids)
    again = await run(nova, *HEATER_ON, *ids)
    for said, state in ((done, "recorded  c-alone"), (again, "(it was recorded before)")):
        first, second = said.stdout.decode().splitlines()
        assert state in first and second.startswith("failure  not dispatched: ")
        assert said.returncode == 1
    waited = await run(nova, *HEATER_ON, "--wait")
    assert waited.returncode == 1 and b"sent " not in waited.stdout
    assert waited.stdout.count(b"failure  not dispatched: ") == 1
    programs = await run(nova, *HEATER_ON, "--json")
    ack = msgspec.json.decode(programs.stdout)
    assert programs.returncode == 1 and ack["failure"].startswith("not dispatched: ")


async def test_nobody_has_to_answer(nova: RunningNova) -> None:
    """A-179, A-180: without --wait the command ends when it is sent; with it, it times out and the
    command remains sent.
    """
    async with device(nova, None):
        assert (await run(nova, *HEATER_ON)).returncode == 0
        done = await run(nova, *HEATER_ON, "--wait", "--timeout", "0.5")
    assert done.returncode == 1
    assert b"no result within 0.5 s" in done.stderr and b"remains 'sent'" in done.stderr
    assert b"failure" not in done.stdout


async def test_a_command_that_nobody_confirms_remains_written(nova: RunningNova) -> None:
    """It is no success, and what it remains is said."""
    async with device(nova, "written"):
        done = await run(nova, *HEATER_ON, "--wait", "--timeout", "5")
    assert done.returncode == 1
    assert b"50 %  written" in done.stdout and b"success" not in done.stdout
    assert b"no result within 5 s" in done.stderr and b"remains 'written'" in done.stderr


async def test_asking_again_is_answered_and_not_sent_again(nova: RunningNova) -> None:
    """A-172: the ids of the first attempt make the second one safe."""
    ids = ("--request-id", "r-again", "--command-id", "c-again")
    async with device(nova):
        first = await run(nova, *HEATER_ON, *ids, "--wait", "--json")
        second = await run(nova, *HEATER_ON, *ids, "--wait", "--json")
    one, *events = first.stdout.splitlines()
    two, *same = second.stdout.splitlines()
    assert events == same
    assert msgspec.json.decode(two) == {**msgspec.json.decode(one), "ref": 1, "duplicate": True}


async def test_what_cannot_be_is_said_in_one_line(nova: RunningNova) -> None:
    """Refusals and slips end with a status and a reason, and are recorded nowhere."""
    async with device(nova):
        unknown = await run(nova, "command", "nobody", "go", "--scope", SCOPE)
        slip = await run(nova, "command", "heater", "heater.set", "on", "--scope", SCOPE)
        twice = await run(nova, "command", "heater", "heater.set", "a=1", "a=2", "--scope", SCOPE)
    assert unknown.returncode == 1
    assert unknown.stderr.decode().startswith("nova: unknownTarget: ")
    assert slip.returncode == 2 and b"'on' is not KEY=VALUE" in slip.stderr
    assert twice.returncode == 2 and b"'a' is given twice" in twice.stderr


async def test_a_word_is_recorded(nova: RunningNova) -> None:
    """AMB-65: under the name of the user on this machine."""
    said = await run(nova, "chat", "heater is on", "--scope", SCOPE, "--json")
    assert said.returncode == 0, said.stderr
    event_id = msgspec.json.decode(said.stdout)["eventId"]
    found = await run(nova, "query", "--types", "ChatMessage", "--json")
    (chat,) = [msgspec.json.decode(line) for line in found.stdout.splitlines()]
    assert chat["eventId"] == event_id
    assert chat["content"] == "heater is on"
    assert chat["authorDisplayName"]
