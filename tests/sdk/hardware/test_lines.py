"""Lines: cut out of a stream in bounded memory, and understood where they can be."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdk.hardware.device import Output, Parsed, Raw, Reading
from sdk.hardware.lines import LINE_MAX_BYTES, LineReader, LineSplitter, Meaning
from sdk.observation import Entity

ENTITY = Entity("boat", "bridge", "log")
RMC = b"$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W*6A\r\n"


@given(st.lists(st.binary(max_size=40)), st.integers(1, 16))
def test_nothing_of_a_stream_is_lost(pieces: list[bytes], max_bytes: int) -> None:
    """Whatever comes in whatever pieces comes out in order, and no piece is beyond the limit."""
    splitter = LineSplitter(max_bytes)
    found = [line for piece in pieces for line in splitter.feed(piece)]
    assert all(0 < len(line) <= max_bytes for line in found)
    assert all(b"\n" not in line[:-1] for line in found)
    assert splitter.waiting_bytes <= max_bytes
    assert b"".join(found) + splitter.rest() == b"".join(pieces)


def test_noise_without_a_line_end_comes_in_pieces() -> None:
    """A device that never ends its line takes no more memory than one line."""
    splitter = LineSplitter()
    found = splitter.feed(b"\xff" * (3 * LINE_MAX_BYTES + 5))
    assert [len(line) for line in found] == [LINE_MAX_BYTES] * 3
    assert splitter.waiting_bytes == 5


def read(meaning: Meaning, line: bytes, type_member: str | None = None) -> Reading:
    """What a line says."""
    (reading,) = LineReader(meaning, ENTITY, type_member=type_member).readings(line)
    return reading


def outputs(reading: Reading) -> list[Output]:
    """All of them."""
    return list(reading.outputs)


def test_sentences_are_what_recordings_of_them_are() -> None:
    """A live sentence makes the events that `nova produce` makes of the same line."""
    reading = read("nmea", RMC)
    assert reading.entity == Entity("boat", "GP", "RMC")
    raw, parsed, position = outputs(reading)
    assert raw == Raw(RMC)
    assert isinstance(parsed, Parsed) and isinstance(position, Parsed)
    assert (parsed.message_type, parsed.payload["spd_over_grnd"]) == ("RMC", 22.4)
    assert position.payload == {"latitude": 48.1173, "longitude": 11.516666667}


def test_a_log_of_sentences_is_understood(made: Path) -> None:
    """A receiver's log, line by line as it would come over a wire."""
    lines = (made / "boat.log").read_bytes().splitlines(keepends=True)
    readings = [read("nmea", line) for line in lines]
    found = [one for reading in readings for one in reading.outputs if isinstance(one, Parsed)]
    assert {parsed.message_type for parsed in found} == {"RMC", "GGA", "HDG", "Position"}
    assert all(isinstance(reading.outputs[0], Raw) for reading in readings)


def test_real_sentences_are_understood(recordings: Path) -> None:
    """A real receiver's log, line by line as it would come over a wire."""
    lines = (recordings / "gps/bundg_zeus_9.log").read_bytes().splitlines(keepends=True)
    readings = [read("nmea", line) for line in lines[:500]]
    found = [one for reading in readings for one in reading.outputs if isinstance(one, Parsed)]
    assert "Position" in {parsed.message_type for parsed in found}
    assert all(isinstance(reading.outputs[0], Raw) for reading in readings)


@pytest.mark.parametrize(
    ("meaning", "line", "expected"),
    [
        ("text", b"all is well\r\n", Parsed("Line", {"text": "all is well"})),
        ("text", b"\xff\xfe\n", None),
        ("json", b'{"class":"TPV","lat":1.5}\n', Parsed("TPV", {"class": "TPV", "lat": 1.5})),
        ("json", b'{"class":"two words"}\n', Parsed("Line", {"class": "two words"})),
        ("json", b'{"half":\n', None),
        ("json", b"[1]\n", None),
        ("json", b'{"a":' + b"[" * 5000 + b"\n", None),
        ("none", b"x\n", None),
        ("nmea", b"$GPRMC,garbage*00\n", None),
        ("nmea", b"\x00\xff noise\n", None),
    ],
)
def test_what_is_not_understood_is_raw(
    meaning: Meaning, line: bytes, expected: Output | None
) -> None:
    """The bytes are always there, garbage too."""
    raw, *rest = outputs(read(meaning, line, "class"))
    assert raw == Raw(line)
    assert rest == ([expected] if expected is not None else [])
