"""Streams: read once into a temporary file, and the same events as of the file."""

from __future__ import annotations

import gzip
import io
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nova.recordings.open_recording import open_recording
from nova.recordings.recording import RecordingError
from nova.recordings.recording_options import RecordingOptions
from nova.recordings.spooling import rereadable
from nova.sdk.events.observation import Observer
from tests.recordings.reading import everything

EPOCH = "2026-03-01T12:00:00Z"


@contextmanager
def pipe_of(data: bytes, path: Path) -> Iterator[Path]:
    """A named pipe that gives these bytes once."""
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(data,), daemon=True)
    writer.start()
    yield path
    writer.join()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("orbit", RecordingOptions()),
        ("boat.log", RecordingOptions()),
        ("bus.log", RecordingOptions()),
        ("drone.ulg", RecordingOptions(epoch=EPOCH)),
        ("flight.csv", RecordingOptions(time_column="time", epoch=EPOCH)),
    ],
)
def test_a_pipe_is_its_file(
    made: Path, tmp_path: Path, name: str, options: RecordingOptions
) -> None:
    """Before: nothing at all and status 0 (csv, nmea, ccsds), or a traceback."""
    said: list[str] = []
    expected = everything(open_recording(made / name, Observer("test"), None, options)).ids
    with (
        pipe_of((made / name).read_bytes(), tmp_path / name) as pipe,
        rereadable(str(pipe), None, said.append) as path,
    ):
        assert everything(open_recording(path, Observer("test"), None, options)).ids == expected
        assert path.stat().st_mode & 0o077 == 0 or path.parent.stat().st_mode & 0o077 == 0
    assert not path.parent.exists()
    assert len(said) == 1 and str(pipe) in said[0]
    with rereadable(str(made / name), None, said.append) as path:
        assert path == made / name
    assert len(said) == 1


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dash stands for it; a file of that name is ./- then."""

    class Input:
        buffer = io.BytesIO(b"time,v\n0,1\n")

    monkeypatch.setattr(sys, "stdin", Input())
    with rereadable("-", "csv", lambda text: None) as path:
        assert path.read_bytes() == b"time,v\n0,1\n"
    with rereadable("-", "jsonl", lambda text: None) as path:
        assert path == Path("/dev/stdin")


def test_a_stream_stops_at_the_reserve(tmp_path: Path) -> None:
    """Nothing of it is left."""
    said: list[str] = []
    with (
        pipe_of(b"time,v\n0,1\n", tmp_path / "x.csv") as pipe,
        pytest.raises(RecordingError, match="too long to be spooled"),
        rereadable(str(pipe), None, said.append, reserve_bytes=1 << 62),
    ):
        pass
    (text,) = said
    assert not Path(text.split(" spooled to ")[1].split()[0]).parent.exists()


def test_a_pipe_that_is_not_spooled_is_refused(tmp_path: Path) -> None:
    """By the reader's door itself, in one line."""
    pipe = tmp_path / "x.csv"
    os.mkfifo(pipe)
    with pytest.raises(RecordingError, match="not a regular file"):
        open_recording(pipe, Observer("test"), None, RecordingOptions(time_column="time"))


def test_a_compressed_file_is_unpacked(tmp_path: Path) -> None:
    """Of any format: the name without .gz says which it is, and the file is gone at the end."""
    path = tmp_path / "boat.csv.gz"
    path.write_bytes(gzip.compress(b"time,x\n") + gzip.compress(b"1,2\n"))
    said: list[str] = []
    with rereadable(str(path), None, said.append) as plain:
        assert (plain.name, plain.read_bytes()) == ("boat.csv", b"time,x\n1,2\n")
    assert not plain.exists()
    assert "is compressed" in said[0]


@pytest.mark.parametrize("change", ["cut", "damaged"])
def test_a_compressed_file_that_is_not_whole_is_refused(tmp_path: Path, change: str) -> None:
    """One error, which says how to publish what there is."""
    data = gzip.compress(bytes(range(256)) * 100)
    path = tmp_path / "boat.log.gz"
    path.write_bytes(data[:-20] if change == "cut" else data[:40] + b"\xff\xff" + data[42:])
    with pytest.raises(RecordingError, match="zcat"), rereadable(str(path), None, print):
        pass
    assert list(tmp_path.iterdir()) == [path]


def test_what_gzip_expands_has_to_fit_on_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "zeros.gz"
    path.write_bytes(gzip.compress(bytes(10_000_000)))
    with pytest.raises(RecordingError, match="TMPDIR"), rereadable(str(path), None, print, 10**18):
        pass
