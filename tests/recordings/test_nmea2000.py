"""NMEA 2000 messages from frames: known ones, long ones, and those that nobody defines."""

from __future__ import annotations

from pathlib import Path

from nova.recordings.candump import CanFrame, parse_frame
from nova.recordings.nmea2000 import Nmea2000Bus
from tests.made_logs import GNSS_FRAMES, gnss_lines


def of(text: str) -> CanFrame:
    """The frame of an id and its data."""
    found = parse_frame(f"(0.0) can0 {text}".encode())
    assert found is not None
    return found


def test_a_message_of_one_frame() -> None:
    """A position in degrees, without the dust of binary arithmetic."""
    position = of("09F80102#36729A16021AB80D")
    bus = Nmea2000Bus()
    assert bus.is_defined(position)
    assert bus.add_frame(position) == (
        "positionRapidUpdate",
        {"latitude": 37.9220534, "longitude": 23.016909},
    )


def gnss(messages: int) -> list[CanFrame]:
    """The frames of messages of seven frames each."""
    lines = [line for number in range(messages) for line in gnss_lines(number)]
    return [found for line in lines if (found := parse_frame(line.rstrip(b"\n")))]


def test_a_made_message_of_many_frames() -> None:
    """Only the frame that completes a message gives it; dates are JSON, what is reserved is not."""
    frames = gnss(2)
    bus = Nmea2000Bus()
    messages = [message for one in frames if (message := bus.add_frame(one))]
    assert len(messages) == len(frames) // GNSS_FRAMES == 2
    kind, fields = messages[0]
    assert (kind, fields["date"], fields["numberOfSvs"]) == ("gnssPositionData", "2026-03-01", 12)
    assert all(not name.startswith("reserved") for name in fields)


def test_a_message_of_many_frames(recordings: Path) -> None:
    """Only the frame that completes a message gives it; lists, dates and times are JSON."""
    log = recordings / "can/logfile_20140914_365495765_can.log"
    lines = [line for line in log.read_bytes().splitlines() if b" 0DF80502#" in line]
    frames = [found for line in lines[:20] if (found := parse_frame(line))]
    bus = Nmea2000Bus()
    messages = [message for one in frames if (message := bus.add_frame(one))]
    # Seven frames of 8 bytes each, and the log begins with the first.
    assert len(messages) == len(frames) // 7 == 2
    kind, fields = messages[0]
    assert kind == "gnssPositionData"
    assert (fields["date"], fields["time"]) == ("2014-09-14", "16:53:04")
    assert fields["numberOfSvs"] == 12
    assert all(not name.startswith("reserved") for name in fields)


def test_a_missing_frame_makes_no_message() -> None:
    """A message with a hole in it is none; the next one is."""
    frames = gnss(2)
    bus = Nmea2000Bus()
    assert len([one for one in frames[:3] + frames[4:] if bus.add_frame(one)]) == 1


def test_frames_that_come_twice_or_are_lost() -> None:
    """Before, doubled frames made no message, and of two halves one false message was made."""
    frames = gnss(9)
    whole = Nmea2000Bus()
    wanted = [message for one in frames if (message := whole.add_frame(one))]
    doubled = Nmea2000Bus()
    found = [message for one in frames for _ in "ab" if (message := doubled.add_frame(one))]
    assert found == wanted
    lossy = Nmea2000Bus()
    halves = frames[:3] + frames[8 * GNSS_FRAMES + 3 :]
    second_ns = 10**9
    made = [lossy.add_frame(one, second_ns * (place // 3)) for place, one in enumerate(halves)]
    assert not any(made)
    assert lossy.take_incomplete() >= 1


def test_frames_that_are_no_nmea_2000() -> None:
    """Short ids, requests, CAN FD, and parameter groups of other worlds (J1939's engine speed)."""
    bus = Nmea2000Bus()
    others = ("1A3#00", "09F80102#R", "09F80102##0" + "00" * 8, "0CF00400#" + "FF" * 8)
    assert [bus.is_defined(of(text)) for text in others] == [False] * 4


def test_data_that_says_nothing() -> None:
    """All bits set is NMEA 2000's way to say so; the fields are left out."""
    assert Nmea2000Bus().add_frame(of("09F80102#FFFFFF7FFFFFFF7F")) == ("positionRapidUpdate", {})
