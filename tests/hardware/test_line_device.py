"""Line devices: real sockets, a real (pseudo-)terminal, and lines that go the other way."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from nova.hardware.device import Command, CommandRefusedError, DeviceError, Progress, Raw, Setup
from nova.hardware.line_device import LineDevice
from nova.recordings.logged_line import nmea_checksum
from nova.sdk import timestamps
from nova.sdk.errors import SettingsError
from nova.sdk.events.observation import Entity
from nova.sdk.field_types import JsonObject
from tests.hardware.serving import Speaker, serial_line

GGA = b"$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n"


def device(folder: Path, source: str, **options: object) -> LineDevice:
    """A line device called `gps`."""
    return LineDevice(Setup("gps", {"source": source, **options}, folder))


def command(command_type: str, payload: JsonObject | None = None) -> Command:
    """A command for it."""
    return Command("c1", Entity("hardware", "device", "gps"), command_type, payload or {}, 0)


async def no_progress(percent: float, message: str | None = None) -> None:
    """Nobody listens."""


async def frames(one: LineDevice) -> list[bytes]:
    """The lines of the next read."""
    async with asyncio.timeout(20):
        readings = await one.read()
    first = [reading.outputs[0] for reading in readings]
    return [output.frame for output in first if isinstance(output, Raw)]


async def test_lines_over_tcp(tmp_path: Path) -> None:
    """gpsd's way: say hello, then lines in whatever pieces; commands are lines back."""
    async with Speaker().serving() as speaker:
        gps = device(
            tmp_path,
            f"tcp://127.0.0.1:{speaker.port}",
            hello='?WATCH={"enable":true,"nmea":true}',
            commands={"gps.restart": "$PMTK101*32"},
        )
        await gps.open()
        far = await speaker.connection()
        assert await speaker.heard.get() == b'?WATCH={"enable":true,"nmea":true}\n'
        far.write(GGA + GGA[:20])
        assert await frames(gps) == [GGA]
        far.write(GGA[20:] + b"\r\n\n")
        assert await frames(gps) == [GGA]
        assert await gps.execute(command("gps.restart"), no_progress) is None
        assert await speaker.heard.get() == b"$PMTK101*32\r\n"
        with pytest.raises(CommandRefusedError, match=r"gps\.jump"):
            await gps.execute(command("gps.jump"), no_progress)
        (target,) = gps.targets()
        assert target.accepts("gps.restart") and not target.accepts("gps.jump")
        far.close()
        with pytest.raises(DeviceError, match="closed the connection"):
            await frames(gps)
        await gps.close()


SETTING = {
    "line": "VOLT 5",
    "confirm": r"^OK volt=(?P<volts>[\d.]+)",
    "refuse": "^ERR",
    "within_s": 20,
}


@asynccontextmanager
async def supply(
    folder: Path, setting: JsonObject
) -> AsyncIterator[tuple[LineDevice, asyncio.StreamWriter, list[str | None]]]:
    """A power supply that is being read, its far end, and what its commands say of themselves."""
    said: list[str | None] = []
    async with Speaker().serving() as speaker:
        source = f"tcp://127.0.0.1:{speaker.port}"
        psu = device(folder, source, decode="text", commands={"volt.set": setting})
        await psu.open()
        far = await speaker.connection()
        reading = asyncio.create_task(read_on(psu))
        try:
            yield psu, far, said
        finally:
            reading.cancel()
            await asyncio.wait((reading,))
            await psu.close()


async def read_on(psu: LineDevice) -> None:
    """Read as its runner does."""
    while True:
        await psu.read()


def noting(said: list[str | None]) -> Progress:
    """Progress that is kept."""

    async def progress(percent: float, message: str | None = None) -> None:
        said.append(message)

    return progress


