"""A file with nothing in it, or of another format than its name says, is one clear error."""

from __future__ import annotations

from pathlib import Path

import pytest

from nova.recordings.open_recording import open_recording
from nova.recordings.recording import RecordingError
from nova.recordings.recording_options import RecordingOptions
from nova.sdk.events.observation import Observer

SUFFIXES = (
    *("asc", "blf", "mf4", "tlog", "ubx", "rtcm3", "lp", "csv", "nmea", "gpx", "parquet"),
    *("bag", "db3", "mcap", "ulg", "log", "bin", "pcap"),
)


def read(path: Path) -> None:
    options = RecordingOptions(time_column="time" if path.suffix in (".csv", ".parquet") else None)
    list(open_recording(path, Observer("test"), None, options))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_empty_file_is_one_error(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"file.{suffix}"
    path.touch()
    with pytest.raises(RecordingError, match="has nothing in it: it is 0 bytes long"):
        read(path)


@pytest.mark.parametrize("suffix", ["asc", "blf", "mf4"])
@pytest.mark.parametrize("content", [b"x", b"some text\n", bytes(5000)], ids=["byte", "text", "0"])
def test_what_is_no_can_log_is_one_error(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"car.{suffix}"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match="does not begin as"):
        read(path)


def test_text_that_is_named_ubx_is_one_error(tmp_path: Path) -> None:
    path = tmp_path / "rover.ubx"
    path.write_text("some text\nand more\n")
    with pytest.raises(RecordingError):
        read(path)


@pytest.mark.parametrize("name", ["points.lp", "boat.nmea"])
def test_comments_alone_are_one_error(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("# a comment\n\n")
    with pytest.raises(RecordingError, match="has nothing in it that is"):
        read(path)
