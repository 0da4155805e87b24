"""CAN recordings: every frame raw, the messages that they make parsed."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

import pytest

from nova.recordings.can import EPOCH_UNUSED, NO_FRAME, RELATIVE, CanReader
from nova.recordings.can_buses import (
    BUSES_MAX,
    INCOMPLETE,
    INTERFACE_ERROR,
    NOT_NMEA_2000,
    NOT_NMEA_2000_BUS,
)
from nova.recordings.candump import parse_frame
from nova.recordings.format_detection import detect_format
from nova.recordings.recording import RecordingError
from nova.sdk import timestamps
from nova.sdk.events.envelope import RawFrame
from nova.sdk.events.observation import Observer
from tests.made_logs import gnss_lines
from tests.recordings.reading import Everything, everything

BOAT = "can/logfile_20140914_365495765_can.log"
POSITION = "(1410714882.622188) can0 09F80102#36729A16021AB80D\n"


def read(path: Path, epoch_ns: int | None = None) -> Everything:
    """A whole recording."""
    return everything(CanReader(path, Observer("test"), epoch_ns=epoch_ns).steps())


def written(folder: Path, *lines: str) -> Path:
    """A recording made of these lines."""
    path = folder / "log"
    path.write_bytes("".join(lines).encode())
    return path


def test_boat(recordings: Path) -> None:
    """10,495 frames of 16 ids make 4,319 messages; times are the log's own."""
    path = recordings / BOAT
    found = read(path)
    assert found.lanes == {"raw": 10_495, "parsed": 4_319}
    assert (found.notes, found.problems) == ({INCOMPLETE: 9}, [])
    assert found.end_bytes == path.stat().st_size
    assert len(set(found.ids)) == len(found.events)
    assert len({event.series[1:5] for event in found.events if event.series.lane == "raw"}) == 16
    times = [timestamps.text(event.source_ns) for event in found.events]
    assert (times[0], times[-1]) == (
        "2014-09-14T17:14:42.622188000Z",
        "2014-09-14T17:18:17.821497000Z",
    )
    kinds = [event.series.message_type for event in found.events]
    assert kinds.count("positionRapidUpdate") == 2_040
    assert kinds.count("aisClassAPositionReport") == 124


def test_raw_is_the_frame(recordings: Path) -> None:
    """Every byte of the log's data is there again, in order."""
    found = read(recordings / BOAT)
    frames = [one.envelope.frame for one in found.events if isinstance(one.envelope, RawFrame)]
    lines = (recordings / BOAT).read_bytes().splitlines()
    logged = [one for line in lines if (one := parse_frame(line))]
    assert frames == [one.packed() for one in logged]
    assert [data[8:] for data in frames] == [one.data for one in logged]


@pytest.mark.slow
def test_same_file_has_the_same_ids(recordings: Path) -> None:
    """Invariant 2."""
    assert read(recordings / BOAT).ids == read(recordings / BOAT).ids


def test_ids_that_nobody_defines_are_raw_only(tmp_path: Path) -> None:
    """A note for long ids; short ones are of another world and not worth one."""
    path = written(
        tmp_path, "# head\n", "\n", POSITION, "(1.5e9) x\n", "(1500000000.0) can1 1A3#00\n"
    )
    found = read(path)
    assert found.lanes == {"raw": 2, "parsed": 1}
    assert (found.notes, found.problems) == ({}, [f"line 4: {NO_FRAME}"])
    path = written(tmp_path, "(1500000000.0) can1 0CF00400#FFFFFFFFFFFFFFFF\n")
    assert read(path).notes == {NOT_NMEA_2000: 1}


def test_a_last_line_without_its_end_is_cut(tmp_path: Path) -> None:
    """Half of a frame's data would pass for a shorter frame, so it is none."""
    found = read(written(tmp_path, POSITION, POSITION[:-9]))
    assert found.lanes == {"raw": 1, "parsed": 1}
    assert found.problems == ["line 2: cut short: the line has no line end"]


def test_a_line_without_end_is_measured_not_held(tmp_path: Path) -> None:
    """A megabyte of noise is one problem, and what follows is read."""
    found = read(written(tmp_path, "x" * 1_000_000 + "\n", POSITION))
    assert found.problems == [f"line 1: {NO_FRAME}"]
    assert found.lanes == {"raw": 1, "parsed": 1}


def test_two_buses_do_not_mix_their_messages(tmp_path: Path) -> None:
    """The frames of one long message on two interfaces in turn make it on each."""
    position = [line.decode() for line in gnss_lines(0)]
    lines = [other for line in position for other in (line, line.replace("can0", "can1"))]
    found = read(written(tmp_path, *lines))
    parsed = [event.series.container_id for event in found.events if event.series.lane == "parsed"]
    assert sorted(parsed) == ["can0", "can1"]