async def test_a_pause_of_the_host_is_no_silence_of_the_device(tmp_path: Path) -> None:
    """Days in which a full buffer made the device wait are not added; days of silence are."""
    host_ns = timestamps.parse("2026-03-01T22:00:00Z")
    lines = [
        "GPRMC,220000.00,A,4807.038,N,01131.000,E,0.0,0.0,281120,,,A",
        "GPGGA,230000.00,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,",
    ]
    async with Speaker().serving() as speaker:
        options: dict[str, object] = {"source": f"tcp://127.0.0.1:{speaker.port}", "time": "device"}
        gps = LineDevice(Setup("gps", options, tmp_path), now_ns=lambda: host_ns)
        await gps.open()
        far = await speaker.connection()
        times = []
        for line, paused_h, silent_h in ((lines[0], 0, 0), (lines[1], 72, 0), (lines[1], 0, 72)):
            host_ns += paused_h * 3600 * 10**9
            reading = asyncio.create_task(gps.read())
            await asyncio.sleep(0)
            host_ns += silent_h * 3600 * 10**9
            far.write(f"${line}*{nmea_checksum(line.encode()):02X}\r\n".encode())
            times += [timestamps.text(one.at_ns or 0)[:13] for one in await reading]
        await gps.close()
    assert times == ["2020-11-28T22", "2020-11-28T23", "2020-12-01T23"]


async def test_what_the_device_answers_decides(tmp_path: Path) -> None:
    """Before, a command was a success as soon as its line was written."""
    async with supply(tmp_path, SETTING) as (psu, far, said):
        doing = asyncio.create_task(psu.execute(command("volt.set"), noting(said)))
        await until(lambda: said == ["written"])
        far.write(b"U=4.98\r\n")
        done, _ = await asyncio.wait((doing,), timeout=0.1)
        assert not done, "telemetry is no answer"
        far.write(b"OK volt=5.00\r\n")
        assert await doing == {"answer": "OK volt=5.00", "volts": "5.00"}
        doing = asyncio.create_task(psu.execute(command("volt.set"), noting(said)))
        await until(lambda: len(said) == 2)
        far.write(b"ERR -222 out of range\r\n")
        with pytest.raises(
            CommandRefusedError, match="refused by the device: ERR -222 out of range"
        ):
            await doing


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.001)


async def test_a_device_that_does_not_answer_leaves_the_end_unknown(tmp_path: Path) -> None:
    """Neither a success nor a refusal; what came before the command is no answer to it."""
    async with supply(tmp_path, SETTING | {"within_s": 0.2}) as (psu, far, said):
        far.write(b"OK volt=3.30\r\n")
        await asyncio.sleep(0.1)
        with pytest.raises(CommandRefusedError, match=r"no answer within 0\.2 s.*unknown"):
            await psu.execute(command("volt.set"), noting(said))


async def test_a_connection_that_ends_before_the_answer_is_said(tmp_path: Path) -> None:
    """No answer comes over it any more."""
    async with supply(tmp_path, SETTING) as (psu, _, said):
        doing = asyncio.create_task(psu.execute(command("volt.set"), noting(said)))
        await until(lambda: said == ["written"])
        await psu.close()
        with pytest.raises(CommandRefusedError, match="connection ended before an answer"):
            await doing


async def test_an_argument_that_no_line_has_is_refused(tmp_path: Path) -> None:
    """Before, it was dropped, and the fixed line was sent all the same."""
    async with supply(tmp_path, SETTING) as (psu, _, said):
        with pytest.raises(
            CommandRefusedError, match=r"volt\.set has no argument 'volts'; it takes none"
        ):
            await psu.execute(command("volt.set", {"volts": 12}), noting(said))
        assert said == []


async def test_half_a_line_of_an_old_connection_is_a_line_of_its_own(tmp_path: Path) -> None:
    """It is not glued to what comes after, and was lost before."""
    async with Speaker().serving() as speaker:
        gps = device(tmp_path, f"tcp://127.0.0.1:{speaker.port}")
        for left in ([], [b"$GPGGA,12"]):
            await gps.open()
            far = await speaker.connection()
            far.write(GGA + b"$GPGGA,12")
            assert [*left, GGA] == [line for _ in [*left, GGA] for line in await frames(gps)]
            await gps.close()


