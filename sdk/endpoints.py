"""Where the processes of one instance meet: the Unix sockets of writer and reader."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

SOCKET_PATH_MAX_BYTES = 100
"""Linux takes 107 bytes, macOS 103; longer data folders get a short stand-in."""


def run_folder(data: Path) -> Path:
    """The folder of the sockets of an instance, made for its owner only."""
    folder = data.absolute() / "run"
    if len(os.fsencode(folder / "writer.sock")) > SOCKET_PATH_MAX_BYTES:
        name = hashlib.sha256(os.fsencode(data.resolve())).hexdigest()[:16]
        folder = Path(tempfile.gettempdir()) / f"nova-{os.getuid()}-{name}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def writer_socket(data: Path) -> Path:
    """Where readers and local publishers reach the writer."""
    return run_folder(data) / "writer.sock"


def reader_socket(data: Path) -> Path:
    """Where edges and local clients reach the reader."""
    return run_folder(data) / "reader.sock"
