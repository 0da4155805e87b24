"""ArduPilot's dataflash logs beside pymavlink's reader."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymavlink import DFReader

from nova.recordings.ardupilot import NO_STAMP, ArdupilotReader
from nova.recordings.dataflash import CUT, DEFINING
from nova.recordings.format_detection import detect_format
from nova.recordings.recording import RecordingError, Step
from nova.sdk import timestamps
from nova.sdk.events.envelope import ParsedMessage
from nova.sdk.events.observation import Observer
from nova.sdk.producer.view_updates import ViewUpdates
from tests.recordings.mutation import survive
from tests.recordings.reading import everything, units_of

WEEK, OF_WEEK_MS = 2412, 43_218_000  # 2026-03-29T12:00:00Z, with 18 leap seconds
BOOT_US = 5_000_000
FIRST_NS = timestamps.parse("2026-03-29T12:00:00Z")
FORMATS = {
    129: (
        "GPS",
        "QBBIHBcLLeff",
        "TimeUS,I,Status,GMS,GWk,NSats,HDop,Lat,Lng,Alt,Spd,GCrs",
    ),
    130: ("ATT", "QccccCC", "TimeUS,DesRoll,Roll,DesPitch,Pitch,DesYaw,Yaw"),
    131: ("MSG", "QZ", "TimeUS,Message"),
    132: ("ISBD", "Qa", "TimeUS,x"),
    133: ("BAT", "QBfff", "TimeUS,Inst,Volt,Curr,RemPct"),
    134: ("NOTE", "n", "Text"),
    140: ("UNIT", "QbZ", "TimeUS,Id,Label"),
    141: ("FMTU", "QBNN", "TimeUS,FmtType,UnitIds,MultIds"),
    142: ("MULT", "Qbd", "TimeUS,Id,Mult"),
}


def _record(number: int, *values: object) -> bytes:
    codes = "".join(DFReader.FORMAT_TO_STRUCT[code][0] for code in FORMATS[number][1])
    return bytes([0xA3, 0x95, number]) + struct.pack("<" + codes, *values)


def _head() -> bytes:
    layout = struct.Struct("<BB4s16s64s")
    rows = {128: ("FMT", "BBnNZ", "Type,Length,Name,Format,Columns"), **FORMATS}
    found = b""
    for number, (name, codes, columns) in rows.items():
        size = 3 + sum(struct.calcsize("<" + DFReader.FORMAT_TO_STRUCT[one][0]) for one in codes)
        texts = (name.encode(), codes.encode(), columns.encode())
        found += bytes([0xA3, 0x95, 128]) + layout.pack(number, size, *texts)
    return found


def log_bytes(seconds: int = 20, status: int = 3) -> bytes:
    """A copter that rises: a fix, attitudes, two batteries and a message a second."""
    data = _head()
    for sign, unit in (("D", "deg"), ("v", "V"), ("s", "s"), ("#", "instance")):
        data += _record(140, 100, ord(sign), unit.encode())
    data += _record(142, 100, ord("-"), 0.0) + _record(142, 100, ord("F"), 1e-6)
    data += _record(141, 100, 133, b"s#v--", b"F----")
    data += _record(134, b"hi")
    for number in range(seconds):
        at_us = BOOT_US + number * 1_000_000
        place = (int(52.5e7) + number, int(5.25e7), 100 * number)
        time = (status, OF_WEEK_MS + number * 1000, WEEK)
        data += _record(129, at_us, 0, *time, 12, 95, *place, 1.5, 90.0)
        data += _record(130, at_us + 10, 0, 150 + number, 0, -250, 0, 9000)
        for one in (0, 1):
            data += _record(133, at_us + 20, one, 12.5 - one, 3.0, math.nan if one else 80.0)
        data += _record(131, at_us + 30, f"second {number}".encode())
        data += _record(132, at_us + 40, struct.pack("<32h", *range(32)))
    return data


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "00000001.BIN"
    path.write_bytes(log_bytes())
    return path


def read(path: Path, epoch_ns: int | None = None) -> Iterator[Step]:
    observer = Observer("test")
    return ArdupilotReader(path, observer, epoch_ns=epoch_ns, views=ViewUpdates(observer)).steps()


def by_pymavlink(path: Path) -> list[tuple[str, float, dict[str, Any]]]:
    """Kind, time in seconds and values of each record that holds data."""
    reader: Any = DFReader.DFReader_binary(str(path))
    found = []
    while (message := reader.recv_msg()) is not None:
        if message.get_type() not in DEFINING:
            values = message.to_dict()
            values.pop("mavpackettype")
            found.append((message.get_type(), reader.clock.timestamp, values))
    reader.data_map.close()
    reader.filehandle.close()
    return found


def comparable(values: dict[str, Any]) -> dict[str, Any]:
    """Values as JSON has them."""
    lists = {name: one.tolist() if hasattr(one, "tolist") else one for name, one in values.items()}
    return {name: one for name, one in lists.items() if one == one}


def test_records_are_those_of_pymavlink(log: Path) -> None:
    """Kinds, values and times: the week and time of week of a fix are UTC with leap seconds."""
    found = everything(read(log))
    assert found.problems == []
    told = [
        (one.series.message_type, one.source_ns, one.envelope.payload)
        for one in found.events
        if isinstance(one.envelope, ParsedMessage)
    ]
    expected = by_pymavlink(log)
    assert [one[0] for one in told] == [one[0] for one in expected]
    assert [one[2] for one in told] == [comparable(one[2]) for one in expected]
    for (kind, at_ns, _), (_, seconds, _) in zip(told, expected, strict=True):
        assert at_ns / 1e9 == pytest.approx(seconds, abs=2e-6) or kind == "NOTE"
    assert next(at_ns for kind, at_ns, _ in told if kind == "GPS") == FIRST_NS
    assert found.notes == {NO_STAMP: 1}
    assert found.lanes["raw"] == len(expected)
    assert found.lanes["ui"] > 0
    assert found.ids == everything(read(log)).ids


def test_instances_are_entities_and_units_metadata(log: Path) -> None:
    """As FMTU says them."""
    found = everything(read(log))
    batteries = {one.series.unique_id for one in found.events if one.series.container_id == "BAT"}
    assert batteries == {"0", "1"}
    assert units_of(found.events)["BAT"]["Volt"] == "V"


def test_without_a_fix_an_epoch_is_needed(tmp_path: Path) -> None:
    """A receiver without one may say any date."""
    path = tmp_path / "log"
    path.write_bytes(log_bytes(status=1))
    assert detect_format(path) == "ardupilot"
    with pytest.raises(RecordingError, match="--epoch"):
        list(read(path))
    found = everything(read(path, epoch_ns=FIRST_NS))
    first = next(one for one in found.events if one.series.message_type == "GPS")
    assert first.source_ns == FIRST_NS + BOOT_US * 1000


def test_damage_costs_its_records(log: Path) -> None:
    """One problem for a stretch, and one for a last record that is cut."""
    data = log.read_bytes()
    middle = data.index(b"second 7")
    log.write_bytes(data[:middle] + bytes(400) + data[middle + 400 : -10])
    found = everything(read(log))
    assert len(found.problems) == 2
    assert CUT in found.problems[1]
    assert found.end_bytes == log.stat().st_size


def test_damaged_logs_end(log: Path) -> None:
    log.write_bytes(log_bytes(seconds=5))
    survive(log, lambda path: read(path, epoch_ns=0), 120)
    survive(log, read, 60, seed=2)
