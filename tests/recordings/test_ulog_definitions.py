"""The definitions before the records of a ULog file, also when damaged."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from nova.recordings.recording import RecordingError
from nova.recordings.ulog_definitions import parse_information, parse_parameter, read_definitions
from tests.recordings.test_ulog_messages import HEAD, message


def test_parameters() -> None:
    """Name and value; what is none is refused."""
    key = b"int32_t SYS_ID"
    assert parse_parameter(bytes([len(key)]) + key + b"\x05\0\0\0") == ("SYS_ID", 5)
    for bad in (b"\x03abc", bytes([len(key)]) + key, b"\x08foo BARS\x01"):
        with pytest.raises(ValueError, match="no parameter"):
            parse_parameter(bad)


def test_real_definitions(recordings: Path) -> None:
    """What stands before the records of an autopilot's log."""
    found = read_definitions(recordings / "ulog/sample.ulg")
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
        read_definitions(path)
    assert capsys.readouterr().out == ""


def test_damaged_definitions(tmp_path: Path) -> None:
    """Each that is wrong is said; the others hold."""
    path = tmp_path / "log.ulg"
    key = b"\x0eint32_t SYS_ID"
    path.write_bytes(
        HEAD
        + message("F", b"abc")
        + message("F", b"gps:uint64_t timestamp;")
        + message("P", key + b"\x05")
        + message("P", key + b"\x05\0\0\0")
        + message("A", b"\0\x01\0gps")
    )
    found = read_definitions(path)
    assert set(found.formats) == {"gps"}
    assert found.parameters == {"SYS_ID": 5}
    assert [reason.partition(":")[0] for _, reason in found.problems] == [
        "no format",
        "no parameter",
    ]


def test_definitions_end(tmp_path: Path) -> None:
    """A damaged size at the end of a file: the library went back and read it again, for ever."""
    path = tmp_path / "log.ulg"
    for size in (20_000, 65_535):
        path.write_bytes(HEAD + message("F", b"a:b c;") + struct.pack("<HB", size, 0) + bytes(40))
        assert set(read_definitions(path).formats) == {"a"}


def test_a_log_for_newer_readers_only(tmp_path: Path) -> None:
    """It says itself that who does not know its flag must not read it."""
    path = tmp_path / "log.ulg"
    path.write_bytes(HEAD + message("B", bytes(8) + b"\x02" + bytes(31)))
    with pytest.raises(RecordingError, match="newer version"):
        read_definitions(path)


def test_information() -> None:
    """Numbers, texts, and bytes of types that have no number."""
    for key, value, said in (
        (b"char[3] sys", b"PX4", "PX4"),
        (
            b"uint64_t boot_time_utc_us",
            struct.pack("<Q", 1_714_550_000_000_000),
            1_714_550_000_000_000,
        ),
        (b"uint8_t[2] id", b"\xab\xcd", "abcd"),
    ):
        name = key.split()[1].decode()
        assert parse_information(bytes([len(key)]) + key + value) == (name, said)
