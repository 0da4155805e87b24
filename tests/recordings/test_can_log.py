"""CAN logs of Vector and ASAM beside python-can and cantools, which wrote and read them too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asammdf
import can
import cantools
import pytest

from nova.recordings.can_buses import NOT_IN_DBC, PARTLY, TOO_SHORT
from nova.recordings.can_log import EPOCH_USED, ZONE_UNUSED, can_log_kind, file_kind
from nova.recordings.field_units import FIELD_UNITS
from nova.recordings.format_detection import detect_format
from nova.recordings.open_recording import open_recording
from nova.recordings.recording import RecordingError, Step
from nova.recordings.recording_options import RecordingOptions
from nova.sdk import timestamps
from nova.sdk.events.envelope import ParsedMessage, RawFrame
from nova.sdk.events.event import Event
from nova.sdk.events.observation import Observer
from tests.recordings.mutation import survive
from tests.recordings.reading import everything

START_S = 1_722_000_000
DBC = """VERSION ""
BS_:
BU_: ECU
BO_ 291 Engine: 8 ECU
 SG_ Speed : 0|16@1+ (0.25,0) [0|16383] "rpm" ECU
 SG_ Oil : 16|8@1+ (1,-40) [-40|215] "degC" ECU
 SG_ Gear : 24|3@1+ (1,0) [0|7] "" ECU
BO_ 2566831872 Wheels: 8 ECU
 SG_ Left : 0|16@1- (0.01,0) [-300|300] "m/s" ECU
 SG_ Right : 16|16@1- (0.01,0) [-300|300] "m/s" ECU
VAL_ 291 Gear 0 "Park" 1 "Drive" ;
"""
KINDS = ("asc", "blf", "mf4")


def messages() -> list[can.Message]:
    """Frames of all kinds: both signals, one that no file defines, remote, FD."""
    found = []
    for number in range(60):
        at_s = START_S + number * 0.25
        engine = (1000 + number).to_bytes(2, "little") + bytes(
            [90 + number, number % 3, 0, 0, 0, 0]
        )
        found.append(can.Message(at_s, 0x123, is_extended_id=False, channel=0, data=engine))
        wheels = number.to_bytes(2, "little") * 2 + bytes(4)
        found.append(can.Message(at_s + 0.1, 0x18FEBF00, channel=1, data=wheels))
    for at_s, can_id, more in (
        (20, 0x7F0, {"data": b"\1"}),
        (21, 0x7F1, {"is_remote_frame": True, "dlc": 4}),
        (22, 0x7F2, {"is_fd": True, "data": bytes(range(16))}),
    ):
        found.append(can.Message(START_S + at_s, can_id, is_extended_id=False, channel=0, **more))
    return found


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one log of each kind, and the definition of its signals."""
    folder = tmp_path_factory.mktemp("logs")
    (folder / "car.dbc").write_text(DBC)
    for kind in KINDS:
        with can.Logger(str(folder / f"car.{kind}")) as logger:
            for message in messages():
                logger(message)
    return folder


def read(path: Path, **options: object) -> Iterator[Step]:
    """All of a log, as `nova produce` reads it."""
    given = RecordingOptions(**options)  # type: ignore[arg-type]
    return open_recording(path, Observer("test"), None, given)


def zoned(path: Path) -> dict[str, object]:
    """The options that a log needs."""
    return {"epoch": "2024-07-26T13:20:00Z"} if path.suffix == ".mf4" else {"time_zone": "UTC"}


