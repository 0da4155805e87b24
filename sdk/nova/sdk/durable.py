"""Durable file replacement: write a new file, fsync it, rename it, fsync the folder."""

from __future__ import annotations

import os
from pathlib import Path

from nova.sdk.errors import NovaError


def replace(path: Path, content: bytes) -> None:
    """Replace a file atomically; the new content is durable when this returns."""
    fresh = path.with_name(f"{path.name}.new")
    with fresh.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    try:
        fresh.replace(path)
    except IsADirectoryError:
        raise NovaError(f"{path} is a folder, but NOVA keeps a file there: move it away") from None
    sync_folder(path.parent)


def read(path: Path) -> bytes:
    """The content of a file; raises NovaError if it is a folder, and OSError."""
    try:
        return path.read_bytes()
    except IsADirectoryError:
        raise NovaError(f"{path} is a folder, but NOVA keeps a file there: move it away") from None


def sync_folder(folder: Path) -> None:
    """Fsync a folder, which makes the names in it durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
