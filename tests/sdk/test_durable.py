"""Files that are there whole, or as they were."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nova.sdk import durable


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    """And nothing is left beside it."""
    path = tmp_path / "counts.json"
    durable.replace(path, b"first, and longer")
    durable.replace(path, b"second")
    assert path.read_bytes() == b"second"
    assert os.listdir(tmp_path) == ["counts.json"]


def test_what_was_there_stays_where_the_new_cannot_be_written(tmp_path: Path) -> None:
    """A folder in the way stands for a disk that refuses."""
    path = tmp_path / "counts.json"
    durable.replace(path, b"kept")
    (tmp_path / "counts.json.new").mkdir()
    with pytest.raises(OSError):
        durable.replace(path, b"lost")
    assert path.read_bytes() == b"kept"


def test_a_killed_writer_leaves_one_or_the_other(tmp_path: Path) -> None:
    """Whenever it is killed: never a part, never nothing."""
    path = tmp_path / "counts.json"
    durable.replace(path, b"a" * 100_000)
    script = (
        "import sys, pathlib; from nova.sdk import durable\n"
        "while True:\n"
        "    for sign in b'ab': durable.replace(pathlib.Path(sys.argv[1]), bytes([sign]) * 100_000)"
    )
    for wait_s in (0.3, 0.4, 0.5):
        writer = subprocess.Popen([sys.executable, "-c", script, str(path)])
        try:
            writer.wait(wait_s)
        except subprocess.TimeoutExpired:
            writer.kill()
        writer.wait()
        assert path.read_bytes() in (b"a" * 100_000, b"b" * 100_000)