def parsed(events: list[Event]) -> list[tuple[str, object]]:
    """The messages, with their values."""
    return [
        (one.envelope.message_type, one.envelope.payload)
        for one in events
        if isinstance(one.envelope, ParsedMessage)
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_frames_are_those_of_python_can(logs: Path, kind: str) -> None:
    """Every frame raw in its order, at its time since the start."""
    path = logs / f"car.{kind}"
    found = everything(read(path, **zoned(path), dbc=[logs / "car.dbc"]))
    assert found.problems == []
    with can.LogReader(str(path)) as reader:
        library = list(reader)
    frames = [one.envelope.frame for one in found.events if isinstance(one.envelope, RawFrame)]
    assert len(frames) == len(library) == len(messages())
    assert [frame[8:] for frame in frames] == [bytes(one.data) for one in library]
    times = [one.source_ns for one in found.events if one.series.lane == "raw"]
    expected = [one.timestamp - library[0].timestamp for one in library]
    assert [(one - times[0]) / 1e9 for one in times] == pytest.approx(expected, abs=2e-6)
    assert found.ids == everything(read(path, **zoned(path), dbc=[logs / "car.dbc"])).ids


@pytest.mark.parametrize("kind", KINDS)
def test_signals_are_those_of_cantools(logs: Path, kind: str) -> None:
    """Of each frame that the file defines, with units once for a message of an id."""
    path = logs / f"car.{kind}"
    found = everything(read(path, **zoned(path), dbc=[logs / "car.dbc"]))
    database: Any = cantools.database.load_file(str(logs / "car.dbc"))
    expected = []
    for message in messages():
        if message.arbitration_id in (0x123, 0x18FEBF00):
            definition = database.get_message_by_frame_id(message.arbitration_id)
            values = definition.decode(message.data)
            texts = {name: _text(value) for name, value in values.items()}
            expected.append((definition.name, texts))
    assert parsed(found.events) == expected
    assert found.notes[NOT_IN_DBC] == 3
    units = [one for one in found.events if one.series.message_type == FIELD_UNITS]
    assert len(units) == 2


def _text(value: object) -> object:
    """A value, by its name where the file names it."""
    return value if isinstance(value, int | float) else str(value)


def test_a_local_start_needs_a_zone(logs: Path) -> None:
    """ASC and BLF write local times; an epoch dates them too, and says that it does."""
    for kind in ("asc", "blf"):
        with pytest.raises(RecordingError, match="give --time-zone, or --epoch"):
            list(read(logs / f"car.{kind}"))
    berlin = everything(read(logs / "car.blf", time_zone="Europe/Berlin")).events[0].source_ns
    utc = everything(read(logs / "car.blf", time_zone="UTC")).events[0].source_ns
    assert (utc, utc - berlin) == (START_S * 10**9, 2 * 3600 * 10**9)
    dated = everything(read(logs / "car.blf", epoch="2024-01-01T00:00:00Z"))
    assert dated.events[0].source_ns == timestamps.parse("2024-01-01T00:00:00Z")
    assert dated.notes[EPOCH_USED] == 1


def test_a_start_in_utc_needs_nothing(logs: Path) -> None:
    """MF4 says whether its start is UTC; a zone is not used then."""
    path = logs / "utc.mf4"
    mdf: Any = asammdf.MDF(str(logs / "car.mf4"))
    mdf.header.time_flags = 0
    mdf.header.abs_time = START_S * 10**9
    mdf.save(str(path), overwrite=True)
    mdf.close()
    found = everything(read(path, time_zone="Europe/Berlin"))
    assert found.notes[ZONE_UNUSED] == 1
    assert found.lanes["raw"] == len(messages())
    seconds = [one.source_ns / 1e9 for one in found.events]
    assert min(seconds) == pytest.approx(START_S + mdf_first_s(path), abs=1e-6)


def mdf_first_s(path: Path) -> float:
    """Seconds from the start to the first frame, as asammdf has them."""
    with asammdf.MDF(str(path)) as mdf:
        return float(mdf.get("CAN_DataFrame", group=0).timestamps[0])


def test_logs_are_recognized_by_their_first_bytes(logs: Path, tmp_path: Path) -> None:
    for kind in KINDS:
        copy = tmp_path / kind
        copy.write_bytes((logs / f"car.{kind}").read_bytes())
        assert (detect_format(copy), file_kind(copy)) == ("can", kind)
    assert can_log_kind(b"(1.0) can0 123#00\n") is None


def test_a_damaged_line_of_asc_costs_itself(logs: Path, tmp_path: Path) -> None:
    """python-can ends at one; here it is a problem, and the next are read."""
    lines = (logs / "car.asc").read_text().splitlines(keepends=True)
    place = next(number for number, line in enumerate(lines) if " 123 " in line)
    lines[place] = lines[place].replace("d 8", "d zz")
    path = tmp_path / "car.asc"
    path.write_text("".join(lines))
    found = everything(read(path, time_zone="UTC"))
    assert [one.split(":")[0] for one in found.problems] == [f"line {place + 1}"]
    assert found.lanes["raw"] == len(messages()) - 1


def test_deltas_are_refused(logs: Path, tmp_path: Path) -> None:
    """Stamps that count from the line before would need lines that are no frames."""
    path = tmp_path / "car.asc"
    text = (logs / "car.asc").read_text()
    path.write_text(text.replace("timestamps absolute", "timestamps relative"))
    with pytest.raises(RecordingError, match="export it with absolute timestamps"):
        list(read(path, time_zone="UTC"))


def test_a_file_that_is_cut_says_so(logs: Path, tmp_path: Path) -> None:
    path = tmp_path / "car.blf"
    path.write_bytes((logs / "car.blf").read_bytes()[:-200])
    found = everything(read(path, time_zone="UTC"))
    assert any("cut short" in one for one in found.problems)


def test_a_wrong_definition_is_one_error(logs: Path, tmp_path: Path) -> None:
    broken = tmp_path / "car.dbc"
    broken.write_text("BO_ nothing")
    with pytest.raises(RecordingError, match=r"defines no CAN messages"):
        list(read(logs / "car.blf", dbc=[broken], time_zone="UTC"))


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_logs_end(logs: Path, tmp_path: Path, kind: str) -> None:
    """Truncated and mutated: frames and problems, or one refusal."""
    path = tmp_path / f"car.{kind}"
    path.write_bytes((logs / f"car.{kind}").read_bytes())
    survive(path, lambda copy: read(copy, **zoned(copy), dbc=[logs / "car.dbc"]), 40)


def test_a_frame_that_is_too_short_has_a_note(logs: Path, tmp_path: Path) -> None:
    """With the signals that it holds, or raw only."""
    path = tmp_path / "car.log"
    path.write_text("(1700000000.0) can0 123#E803\n(1700000001.0) can0 123#\n")
    found = everything(read(path, dbc=[logs / "car.dbc"]))
    assert parsed(found.events) == [("Engine", {"Speed": 250.0})]
    assert found.notes == {PARTLY: 1, TOO_SHORT: 1}
