"""The host: descriptors, outages, reported losses, and a folder of its own."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from nova.hardware.device import Command, Parsed, Progress, Reading
from nova.hardware.host import HardwareHost
from nova.hardware.host_outboxes import GAP
from nova.sdk import timestamps
from nova.sdk.errors import NovaError, SettingsError
from nova.sdk.events.envelope import (
    CommandProgress,
    MetadataEvent,
    ParsedMessage,
    ProducerDescriptor,
)
from tests.hardware.bench_device import PUMP, BenchDevice, Line, command_record, flow
from tests.hardware.running_host import config_for, running
from tests.hardware.stored import stages
from tests.sdk.tape import Fault


def numbers(line: Line) -> list[object]:
    """The numbers that have arrived, in the order of their first arrival."""
    found = [event.envelope for event in line.of_type("Flow")]
    return [one.payload["number"] for one in found if isinstance(one, ParsedMessage)]


async def test_every_target_is_described(tmp_path: Path) -> None:
    """A-098: capabilities with `command:<commandType>`, before the device is even open."""
    line = Line()
    before_ns = timestamps.now()
    device = BenchDevice(open_faults=[OSError("away")] * 100_000)
    async with running(tmp_path, {"pump": device}, line):
        (event,) = await line.until("ProducerDescriptor")
    assert isinstance(event.envelope, ProducerDescriptor)
    assert event.series[2:5] == PUMP
    assert event.envelope.capabilities == [
        "telemetry:Flow",
        "command:pump.set",
        "command:pump.slow",
    ]
    assert before_ns <= event.source_ns <= timestamps.now()


async def test_an_outage_delays_and_changes_nothing(tmp_path: Path) -> None:
    """A-073: in order, with the very same bytes, so the same eventIds on every attempt."""
    faults: list[Fault] = ["answer lost", "lost", "answer lost", "lost", "none"]
    line = Line(faults)
    device = BenchDevice(map(flow, range(300)))
    async with running(tmp_path, {"pump": device}, line):
        await line.until("Flow", 300)
    assert numbers(line) == list(range(300))
    assert len(line.events) == len({record.value for record in line.records})


async def test_what_an_outage_kept_is_published_by_the_next_host(tmp_path: Path) -> None:
    """With the times of their reading, not of their publishing."""
    line = Line()
    line.away = True
    device = BenchDevice(map(flow, range(300)))
    config = config_for(tmp_path, "pump")
    host = HardwareHost(config, [line], make=lambda *_: device)
    work = asyncio.create_task(host.run(asyncio.Event()))
    await device.silence()
    work.cancel()
    await asyncio.wait((work,))
    read_until_ns = timestamps.now()
    line.away = False
    async with running(tmp_path, {"pump": BenchDevice()}, line):
        events = await line.until("Flow", 300)
    assert numbers(line) == list(range(300))
    assert max(event.source_ns for event in events) < read_until_ns


async def test_a_full_buffer_tells_what_it_dropped(tmp_path: Path) -> None:
    """Invariant 7: the oldest go, counted; the gap is on record before they do."""
    line = Line()
    line.away = True
    filler = "x" * 100_000
    device = BenchDevice(
        [Reading(PUMP, [Parsed("Flow", {"number": number, "filler": filler})])]
        for number in range(300)
    )
    async with running(tmp_path, {"pump": device}, line, buffer_mib=16):
        await device.silence()
        line.away = False
        async with asyncio.timeout(30), line.published:
            await line.published.wait_for(lambda: 299 in numbers(line))
        gaps = await line.until(GAP)
    notes = [gap.envelope.payload for gap in gaps if isinstance(gap.envelope, MetadataEvent)]
    arrived = numbers(line)
    assert arrived == sorted(set(arrived), key=lambda number: int(str(number)))
    assert sum(int(str(note["records"])) for note in notes) == 300 - len(arrived) > 0
    assert {(note["link"], note["kind"]) for note in notes} == {("tape:", "readings")}
    assert all(str(note["from"]) < str(note["to"]) for note in notes)


async def test_answers_overtake_a_backlog(tmp_path: Path) -> None:
    """What a command came to does not wait behind hours of telemetry."""
    line = Line()
    line.away = True
    filler = "x" * 10_000
    device = BenchDevice(
        [Reading(PUMP, [Parsed("Flow", {"number": number, "filler": filler})])]
        for number in range(1000)
    )
    async with running(tmp_path, {"pump": device}, line):
        await device.silence()
        line.dispatch(command_record("c1"))
        while stages(tmp_path) != {"c1": "told"}:
            await asyncio.sleep(0.01)
        line.away = False
        await line.results()
        await line.until("Flow", 1000)
    answered = [any(b"CommandResult" in one.value for one in some) for some in line.publishes]
    assert answered.index(True) < len(answered) - 3
    assert numbers(line) == list(range(1000))


async def test_each_of_several_links_gets_everything(tmp_path: Path) -> None:
    """One that is away holds nobody up, and gets the same events later."""
    one, other = Line(), Line()
    other.link, other.away = "tape:2", True
    async with running(tmp_path, {"pump": BenchDevice(map(flow, range(50)))}, one, other):
        await one.until("Flow", 50)
        assert numbers(other) == []
        other.away = False
        await other.until("Flow", 50)
    assert {event.event_id for event in one.of_type("Flow")} == {
        event.event_id for event in other.of_type("Flow")
    }


async def test_a_folder_belongs_to_one_host(tmp_path: Path) -> None:
    """Two would do every command twice."""
    async with running(tmp_path, {"pump": BenchDevice()}, Line()):
        with pytest.raises(NovaError, match="another hardware host"):
            HardwareHost(config_for(tmp_path, "pump"), [Line()], make=lambda *_: BenchDevice())
    async with running(tmp_path, {"pump": BenchDevice()}, Line()):
        pass


async def test_an_entity_belongs_to_one_device(tmp_path: Path) -> None:
    """Or nobody could say which of them a command is for."""
    with pytest.raises(
        SettingsError, match=r"devices\.two and devices\.one have the same entity lab/bench"
    ):
        HardwareHost(config_for(tmp_path, "one", "two"), [Line()], make=lambda *_: BenchDevice())


async def test_a_command_that_nobody_confirms_has_no_result(tmp_path: Path) -> None:
    """It was written, which is said as progress; before, that was a success. It is not done again,
    and not answered by the next host.
    """

    async def write(command: Command, progress: Progress) -> None:
        await progress(70, "sent")

    line, device = Line(), BenchDevice(execute=write)
    async with running(tmp_path, {"pump": device}, line):
        line.dispatch(command_record("c1"))
        told = [event.envelope for event in await line.until("CommandProgress", 2)]
    async with running(tmp_path, {"pump": device}, line):
        line.dispatch(command_record("c1"))
        line.dispatch(command_record("c2"))
        await line.until("CommandProgress", 4)
    assert [
        (one.progress_percent, one.message) for one in told if isinstance(one, CommandProgress)
    ] == [(70, "sent"), (70, "written")]
    assert [command.command_id for command in device.done] == ["c1", "c2"]
    assert line.of_type("CommandResult") == []
