"""Reads a file's lines in bounded memory: a line that is too long is measured, not stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple


class BoundedLine(NamedTuple):
    """A line without its line end; `data` is None if it is longer than the limit."""

    number: int
    end_bytes: int
    size_bytes: int
    data: bytes | None


def bounded_lines(file: BinaryIO, max_bytes: int) -> Iterator[BoundedLine]:
    """The lines of a file, numbered from 1."""
    number = end_bytes = 0
    while piece := file.readline(max_bytes + 2):
        number += 1
        size_bytes, whole = len(piece), piece
        while not piece.endswith(b"\n") and (piece := file.readline(max_bytes)):
            size_bytes += len(piece)
        end_bytes += size_bytes
        data = whole.removesuffix(b"\n").removesuffix(b"\r")
        fits = size_bytes == len(whole) and len(data) <= max_bytes
        yield BoundedLine(number, end_bytes, size_bytes, data if fits else None)
