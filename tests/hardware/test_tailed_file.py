"""The file follower: every line once, over rotations, cuts and restarts."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from nova.hardware.device import Parsed, Raw, Reading, Setup
from nova.hardware.tailed_file import TailedFile
from nova.recordings.logged_line import nmea_checksum
from nova.sdk import timestamps

POLL_S, QUIET_S = 0.001, 0.1
"""Look often."""


class Following:
    """A follower of one file, with all lines that it has read."""

    def __init__(self, folder: Path, *, quiet_s: float = QUIET_S, **options: object) -> None:
        self._quiet_s = quiet_s
        self.path = folder / "antenna.log"
        self.lines: list[str] = []
        (folder / "state").mkdir(exist_ok=True)
        self._setup = Setup("log", {"path": str(self.path), **options}, folder / "state")
        self._device = self._make()

    def _make(self) -> TailedFile:
        return TailedFile(self._setup, poll_s=POLL_S, quiet_s=self._quiet_s)

    async def open(self) -> None:
        """Begin, or begin again as another process would."""
        await self._device.close()
        self._device = self._make()
        await self._device.open()

    async def until(self, last: str) -> list[str]:
        """All lines, once this one is among them."""
        async with asyncio.timeout(20):
            while last not in self.lines:
                for reading in await self._device.read():
                    found = [one for one in reading.outputs if isinstance(one, Parsed)]
                    self.lines += [str(one.payload["text"]) for one in found]
        return self.lines

    async def read(self) -> list[Reading]:
        """What the next read returns."""
        async with asyncio.timeout(20):
            return list(await self._device.read())

    async def taken(self) -> None:
        """Ask once more, as the host does when what it got before is on the disk."""
        try:
            async with asyncio.timeout(0.05):
                await self._device.read()
        except TimeoutError:
            pass

    async def close(self) -> None:
        """Let go."""
        await self._device.close()

    def write(self, text: str) -> None:
        """Add to the file."""
        with self.path.open("a") as file:
            file.write(text)


async def test_follows_what_is_added(tmp_path: Path) -> None:
    """From the beginning, and half lines only when they are whole."""
    log = Following(tmp_path)
    log.write("one\ntwo\nthr")
    await log.open()
    assert await log.until("two") == ["one", "two"]
    log.write("ee\nfour\n")
    assert await log.until("four") == ["one", "two", "three", "four"]
    await log.close()


async def test_can_begin_at_the_end(tmp_path: Path) -> None:
    """As `tail -F -n 0` does, at its very first start only."""
    log = Following(tmp_path, start="end")
    log.write("old\n")
    await log.open()
    log.write("new\n")
    assert await log.until("new") == ["new"]
    await log.close()
    log.write("while away\n")
    await log.open()
    assert (await log.until("while away"))[-1] == "while away"
    assert "old" not in log.lines
    await log.close()


async def test_waits_for_a_file_that_is_not_there_yet(tmp_path: Path) -> None:
    """And reads it from its beginning."""
    log = Following(tmp_path)
    await log.open()
    await log.taken()
    log.write("first\n")
    assert await log.until("first") == ["first"]
    await log.close()


async def test_a_rotated_file_is_read_to_its_end_first(tmp_path: Path) -> None:
    """What was written just before and just after the rotation is there, in order."""
    log = Following(tmp_path)
    log.write("a1\n")
    await log.open()
    await log.until("a1")
    for number in range(3):
        log.write(f"before {number}\nunfinished {number}")
        log.path.rename(tmp_path / f"antenna.log.{number}")
        log.write(f"after {number}\n")
        await log.until(f"after {number}")
    assert log.lines == ["a1"] + [
        f"{what} {number}" for number in range(3) for what in ("before", "unfinished", "after")
    ]
    await log.close()


async def test_who_writes_may_be_late_to_notice_a_rotation(tmp_path: Path) -> None:
    """What still goes to the old file after the new one has been made is read first."""
    log = Following(tmp_path, quiet_s=1.0)
    log.write("a\n")
    await log.open()
    await log.until("a")
    old = log.path.rename(tmp_path / "antenna.log.1")
    log.write("new\n")
    for number in range(3):
        with old.open("a") as file:
            file.write(f"late {number}\n")
        await log.until(f"late {number}")
        await log.taken()  # which finds the end of the old file, and waits there
    assert await log.until("new") == ["a", "late 0", "late 1", "late 2", "new"]
    await log.close()


async def test_a_file_that_is_cut_is_read_from_its_start(tmp_path: Path) -> None:
    """As logrotate's copytruncate does."""
    log = Following(tmp_path)
    log.write("a long first line\n")
    await log.open()
    await log.until("a long first line")
    log.path.write_text("short\n")
    assert await log.until("short") == ["a long first line", "short"]
    await log.close()


async def test_goes_on_after_a_restart(tmp_path: Path) -> None:
    """Nothing twice, nothing missed, also over a rotation while nobody followed."""
    log = Following(tmp_path)
    log.write("one\n")
    await log.open()
    await log.until("one")
    await log.taken()
    await log.close()
    log.write("two\n")
    log.path.rename(tmp_path / "antenna.log.1")
    log.write("three\n")
    await log.open()
    assert await log.until("three") == ["one", "two", "three"]
    await log.taken()
    await log.close()
    log.write("four\n")
    await log.open()
    assert await log.until("four") == ["one", "two", "three", "four"]
    await log.close()


