"""The command router: what is checked of a command before a device hears of it (A-126)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from nova.hardware.device import Command, Progress
from nova.sdk import timestamps
from nova.sdk.events.observation import Entity
from nova.sdk.field_types import JsonObject
from nova.sdk.timestamps import NS_PER_SECOND
from nova.sdk.transport.base import Record
from tests.hardware.bench_device import PUMP, BenchDevice, Line, command_record, flow
from tests.hardware.running_host import running
from tests.hardware.stored import stages

OTHER = Entity("lab", "bench", "valve")


async def test_what_the_target_has_not_declared_is_refused(tmp_path: Path) -> None:
    """A-126: commandType against the host's own registry, whoever has let the command through."""
    line, device = Line(), BenchDevice()
    async with running(tmp_path, {"pump": device}, line):
        line.dispatch(command_record("c1", "pump.explode"))
        (result,) = await line.results()
    assert result.status == "failure"
    assert result.error_message == (
        "target pump does not accept 'pump.explode'; it accepts pump.set, pump.slow"
    )
    assert device.done == []


@pytest.mark.parametrize(
    "record",
    [
        command_record("other", entity=OTHER),
        command_record("alike", entity=Entity("lab", "elsewhere", "pump")),
        command_record("at-another", target_id="valve"),
        Record("nova.lab.command.c9:CommandResult.v1", b"{}"),
        Record("nova.lab.command.r9.v1", b"\xffnot an envelope"),
        Record("nova.lab.command.r-wrong.v1", command_record("wrong", request_id="r-2").value),
        Record("nova.lab.command.lab.bench.pump.v1", command_record("seen").value),
        Record(None, command_record("lost").value),
    ],
    ids=lambda record: str(record.address),
)
async def test_what_is_not_ours_is_not_answered(tmp_path: Path, record: Record) -> None:
    """Others' commands, feedback, rubbish, and requests on an address that is not for dispatch."""
    line, device = Line(), BenchDevice()
    async with running(tmp_path, {"pump": device}, line):
        line.dispatch(record)
        line.dispatch(command_record("c1"))
        results = await line.results()
    assert [result.command_id for result in results] == ["c1"]
    assert [command.command_id for command in device.done] == ["c1"]


@pytest.mark.parametrize("age_s", [31, 86_400, -31])
async def test_an_old_command_is_never_done(tmp_path: Path, age_s: int) -> None:
    """Nor one from a future in which nobody knows its age."""
    line, device = Line(), BenchDevice()
    at_ns = timestamps.now() - age_s * NS_PER_SECOND
    async with running(tmp_path, {"pump": device}, line):
        line.dispatch(command_record("c1", at_ns=at_ns))
        line.dispatch(command_record("c2", at_ns=timestamps.now() - 5 * NS_PER_SECOND))
        old, young = await line.results(2)
    assert (old.status, young.status) == ("failure", "success")
    assert "the limit is 30 s" in str(old.error_message)
    assert [command.command_id for command in device.done] == ["c2"]


async def test_a_command_that_grew_old_while_it_waited_is_not_done(tmp_path: Path) -> None:
    """The age counts when it would begin, not when it came."""
    line, clock, go = Line(), RouterClock(), asyncio.Event()

    async def execute(command: Command, progress: Progress) -> JsonObject:
        clock.ns += 40 * NS_PER_SECOND
        return {}

    device = BenchDevice(execute=execute)
    async with running(tmp_path, {"pump": device}, line, now_ns=clock):
        for name in ("c1", "c2"):
            line.dispatch(command_record(name, at_ns=clock.ns))
        first, second = await line.results(2)
        go.set()
    assert (first.status, second.status) == ("success", "failure")
    assert "40.0 s old" in str(second.error_message)
    assert len(device.done) == 1


class RouterClock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.ns = timestamps.now()

    def __call__(self) -> int:
        """The time."""
        return self.ns


@pytest.mark.parametrize(
    "again",
    [
        lambda: command_record("c1"),
        lambda: command_record("c2", request_id="r-c1"),
        lambda: command_record("c1", request_id="r-other"),
        lambda: command_record("c1", payload={"rate": 9}),
    ],
    ids=["the same", "its requestId", "its commandId", "another payload"],
)
async def test_a_command_that_comes_twice_is_done_once(
    tmp_path: Path, again: Callable[[], Record]
) -> None:
    """At most once, under either of its ids, at once and after a restart; one result (row 32)."""
    line, device = Line(), BenchDevice()
    repeat = again()
    async with running(tmp_path, {"pump": device}, line) as host:
        line.dispatch(command_record("c1"))
        line.dispatch(repeat)
        await line.results()
        line.dispatch(repeat)
        line.dispatch(command_record("c3"))
        await line.results(2)
        assert host.router.duplicates == 2
    async with running(tmp_path, {"pump": device}, line):
        line.dispatch(repeat)
        line.dispatch(command_record("c4"))
        results = await line.results(3)
    assert [one.command_id for one in results] == ["c1", "c3", "c4"]
    assert [one.command_id for one in device.done] == ["c1", "c3", "c4"]


async def test_two_links_bring_a_command_once(tmp_path: Path) -> None:
    """Redundant transports: done once, answered on both."""
    one, other, device = Line(), Line(), BenchDevice()
    other.link = "tape:2"
    async with running(tmp_path, {"pump": device}, one, other):
        record = command_record("c1")
        one.dispatch(record)
        other.dispatch(record)
        assert await one.results() == await other.results()
    assert len(device.done) == 1


async def test_a_stop_in_the_middle_is_answered(tmp_path: Path) -> None:
    """What was being done has an unknown end, what waited was not done; both are said, once."""
    line, begun = Line(), asyncio.Event()

    async def execute(command: Command, progress: Progress) -> JsonObject | None:
        begun.set()
        return await asyncio.Future[JsonObject]()

    async with running(tmp_path, {"pump": BenchDevice([flow(1)], execute)}, line):
        line.dispatch(command_record("c1"))
        line.dispatch(command_record("c2"))
        await begun.wait()
        while "c2" not in stages(tmp_path):
            await asyncio.sleep(0.01)
    first, second = await line.results(2)
    assert "outcome" in str(first.error_message) or "unknown" in str(first.error_message)
    assert "before it started" in str(second.error_message)
    async with running(tmp_path, {"pump": BenchDevice()}, line):
        line.dispatch(command_record("c3"))
        assert len(await line.results(3)) == 3


async def test_answers_are_later_than_their_command(tmp_path: Path) -> None:
    """A Core whose clock is ahead must not see an answer before the question."""
    line = Line()
    ahead_ns = timestamps.now() + 20 * NS_PER_SECOND
    async with running(tmp_path, {"pump": BenchDevice()}, line):
        line.dispatch(command_record("c1", at_ns=ahead_ns))
        (event,) = await line.until("CommandResult")
    assert ahead_ns < event.source_ns < ahead_ns + NS_PER_SECOND
    assert Entity(*event.series[2:5]) == PUMP
