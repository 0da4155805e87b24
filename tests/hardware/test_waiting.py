"""Sources that can wait do so while the buffer is full, and lose nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

from nova.hardware.device import Command, Device, Parsed, Progress, Reading
from nova.hardware.host import HardwareHost
from nova.hardware.host_outboxes import GAP
from nova.sdk.events.envelope import RawFrame
from tests.hardware.bench_device import PUMP, BenchDevice, Line, command_record
from tests.hardware.flood import Flood, radio
from tests.hardware.running_host import config_for, running
from tests.hardware.stored import stages, stored_bytes
from tests.made_packets import ORBIT_PACKET_BYTES, START_NS, orbit_packets

PACKETS = 20_000
MIB = 1024 * 1024


def held_bytes(folder: Path) -> int:
    """What lies in the buffers of sources that wait."""
    return stored_bytes(folder, "held")


async def stalled(folder: Path) -> int:
    """How much those buffers hold, once that has stopped growing."""
    before = 0
    async with asyncio.timeout(30):
        while (size := held_bytes(folder)) != before or not size:
            before = size
            await asyncio.sleep(0.5)
    return size


def arrived(line: Line) -> list[tuple[int, bytes]]:
    """Each packet that has arrived, once, with its time, in the order of times."""
    found = []
    for event in line.of_type(""):
        assert isinstance(event.envelope, RawFrame)
        found.append((event.source_ns, event.envelope.frame))
    return sorted(found)


def sent(data: bytes) -> list[tuple[int, bytes]]:
    """Each packet of a made orbit with its own time."""
    return [
        (START_NS + number * 10**9, data[place : place + ORBIT_PACKET_BYTES])
        for number, place in enumerate(range(0, len(data), ORBIT_PACKET_BYTES))
    ]


async def test_a_tcp_source_waits_while_the_buffer_is_full(tmp_path: Path) -> None:
    """Before, the oldest were dropped: of these packets most were gaps."""
    line, data = Line(), orbit_packets(PACKETS)
    line.away = True
    async with Flood(data).serving() as flood:
        device = radio(tmp_path / "radio", flood.port)
        async with running(tmp_path, {"radio": device}, line, buffer_mib=1):
            assert await stalled(tmp_path) <= MIB
            assert arrived(line) == []
            line.away = False
            await line.until("", PACKETS)
    assert line.of_type(GAP) == []
    assert arrived(line) == sent(data)


async def test_it_waits_for_the_slowest_of_several_links(tmp_path: Path) -> None:
    """Both get every packet, also those that are read while one is away and full."""
    one, other = Line(), Line()
    other.link, other.away = "tape:2", True
    data = orbit_packets(PACKETS // 2)
    async with Flood(data).serving() as flood:
        device = radio(tmp_path / "radio", flood.port)
        async with running(tmp_path, {"radio": device}, one, other, buffer_mib=1):
            await stalled(tmp_path)
            assert len(arrived(one)) < PACKETS // 2
            other.away = False
            await one.until("", PACKETS // 2)
            await other.until("", PACKETS // 2)
    assert arrived(one) == arrived(other) == sent(data)
    assert one.of_type(GAP) == other.of_type(GAP) == []


async def test_a_host_that_ends_while_a_source_waits_keeps_what_it_has_read(
    tmp_path: Path,
) -> None:
    """The source begins again, and all of it is there once: what came twice is known."""
    line, data = Line(), orbit_packets(PACKETS // 2)
    line.away = True
    async with Flood(data).serving() as flood:
        for _ in range(3):
            device = radio(tmp_path / "radio", flood.port)
            host = HardwareHost(
                config_for(tmp_path, "radio", buffer_mib=1), [line], make=lambda *_, d=device: d
            )
            work = asyncio.create_task(host.run(asyncio.Event()))
            await stalled(tmp_path)
            work.cancel()
            await asyncio.wait((work,))
        assert held_bytes(tmp_path) < 2.25 * MIB  # the limit, and one read of each host
        line.away = False
        device = radio(tmp_path / "radio", flood.port)
        async with running(tmp_path, {"radio": device}, line, buffer_mib=1):
            await line.until("", PACKETS // 2)
    assert line.of_type(GAP) == []
    assert arrived(line) == sent(data)


async def test_a_source_that_cannot_wait_takes_nothing_from_one_that_can(tmp_path: Path) -> None:
    """The present of the one goes over its past; the past of the other stays, and comes whole."""
    line, data = Line(), orbit_packets(PACKETS // 4)
    line.away = True
    filler = "x" * 20_000
    pump = BenchDevice(
        [Reading(PUMP, [Parsed("Flow", {"number": number, "filler": filler})])]
        for number in range(200)
    )
    async with Flood(data).serving() as flood:
        devices: dict[str, Device] = {
            "radio": radio(tmp_path / "radio", flood.port),
            "pump": pump,
        }
        async with running(tmp_path, devices, line, buffer_mib=1):
            await stalled(tmp_path)
            await pump.silence()
            line.away = False
            await line.until("", PACKETS // 4)
            await line.until(GAP)
    assert arrived(line) == sent(data)


async def test_a_device_whose_reading_waits_still_does_commands(tmp_path: Path) -> None:
    """Also one whose answer stands in what it says: for that there is a reserve."""
    answered = asyncio.Event()

    class Patient(BenchDevice):
        can_wait = True

        async def read(self) -> list[Reading]:
            """Fill the buffer, then say the answer to a command."""
            if self.done:
                answered.set()
            filler = Parsed("Flow", {"filler": "x" * 100_000})
            return [Reading(PUMP, [filler])]

    async def execute(command: Command, progress: Progress) -> dict[str, object]:
        async with asyncio.timeout(20):
            await answered.wait()
        return {"seen": True}

    line = Line()
    line.away = True
    device = Patient(execute=execute)
    async with running(tmp_path, {"pump": device}, line, buffer_mib=1):
        await stalled(tmp_path)
        line.dispatch(command_record("c1"))
        async with asyncio.timeout(20):
            while stages(tmp_path).get("c1") not in ("ended", "told"):
                await asyncio.sleep(0.01)
        assert await stalled(tmp_path) <= MIB * 1.25
        line.away = False
        (result,) = await line.results()
    assert result.status == "success"