def test_relative_stamps_need_an_epoch(tmp_path: Path) -> None:
    """Stamps that begin at zero are no times; with --epoch they count from it."""
    path = written(tmp_path, "(000.250000) can0 1A3#00\n")
    with pytest.raises(RecordingError, match="--epoch"):
        read(path)
    epoch_ns = timestamps.parse("2026-05-01T00:00:00Z")
    assert read(path, epoch_ns).events[0].source_ns == epoch_ns + 250_000_000


def test_absolute_stamps_stay_with_an_epoch(tmp_path: Path) -> None:
    """Before, the epoch was added: 2079. That it is not used is said."""
    path = written(tmp_path, POSITION, "(5.0) can0 1A3#00\n")
    epoch_ns = timestamps.parse("2026-05-01T00:00:00Z")
    found = read(path, epoch_ns)
    times = {event.source_ns for event in found.events}
    assert times == {1_410_714_882_622_188_000, epoch_ns + 5 * 10**9}
    assert found.notes == {EPOCH_UNUSED: 1}


def test_a_damaged_stamp_costs_its_line(tmp_path: Path) -> None:
    """Before, it ended the whole log."""
    found = read(written(tmp_path, POSITION, POSITION.replace("1410714882", "1410"), POSITION))
    assert found.lanes == {"raw": 2, "parsed": 2}
    assert found.problems == [f"line 2: {RELATIVE}"]


def test_interfaces_are_bounded(tmp_path: Path) -> None:
    """Each bus keeps the parts of its messages, so their number is bounded."""
    lines = [f"(1500000000.0) can{number} 1A3#00\n" for number in range(BUSES_MAX + 2)]
    found = read(written(tmp_path, *lines))
    assert found.lanes == {"raw": BUSES_MAX}
    assert len(found.problems) == 2


def test_a_truck_is_no_boat(tmp_path: Path) -> None:
    """Before, J1939's frames that makers use as they like were messages of a boat's makers."""
    path = tmp_path / "truck.log"
    ids = ("0CF00400", "18FEEE00", "18FF1227", "18EF2127", "18EEFF27")
    truck = [f"({number}.0) can0 {one}#E099112233445566" for number, one in enumerate(ids, 1)]
    path.write_text("\n".join(truck) + "\n")
    found = read(path, epoch_ns=0)
    assert found.lanes == {"raw": 5}
    assert found.notes == {NOT_NMEA_2000: 2, NOT_NMEA_2000_BUS: 3}
    heading = "(9.0) {} 09F11201#FF0000FF7FFF7FFC"
    path.write_text("\n".join([*truck, heading.format("can1")]) + "\n")
    assert read(path, epoch_ns=0).notes[NOT_NMEA_2000_BUS] == 3
    path.write_text("\n".join([*truck, heading.format("can0")]) + "\n")
    assert NOT_NMEA_2000_BUS not in read(path, epoch_ns=0).notes


def test_an_error_of_the_interface_is_raw(tmp_path: Path) -> None:
    """And says so; it is no frame of the bus."""
    path = tmp_path / "bus.log"
    path.write_text("(1722000000.0) can0 20000004#0008000000000000\n")
    found = read(path)
    assert (found.lanes, found.notes) == ({"raw": 1}, {INTERFACE_ERROR: 1})


def test_what_candump_prints_for_people_is_one_error(tmp_path: Path) -> None:
    """Before, one a line, or none that said what to do."""
    path = tmp_path / "human.log"
    path.write_text(" (1722000000.000000)  vcan0  123   [4]  DE AD BE EF\n" * 9)
    assert detect_format(path) == "can"
    with pytest.raises(RecordingError, match="candump -l"):
        read(path)


def read_mutated(folder: Path, count: int, seed: int) -> None:
    """Whatever is wrong: raw frames, problems and notes, or one refusal."""
    generator = random.Random(seed)
    path = folder / "bus.log"
    for _ in range(count):
        frames = [
            f"({number}.0) can0 {0x09F00000 | generator.randrange(0x20000):08X}#"
            f"{generator.randbytes(generator.randint(0, 8)).hex()}"
            for number in range(10)
        ]
        data = bytearray("\n".join(["(0.0) can0 09F11201#FF0000FF7FFF7FFC", *frames, ""]).encode())
        for _ in range(generator.randint(0, 4)):
            place = generator.randrange(len(data))
            data[place : place + generator.randint(0, 2)] = generator.randbytes(1)
        path.write_bytes(data)
        with contextlib.suppress(RecordingError):
            read(path, epoch_ns=0)


def test_mutated_logs_end(tmp_path: Path) -> None:
    """Also those of messages that the library fails over."""
    read_mutated(tmp_path, 300, seed=1)


@pytest.mark.slow
def test_many_mutated_logs_end(tmp_path: Path) -> None:
    """The same, long enough to meet what is rare."""
    read_mutated(tmp_path, 10_000, seed=2)