async def test_the_last_line_of_a_connection_needs_no_end(tmp_path: Path) -> None:
    """As the last line of a file; it was lost."""
    async with Speaker().serving() as speaker:
        gps = device(tmp_path, f"tcp://127.0.0.1:{speaker.port}")
        await gps.open()
        far = await speaker.connection()
        far.write(GGA + GGA.strip())
        await far.drain()
        far.close()
        assert [line for _ in range(2) for line in await frames(gps)] == [GGA, GGA.strip()]
        with pytest.raises(DeviceError, match="closed the connection"):
            await frames(gps)
        await gps.close()


async def test_lines_that_end_with_cr_alone(tmp_path: Path) -> None:
    """They gave no event at all. The last one does not wait for what comes next."""
    async with Speaker().serving() as speaker:
        gps = device(tmp_path, f"tcp://127.0.0.1:{speaker.port}", decode="text")
        await gps.open()
        far = await speaker.connection()
        far.write(b"T=1\rT=2\r")
        assert [line for _ in range(2) for line in await frames(gps)] == [b"T=1\r", b"T=2\r"]
        await gps.close()


async def test_lines_over_a_serial_line(tmp_path: Path) -> None:
    """Raw bytes both ways, and an error when the line is cut."""
    with serial_line() as (far, path):
        gps = device(tmp_path, f"serial://{path}?baud=115200", commands={"gps.stop": "stop"})
        await gps.open()
        os.write(far, b"\x03\x11noise\n" + GGA)
        assert await frames(gps) == [b"\x03\x11noise\n", GGA]
        await gps.execute(command("gps.stop"), no_progress)
        assert os.read(far, 100) == b"stop\r\n"
        await gps.close()
        await gps.open()
        os.write(far, GGA)
        assert await frames(gps) == [GGA]
        os.close(far)
        with pytest.raises((OSError, DeviceError)):
            await frames(gps)
        await gps.close()


async def test_what_is_no_serial_line_says_so(tmp_path: Path) -> None:
    """A plain file has no speed."""
    plain = tmp_path / "plain"
    plain.touch()
    gps = device(tmp_path, f"serial://{plain}")
    with pytest.raises(DeviceError, match="not a serial line"):
        await gps.open()
    await gps.close()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"source": "udp://127.0.0.1:1"}, "tcp://, serial://"),
        ({"source": "tcp://127.0.0.1"}, "tcp://HOST:PORT"),
        ({"source": "tcp://127.0.0.1:99999"}, "not a URL"),
        ({"source": "serial:///dev/ttyS0?baud=17"}, "baud '17'"),
        ({"source": "serial:///dev/ttyS0?parity=e"}, "parity"),
        ({"source": "tcp://h:1", "entity": "a/b"}, "SYSTEM/CONTAINER/UNIQUE"),
        ({"source": "tcp://h:1", "decode": "morse"}, "morse"),
        ({"source": "tcp://h:1", "sauce": 1}, "sauce"),
        ({"source": "tcp://h:1", "commands": {"a": {"line": "A", "confirm": "("}}}, "commands.a"),
        (
            {"source": "tcp://h:1", "commands": {"a": {"line": "A", "refuse": "E"}}},
            "requires `confirm`",
        ),
        ({"source": "tcp://h:1", "commands": {"a": {"line": "A", "conform": "E"}}}, "conform"),
        ({}, "source"),
    ],
)
def test_wrong_options_name_the_device_and_the_rule(
    tmp_path: Path, options: JsonObject, words: str
) -> None:
    """One clear error, before anything is opened."""
    with pytest.raises(SettingsError, match=r"devices\.gps") as raised:
        LineDevice(Setup("gps", options, tmp_path))
    assert words in str(raised.value)
