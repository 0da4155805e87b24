"""A device in a process of its own behaves as one in the host's, and whatever becomes of that
process is a failure of the device.
"""

from __future__ import annotations

import asyncio
import os
from functools import partial
from pathlib import Path
from typing import cast

import pytest

from nova.hardware.device import Setup
from nova.hardware.device_process import DeviceProcess, ProcessLimits
from nova.hardware.host import DEVICE_STATE, REFUSED, HardwareHost
from nova.sdk.events.envelope import CommandProgress, CommandResult, MetadataEvent
from tests.hardware.bench_device import SCOPE, BenchDevice, Line, command_record
from tests.hardware.plugged import CRASH, installed
from tests.hardware.running_host import LIMITS
from tests.hardware.running_host import running as running_host
from tests.hardware.test_device_runner import SOON, numbers, states

HASTE = LIMITS._replace(runner=SOON, process=ProcessLimits(cancel_s=0.3, end_s=5.0))


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """A host whose device, `pump`, has a process of its own."""
    monkeypatch.setenv("PYTHONPATH", installed(tmp_path / "plugged"))
    return partial(
        running_host,
        tmp_path / "host",
        {"pump": BenchDevice()},
        limits=HASTE,
        processes="device",
    )


def process_of(host: HardwareHost) -> int:
    """The process of the device."""
    device = cast(DeviceProcess, host.runners[0].device)
    assert device.process_id is not None
    return device.process_id


async def until_open(host: HardwareHost) -> None:
    """Return when the device is open."""
    while host.runners[0].state != "open":
        await asyncio.sleep(0.01)


async def result(line: Line, number: int, do: str) -> CommandResult:
    """The result of a command, which is the only one to it."""
    line.dispatch(command_record(f"c{number}", payload={"do": do}))
    await line.results(number)
    (found,) = [one for one in await line.results() if one.command_id == f"c{number}"]
    return found


async def test_it_reads_and_obeys(running) -> None:  # type: ignore[no-untyped-def]
    """In order and once, with its invalid reading counted; progress and results are as ever."""
    line = Line()
    async with running(line, options={"numbers": 200}) as host:
        assert numbers(await line.until("Flow", 200)) == list(range(200))
        (refused,) = await line.until(REFUSED)
        await until_open(host)
        told = await result(line, 1, "report")
        own = await result(line, 2, "nothing")
        refusal = await result(line, 3, "refuse")
        odd = await result(line, 4, "odd")
        line.dispatch(command_record("c5", payload={"do": "write"}))
        steps = [event.envelope for event in await line.until("CommandProgress", 2)]
        pid = process_of(host)
    assert isinstance(refused.envelope, MetadataEvent)
    assert refused.envelope.payload["refused"] == 1
    assert told.status == "success"
    assert "progressPercent" in str(told.result)
    assert own.result == {"pid": pid}
    assert pid != os.getpid()
    assert (refusal.status, refusal.error_message) == ("failure", "the tank is empty")
    assert odd.status == "success"
    assert [(one.command_id, one.message) for one in steps if isinstance(one, CommandProgress)] == [
        ("c1", "spinning up"),
        ("c5", "written"),
    ]
    assert states(line) == [("open", None)]
    assert not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize(
    ("do", "reason", "same_process"),
    [
        ("raise", "OSError: unplugged", True),
        (
            "crash",
            "its process was killed by SIGKILL; whether the command took effect is unknown",
            False,
        ),
        ("wait", "no result after 0.5 s; whether it took effect is unknown", True),
        ("block", "no result after 0.5 s; whether it took effect is unknown", False),
    ],
)
async def test_a_command_that_fails_opens_the_device_again(  # type: ignore[no-untyped-def]
    running, do: str, reason: str, same_process: bool
) -> None:
    """In another process, if the one before has ended or does not respond; it is not repeated."""
    line = Line()
    async with running(line, command_timeout_s=0.5) as host:
        await until_open(host)
        before = process_of(host)
        failed = await result(line, 1, do)
        await line.until(DEVICE_STATE, 3)
        await until_open(host)
        assert (await result(line, 2, "nothing")).result == {"pid": process_of(host)}
        assert (process_of(host) == before) is same_process
    assert (failed.status, failed.error_message) == ("failure", reason)
    assert len(line.of_type("CommandResult")) == 2


async def test_a_device_that_crashes_at_its_start_is_tried_again(  # type: ignore[no-untyped-def]
    running, tmp_path: Path
) -> None:
    """The reason is said once; the host runs on."""
    crash = tmp_path / "host" / "devices" / "pump" / CRASH
    crash.parent.mkdir(parents=True)
    crash.touch()
    line = Line()
    async with running(line) as host:
        await line.until(DEVICE_STATE)
        line.dispatch(command_record("c1"))
        (refused,) = await line.results()
        while host.runners[0].restarts < 2:
            await asyncio.sleep(0.01)
        crash.unlink()
        await until_open(host)
    killed = "its process was killed by SIGKILL"
    assert states(line) == [("failed", killed), ("open", None)]
    assert refused.error_message == f"not done: device pump is not open: {killed}"


async def test_a_device_that_cannot_be_made_is_a_failed_one(tmp_path: Path) -> None:
    """Its process says why, and stays for the next attempt."""
    process = DeviceProcess(SCOPE, "line", Setup("pump", {"source": "nowhere"}, tmp_path))
    try:
        for _ in range(2):
            with pytest.raises(Exception, match=r"devices\.pump: 'nowhere' does not start with"):
                await process.open()
        assert process.process_id is not None
    finally:
        await process.end()


async def test_a_cancelled_read_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the process had sent by then is returned; the next read continues behind it."""
    monkeypatch.setenv("PYTHONPATH", installed(tmp_path / "plugged"))
    process = DeviceProcess(SCOPE, "bench", Setup("pump", {"numbers": 300}, tmp_path))
    found = []
    try:
        await process.open()
        for turn in range(10_000):
            read = asyncio.create_task(process.read())
            await asyncio.sleep(turn % 7 * 0.0002)
            read.cancel()
            await asyncio.wait((read,))
            if not read.cancelled():
                found += read.result().records
            if len(found) == 300:
                break
    finally:
        await process.end()
    texts = [record.value.partition(b'"number":')[2] for record in found]
    assert [int(text.rstrip(b"}")) for text in texts] == list(range(300))
