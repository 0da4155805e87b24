"""MAVLink telemetry logs beside pymavlink's reader."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymavlink import mavutil
from pymavlink.dialects.v20 import all as dialect

from nova.recordings.format_detection import detect_format
from nova.recordings.mavlink import UNKNOWN, MavlinkReader, holds_telemetry
from nova.recordings.recording import Step
from nova.sdk import timestamps
from nova.sdk.events.envelope import ParsedMessage, RawFrame
from nova.sdk.events.observation import Observer
from nova.sdk.producer.view_updates import ViewUpdates
from tests.recordings.mutation import survive
from tests.recordings.reading import everything, units_of

START_US = timestamps.parse("2026-03-01T12:00:00Z") // 1000
SECONDS = 15


def log_bytes(seconds: int = SECONDS) -> bytes:
    """A vehicle and its battery: messages of both versions of the protocol."""
    library: Any = dialect
    sender = library.MAVLink(None, srcSystem=1, srcComponent=1)
    data = b""
    for number in range(seconds):
        place = (int(52.5e7) + number, int(5.25e7), 1000 * number, 0, 100, 0, 0, 9000)
        for version, message in enumerate(
            (
                library.MAVLink_global_position_int_message(number * 1000, *place),
                library.MAVLink_attitude_message(number * 1000, 0.1, -0.2, 0.3, 0.0, 0.0, 0.0),
                library.MAVLink_sys_status_message(0, 0, 0, 0, 12_500, 250, 80, 0, 0, 0, 0, 0, 0),
                library.MAVLink_statustext_message(6, f"second {number}".encode()),
            )
        ):
            stamp_us = START_US + number * 1_000_000 + version * 1_000
            packed = message.pack(sender, force_mavlink1=version % 2 == 1)
            data += struct.pack(">Q", stamp_us) + bytes(packed)
            sender.seq = (sender.seq + 1) % 256
    return data


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "flight.tlog"
    path.write_bytes(log_bytes())
    return path


def read(path: Path) -> Iterator[Step]:
    observer = Observer("test")
    return MavlinkReader(path, observer, views=ViewUpdates(observer)).steps()


def by_pymavlink(path: Path) -> list[tuple[str, int, dict[str, Any], bytes]]:
    reader: Any = mavutil.mavlink_connection(str(path))
    found = []
    while (message := reader.recv_msg()) is not None:
        values = message.to_dict()
        values.pop("mavpackettype")
        stamp_us = round(reader.timestamp * 1e6)
        found.append((message.get_type(), stamp_us * 1000, values, bytes(message.get_msgbuf())))
    reader.close()
    return found


def test_messages_are_those_of_pymavlink(log: Path) -> None:
    """Kinds, values, bytes, and the times that stand before them."""
    found = everything(read(log))
    assert (found.problems, found.notes) == ([], {})
    expected = by_pymavlink(log)
    parsed = [one for one in found.events if isinstance(one.envelope, ParsedMessage)]
    frames = [one.envelope.frame for one in found.events if isinstance(one.envelope, RawFrame)]
    assert frames == [one[3] for one in expected]
    assert len(parsed) == len(expected) == 4 * SECONDS
    for event, (kind, at_ns, values, _) in zip(parsed, expected, strict=True):
        assert isinstance(event.envelope, ParsedMessage)
        assert (event.series.message_type, event.source_ns) == (kind, at_ns)
        assert event.envelope.payload == values
    assert parsed[0].series[2:5] == ("mavlink", "1-1", "GLOBAL_POSITION_INT")
    assert found.lanes["ui"] > 0
    assert found.ids == everything(read(log)).ids


def test_units_are_those_of_the_dialect(log: Path) -> None:
    units = units_of(everything(read(log)).events)
    assert units["ATTITUDE"]["roll"] == "rad"


def test_logs_are_recognized(log: Path, tmp_path: Path) -> None:
    assert detect_format(log) == "mavlink"
    assert holds_telemetry(log)
    other = tmp_path / "other"
    other.write_bytes(bytes(5000))
    assert not holds_telemetry(other)


def test_damage_costs_its_messages(log: Path) -> None:
    """A wrong checksum is a problem; so are bytes between messages, as one stretch."""
    data = bytearray(log.read_bytes())
    data[30] ^= 0xFF
    middle = data.index(b"second 7") - 20
    log.write_bytes(bytes(data[:middle]) + b"noise" * 20 + bytes(data[middle:-7]))
    found = everything(read(log))
    assert len(found.problems) >= 3
    assert found.lanes["parsed"] >= 4 * SECONDS - 4
    assert found.end_bytes == log.stat().st_size


def test_a_message_that_nobody_defines_is_raw(tmp_path: Path) -> None:
    """It keeps its sender."""
    path = tmp_path / "flight.tlog"
    frame = bytes([0xFD, 2, 0, 0, 9, 7, 3, 0xEE, 0xFF, 0xEE]) + b"\1\2" + b"\0\0"
    path.write_bytes((struct.pack(">Q", START_US) + frame) * 2)
    found = everything(read(path))
    assert (found.lanes, found.notes) == ({"raw": 2}, {UNKNOWN: 2})
    assert found.events[0].series.container_id == "7-3"


def test_damaged_logs_end(log: Path) -> None:
    survive(log, read, 150)