async def test_a_kill_repeats_no_event(tmp_path: Path) -> None:
    """What a killed host may have published is read again as the same events; the rest is new.

    A whole read of up to 256 KiB came again at new host times.
    """
    log = Following(tmp_path)
    log.write("same\nsame\n" + "".join(f"{number}\n" for number in range(500)) + "half")
    await log.open()
    published = await log.read()
    for _ in range(2):
        await log.open()  # Nothing was read after it, as if the host had been killed.
        assert await log.read() == published
    times = [reading.at_ns for reading in published]
    assert None not in times and len(set(times)) == 502
    log.write(" a line\nlast\n")
    assert [one.outputs[0] for one in await log.read()] == [Raw(b"half a line\n"), Raw(b"last\n")]
    await log.close()


async def test_a_kill_at_a_rotation_repeats_no_event(tmp_path: Path) -> None:
    """The unfinished line of the old file as little as any other."""
    log = Following(tmp_path)
    log.write("one\nunfinished")
    await log.open()
    await log.until("one")
    log.path.rename(tmp_path / "antenna.log.1")
    log.write("two\n")
    unfinished = await log.read()
    assert [one.outputs[0] for one in unfinished] == [Raw(b"unfinished")]
    await log.open()
    assert await log.read() == unfinished
    assert [one.outputs[0] for one in await log.read()] == [Raw(b"two\n")]
    await log.close()


async def test_a_cut_file_is_read_from_its_start_after_a_kill(tmp_path: Path) -> None:
    """Its old lines are gone, and none of the new ones is taken for them."""
    log = Following(tmp_path)
    log.write("a long first line\n")
    await log.open()
    await log.read()
    log.path.write_text("short\n")
    await log.open()
    assert [one.outputs[0] for one in await log.read()] == [Raw(b"short\n")]
    await log.close()


async def test_lines_that_end_with_cr_alone(tmp_path: Path) -> None:
    """The last one too, once it is clear that no LF follows."""
    log = Following(tmp_path)
    log.write("one\rtwo\r")
    await log.open()
    assert await log.until("two") == ["one", "two"]
    await log.close()


async def test_the_date_of_a_log_is_known_after_a_restart(tmp_path: Path) -> None:
    """Sentences without a date are of the log's day, not of the host's."""
    log = Following(tmp_path, decode="nmea", time="device")
    gga = "GPGGA,{}0000.00,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,"
    rmc = "GPRMC,220000.00,A,4807.038,N,01131.000,E,0.0,0.0,281120,,,A"
    log.write(checked(rmc) + checked(gga.format(23)))
    times = []
    for sentence in (None, gga.format("00"), gga.format("01")):
        if sentence is not None:
            log.write(checked(sentence))
        await log.open()
        times += [reading.at_ns for reading in await log.read()]
        await log.taken()
        await log.close()
    assert [timestamps.text(one)[:16] for one in times if one is not None] == [
        "2020-11-28T22:00",
        "2020-11-28T23:00",
        "2020-11-29T00:00",
        "2020-11-29T01:00",
    ]


@pytest.mark.parametrize("is_written_at_once", [True, False])
async def test_silence_counts_only_where_all_was_read(
    tmp_path: Path, is_written_at_once: bool
) -> None:
    """Lines of a receiver that was off are days later; those that nobody followed are not."""
    folder, path = tmp_path / "state", tmp_path / "gps.log"
    folder.mkdir()
    host_ns = timestamps.parse("2026-03-01T22:00:00Z")
    setup = Setup("log", {"path": str(path), "decode": "nmea", "time": "device"}, folder)
    gga = "GPGGA,230000.00,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,"
    path.write_text(checked("GPRMC,220000.00,A,4807.038,N,01131.000,E,0.0,0.0,281120,,,A"))

    async def times(log: TailedFile) -> list[str]:
        async with asyncio.timeout(20):
            return [timestamps.text(one.at_ns or 0)[:13] for one in await log.read()]

    log = TailedFile(setup, now_ns=lambda: host_ns)
    await log.open()
    assert await times(log) == ["2020-11-28T22"]
    waiting = asyncio.create_task(times(log))  # Now the host knows those to be all lines.
    await asyncio.sleep(0.05)
    waiting.cancel()
    await asyncio.wait((waiting,))
    await log.close()
    later = TailedFile(setup, now_ns=lambda: host_ns + 73 * 3600 * 10**9)
    await later.open()
    if is_written_at_once:
        _append(path, checked(gga))
        assert await times(later) == ["2020-11-28T23"]
    else:
        waiting = asyncio.create_task(times(later))
        await asyncio.sleep(0.2)
        _append(path, checked(gga))
        assert await waiting == ["2020-12-01T23"]
    await later.close()
    again = TailedFile(setup, now_ns=lambda: host_ns + 999 * 3600 * 10**9)
    await again.open()  # As after a kill: the same lines, at the same times.
    assert await times(again) == ["2020-11-28T23" if is_written_at_once else "2020-12-01T23"]
    await again.close()


def _append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def checked(sentence: str) -> str:
    """A sentence with its checksum."""
    return f"${sentence}*{nmea_checksum(sentence.encode()):02X}\r\n"
