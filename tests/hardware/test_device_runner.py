"""The device runner: whatever a device does, the host lives on and says what happened."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from nova.hardware.device import Command, CommandRefusedError, DeviceError, Progress, Reading
from nova.hardware.device_runner import RunnerLimits
from nova.hardware.host import DEVICE_STATE, REFUSED, HardwareHost
from nova.sdk.events.envelope import CommandProgress, MetadataEvent, ParsedMessage
from nova.sdk.events.event import Event
from nova.sdk.field_types import JsonObject
from nova.sdk.producer.producer import Retry
from tests.hardware.bench_device import BenchDevice, Line, command_record, flow
from tests.hardware.running_host import LIMITS, config_for
from tests.hardware.running_host import running as running_host

SOON = RunnerLimits(restart=Retry(first_delay_s=0.001, max_delay_s=0.01))
"""Devices are opened again at once."""

running = partial(running_host, limits=LIMITS._replace(runner=SOON))


def numbers(events: Sequence[Event]) -> list[object]:
    """The numbers in flow events."""
    found = [event.envelope for event in events]
    return [one.payload["number"] for one in found if isinstance(one, ParsedMessage)]


def states(line: Line) -> list[tuple[object, object]]:
    """What was said of the device, in order."""
    told = [event.envelope for event in line.of_type(DEVICE_STATE)]
    return [
        (one.payload["state"], one.payload.get("reason"))
        for one in told
        if isinstance(one, MetadataEvent)
    ]


async def test_reads_become_events_in_order(tmp_path: Path) -> None:
    """A-123: everything a device says, once and in order."""
    line = Line()
    async with running(tmp_path, {"pump": BenchDevice(map(flow, range(200)))}, line):
        assert numbers(await line.until("Flow", 200)) == list(range(200))


async def test_a_device_that_cannot_be_opened_is_tried_again(tmp_path: Path) -> None:
    """Each failure is reported once while its reason stays the same; then it reads."""
    line = Line()
    faults = [OSError("no such line")] * 3 + [DeviceError("it is busy")]
    device = BenchDevice([flow(1)], open_faults=faults)
    async with running(tmp_path, {"pump": device}, line):
        await line.until("Flow")
        assert device.opened == 5
        assert device.closed == 4
    assert states(line) == [
        ("failed", "OSError: no such line"),
        ("failed", "it is busy"),
        ("open", None),
    ]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (DeviceError("unplugged"), "unplugged"),
        (ZeroDivisionError("a bug"), "ZeroDivisionError: a bug"),
        (TimeoutError("its own"), "TimeoutError: its own"),
        (asyncio.CancelledError(), "its read was cancelled by the plug-in"),
    ],
)
async def test_a_read_that_fails_opens_the_device_anew(
    tmp_path: Path, fault: Exception, reason: str
) -> None:
    """What was read before and after is there, whatever was raised between."""
    line = Line()
    device = BenchDevice([flow(1), _Raises(fault), flow(2)])
    async with running(tmp_path, {"pump": device}, line):
        assert numbers(await line.until("Flow", 2)) == [1, 2]
        assert device.opened == 2
    assert ("failed", reason) in states(line)


class _Raises(list[Reading]):
    """Readings that raise when they are looked at, as a generator of a plug-in would."""

    def __init__(self, fault: BaseException) -> None:
        super().__init__()
        self._fault = fault

    def __iter__(self):  # type: ignore[no-untyped-def]  # it never returns
        raise self._fault


async def test_readings_that_are_none_are_a_fault_of_the_device(tmp_path: Path) -> None:
    """A plug-in that returns rubbish is treated like one that raises."""
    line = Line()
    rubbish: list[object] = [None, 7, ["no reading"], flow(2)]
    device = BenchDevice(rubbish)  # type: ignore[arg-type]
    async with running(tmp_path, {"pump": device}, line):
        assert numbers(await line.until("Flow")) == [2]
        assert device.opened == 4


async def test_what_cannot_be_said_is_told(tmp_path: Path) -> None:
    """A reading that is no event is counted, with its reason, and the device continues."""
    line = Line()
    bad = flow(1)[0]
    bad.outputs[0].payload["number"] = float("inf")  # type: ignore[union-attr]
    device = BenchDevice([[bad], flow(2)])
    async with running(tmp_path, {"pump": device}, line):
        (note,) = await line.until(REFUSED)
        assert numbers(await line.until("Flow")) == [2]
        assert device.opened == 1
    assert isinstance(note.envelope, MetadataEvent)
    assert note.envelope.payload["refused"] == 1
    assert "number" in str(note.envelope.payload["reason"])


async def test_a_silent_device_is_opened_anew(tmp_path: Path) -> None:
    """Pitfalls row 22: a line that died without a word is found by its silence."""
    line = Line()
    device = BenchDevice([flow(1)])
    async with running(tmp_path, {"pump": device}, line, silence_max_s=0.05):
        await line.until(DEVICE_STATE, 3)
    assert ("failed", "no data within 0.05 s") in states(line)
    assert device.opened >= 2


async def test_one_device_does_not_hold_up_another(tmp_path: Path) -> None:
    """While one hangs in open, the other reads."""
    line = Line()

    class Hanging(BenchDevice):
        """Never opens."""

        def targets(self):  # type: ignore[no-untyped-def]
            """None, for the pump is the other's."""
            return []

        async def open(self) -> None:
            """Wait for ever."""
            await asyncio.Event().wait()

    devices = {"hanging": Hanging(), "pump": BenchDevice([flow(1)])}
    stop = asyncio.Event()
    host = HardwareHost(
        config_for(tmp_path, *devices), [line], make=lambda _, one: devices[one.name]
    )
    work = asyncio.create_task(host.run(stop))
    assert numbers(await line.until("Flow")) == [1]
    stop.set()
    await work


