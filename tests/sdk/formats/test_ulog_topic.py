"""Topics of ULog files: how their records are laid out, and what they say."""

from __future__ import annotations

import struct
from pathlib import Path
from types import SimpleNamespace

import pytest

from sdk.formats.recording import RecordingError
from sdk.formats.ulog_topic import Topic, definitions, parameter

FORMATS = {
    "motor": SimpleNamespace(fields=[("uint8_t", 0, "state"), ("uint8_t", 3, "_padding0")]),
    "craft": SimpleNamespace(
        fields=[
            ("uint64_t", 0, "timestamp"),
            ("float", 2, "q"),
            ("bool", 0, "armed"),
            ("char", 4, "name"),
            ("motor", 2, "motor"),
            ("uint8_t", 5, "_padding0"),
        ]
    ),
    "snake": SimpleNamespace(fields=[("snake", 0, "tail")]),
    "wide": SimpleNamespace(fields=[("motor", 60_000, "motors")]),
}
RECORD = struct.Struct("<Qff?4sB3xB3x")


def announced(name: str) -> bytes:
    """The announcement of a topic with id 7, instance 1."""
    return struct.pack("<BH", 1, 7) + name.encode()


def test_a_record_with_types_in_types() -> None:
    """Names as pyulog has them; padding says nothing; the one at the end is not in the log."""
    topic = Topic(announced("craft"), FORMATS)
    assert (topic.id, topic.instance, topic.name) == (7, 1, "craft")
    record = RECORD.pack(5, 0.1, float("nan"), True, b"ab\0x", 3, 4)
    assert topic.decode(record) == {
        "timestamp": 5,
        "q[0]": 0.100000001,
        "armed": True,
        "name": "ab",
        "motor[0].state": 3,
        "motor[1].state": 4,
    }
    assert topic.has("timestamp")
    assert not topic.has("motor")
    assert topic.decode(record + bytes(5)) == topic.decode(record)
    assert topic.decode(record[:-1]) is None


def test_integers_that_json_cannot_hold_are_text() -> None:
    """64 bits hold more than a JSON number does."""
    topic = Topic(announced("craft"), FORMATS)
    values = topic.decode(RECORD.pack(2**64 - 1, 0, 0, False, b"", 0, 0))
    assert values is not None
    assert values["timestamp"] == str(2**64 - 1)


@pytest.mark.parametrize("added", [b"", b"\0\0", announced("none"), announced("snake")])
def test_announcements_that_make_no_topic(added: bytes) -> None:
    """Too short, without a format, or one that holds itself."""
    with pytest.raises(ValueError, match="no format"):
        Topic(added, FORMATS)


def test_formats_that_multiply_are_cut(tmp_path: Path) -> None:
    """Sixty thousand motors are no topic of any craft; memory stays bounded."""
    topic = Topic(announced("wide"), FORMATS)
    assert topic.decode(bytes(4000)) is None


def test_parameters() -> None:
    """Name and value; what is none is refused."""
    key = b"int32_t SYS_ID"
    assert parameter(bytes([len(key)]) + key + b"\x05\0\0\0") == ("SYS_ID", 5)
    for bad in (b"\x03abc", bytes([len(key)]) + key, b"\x08foo BARS\x01"):
        with pytest.raises(ValueError, match="no parameter"):
            parameter(bad)


def test_real_definitions(recordings: Path) -> None:
    """What stands before the records of an autopilot's log."""
    found = definitions(recordings / "ulog/sample.ulg")
    assert found.start_us == 112_500_176
    assert found.information["ver_hw"] == "AUAV_X21"
    assert len(found.parameters) == 493
    assert "vehicle_attitude" in found.formats


@pytest.mark.parametrize("data", [b"", b"ULog", b"PK\x03\x04" + bytes(40)])
def test_what_is_no_ulog(tmp_path: Path, data: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    """One error that names the file, and nothing printed by the library."""
    path = tmp_path / "log.ulg"
    path.write_bytes(data)
    with pytest.raises(RecordingError, match=r"log\.ulg as ULog"):
        definitions(path)
    assert capsys.readouterr().out == ""


def test_damaged_definitions(made: Path, tmp_path: Path) -> None:
    """A format without fields: nothing that follows could be trusted."""
    path = tmp_path / "log.ulg"
    head = (made / "drone.ulg").read_bytes()[:16]
    path.write_bytes(head + struct.pack("<HB", 3, ord("F")) + b"abc")
    with pytest.raises(RecordingError, match="damaged"):
        definitions(path)
