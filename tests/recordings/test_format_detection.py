"""Detecting formats, of real recordings first."""

from __future__ import annotations

from pathlib import Path

import pytest

from nova.recordings.format_detection import detect_format
from nova.recordings.recording import RecordingError
from tests.made_packets import orbit_packets


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ccsds/J01_G011_LZ_2021-04-09T00-00-00Z_V01.DAT1", "ccsds"),
        ("ccsds/ccsds_2021_155_14_39_51", "ccsds"),
        ("ccsds/viirs_packets.dat", "ccsds"),
        ("gps/bundg_zeus_9.log", "nmea"),
        ("gps/ais-nmea.log", "nmea"),
        ("gps/ublox-zed-f9p_hpg1.11.log", "nmea"),
        ("can/logfile_20140914_365495765_can.log", "can"),
        ("ulog/sample.ulg", "ulog"),
        ("table/2022-06-24-serial-6583-flight-0003-TeleMega.csv", "csv"),
    ],
)
def test_real_recordings(recordings: Path, name: str, expected: str) -> None:
    """By name where it says so, else by content."""
    assert detect_format(recordings / name) == expected


@pytest.mark.parametrize(
    "name",
    [
        "frames/snpp_synchronized_cadus.dat",
        "track/belevingsvlucht.json.gz",
        "table/iss_htv/P4000001.txt",
    ],
)
def test_other_formats_are_not_taken_for_ours(recordings: Path, name: str) -> None:
    """Downlink frames, archives and others are refused with the option that would force it."""
    with pytest.raises(RecordingError, match="--format"):
        detect_format(recordings / name)


def test_json_lines_by_content(tmp_path: Path) -> None:
    """A file of envelopes needs no telling name."""
    path = tmp_path / "events"
    path.write_text('{"scopeId":"s"}\n')
    assert detect_format(path) == "jsonl"


def test_one_packet_is_packets(tmp_path: Path) -> None:
    """A file that is exactly one packet is one; a byte more or less makes it none."""
    path = tmp_path / "packet"
    packet = bytes.fromhex("000bc000000201020a")
    path.write_bytes(packet)
    assert detect_format(path) == "ccsds"
    for other in (packet[:-1], packet + b"\x01", b""):
        path.write_bytes(other)
        with pytest.raises(RecordingError):
            detect_format(path)


def test_ulog_by_content(made: Path, tmp_path: Path) -> None:
    """Its first bytes say so, whatever its name."""
    path = tmp_path / "flight"
    path.write_bytes((made / "drone.ulg").read_bytes()[:64])
    assert detect_format(path) == "ulog"


@pytest.mark.parametrize("prefix", [b"", b"\x1a\xcf\xfc\x1d"])
def test_damaged_packets_are_packets(tmp_path: Path, prefix: bytes) -> None:
    """Marks before each, garbage between, zeros behind, and a cut end."""
    made = [prefix + orbit_packets(20)[at : at + 54] for at in range(0, 20 * 54, 54)]
    path = tmp_path / "damaged"
    path.write_bytes(b"".join([*made[:5], b"\xff\xff\xff", *made[5:]]) + bytes(5000))
    assert detect_format(path) == "ccsds"
    path.write_bytes(b"".join(made)[:-7])
    assert detect_format(path) == "ccsds"


def test_programs_are_no_packets(tmp_path: Path) -> None:
    """Some of their bytes look like packets that count on."""
    path = tmp_path / "program"
    path.write_bytes(b"\x7fELF" + bytes(300) + orbit_packets(6) + b"\xff" * 50)
    with pytest.raises(RecordingError, match="--format"):
        detect_format(path)