# --- commands -------------------------------------------------------------------------------------


async def test_a_command_is_done_and_answered(tmp_path: Path) -> None:
    """A-125, A-181: progress and result carry the commandId, at the feedback's addresses."""
    line = Line()

    async def execute(command: Command, progress: Progress) -> JsonObject:
        await progress(25, "spinning up")
        await progress(75.5)
        return {"rate": command.payload["rate"]}

    device = BenchDevice(execute=execute)
    async with running(tmp_path, {"pump": device}, line):
        line.dispatch(command_record("c1", payload={"rate": 3}))
        (result,) = await line.results()
    assert (result.command_id, result.status, result.result) == ("c1", "success", {"rate": 3})
    told = [event.envelope for event in line.of_type("CommandProgress")]
    progress = [one for one in told if isinstance(one, CommandProgress)]
    assert [(one.command_id, one.progress_percent, one.message) for one in progress] == [
        ("c1", 25, "spinning up"),
        ("c1", 75.5, None),
    ]
    addresses = [record.address for record in line.records if b'"c1"' in record.value]
    assert addresses == [
        "nova.lab.command.c1:CommandProgress.v1",
        "nova.lab.command.c1:CommandProgress.v1",
        "nova.lab.command.c1:CommandResult.v1",
    ]


async def test_commands_of_a_device_are_done_one_at_a_time(tmp_path: Path) -> None:
    """In the order in which they came."""
    line = Line()
    at_once = most = 0

    async def execute(command: Command, progress: Progress) -> JsonObject:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.001)
        at_once -= 1
        return {}

    device = BenchDevice(execute=execute)
    async with running(tmp_path, {"pump": device}, line):
        for number in range(20):
            line.dispatch(command_record(f"c{number}"))
        results = await line.results(20)
    assert most == 1
    assert [result.command_id for result in results] == [f"c{number}" for number in range(20)]


@pytest.mark.parametrize(
    ("fault", "reason", "opened"),
    [
        (CommandRefusedError("the tank is empty"), "the tank is empty", 1),
        (OSError("unplugged"), "OSError: unplugged", 2),
        (KeyError("rate"), "KeyError: 'rate'", 2),
        (TimeoutError("its own"), "TimeoutError: its own", 2),
        (asyncio.CancelledError("its own"), "CancelledError: its own", 2),
    ],
)
async def test_a_command_that_raises_has_failed(
    tmp_path: Path, fault: BaseException, reason: str, opened: int
) -> None:
    """A refusal leaves the device alone; after anything else it is opened anew, and obeys again."""
    line = Line()

    async def execute(command: Command, progress: Progress) -> JsonObject:
        if command.command_id == "c1":
            raise fault
        return {}

    device = BenchDevice(execute=execute)
    async with running(tmp_path, {"pump": device}, line) as host:
        line.dispatch(command_record("c1"))
        (failed,) = await line.results()
        assert (failed.status, failed.error_message) == ("failure", reason)
        while device.opened < opened or host.runners[0].state != "open":
            await asyncio.sleep(0.001)
        line.dispatch(command_record("c2"))
        assert (await line.results(2))[1].status == "success"
    assert device.opened == opened


async def test_a_slow_command_is_given_up(tmp_path: Path) -> None:
    """Its result says that nobody knows, and the device is opened anew."""
    line = Line()

    async def execute(command: Command, progress: Progress) -> None:
        await asyncio.Event().wait()

    device = BenchDevice(execute=execute)
    async with running(tmp_path, {"pump": device}, line, command_timeout_s=0.05):
        line.dispatch(command_record("c1"))
        (result,) = await line.results()
        await line.until(DEVICE_STATE, 3)
    assert result.status == "failure"
    assert result.error_message == "no result after 0.05 s; whether it took effect is unknown"
    assert device.opened == 2


async def test_a_result_that_cannot_be_said_is_a_success_all_the_same(tmp_path: Path) -> None:
    """The command was done; only its result is not in the record."""
    line = Line()

    async def execute(command: Command, progress: Progress) -> JsonObject:
        return {"rate": float("nan")}

    async with running(tmp_path, {"pump": BenchDevice(execute=execute)}, line):
        line.dispatch(command_record("c1"))
        (result,) = await line.results()
    assert (result.status, result.result) == ("success", None)
    assert "rate" in str(result.error_message)


async def test_a_device_that_is_not_open_does_nothing(tmp_path: Path) -> None:
    """The failure says why, at once; no command waits for a device to come back."""
    line = Line()
    device = BenchDevice(open_faults=[OSError("unplugged")] * 100_000)
    async with running(tmp_path, {"pump": device}, line):
        line.dispatch(command_record("c1"))
        (result,) = await line.results()
    assert result.error_message == "not done: device pump is not open: OSError: unplugged"
    assert device.done == []


async def test_too_many_waiting_commands_are_refused(tmp_path: Path) -> None:
    """The queue of a device is bounded, and each that finds no room is reported."""
    limits = LIMITS._replace(runner=SOON._replace(queue_max_commands=2))
    line = Line()
    go = asyncio.Event()

    async def execute(command: Command, progress: Progress) -> JsonObject:
        begun.set()
        await go.wait()
        return {}

    begun = asyncio.Event()
    async with running(tmp_path, {"pump": BenchDevice(execute=execute)}, line, limits=limits):
        line.dispatch(command_record("c0"))
        await begun.wait()
        for number in range(1, 6):
            line.dispatch(command_record(f"c{number}"))
        refused = await line.results(3)
        go.set()
        results = await line.results(6)
    assert {str(one.error_message) for one in refused} == {
        "not done: the queue of device pump is full (2 commands)"
    }
    assert [one.status for one in results].count("success") == 3
