"""A lookahead window over a file that is read forward only."""

from __future__ import annotations

import re
import struct
from typing import Protocol

READ_BYTES = 1024 * 1024
RECORD_HEAD = struct.Struct("<BQ")
"""The head of every record: its opcode, and the length of its content."""

# An opcode, and a length below 128 MiB.
RECORD_START = re.compile(rb"[\x01-\x0f][\x00-\xff]{3}[\x00-\x07]\x00{4}")


class Readable(Protocol):
    """A binary file, or anything that reads like one."""

    def read(self, size: int, /) -> bytes:
        """Read up to `size` bytes; empty at the end."""


class LookaheadWindow:
    """The bytes ahead in a file that is read forward only."""

    def __init__(self, file: Readable) -> None:
        self._file = file
        self._data = bytearray()
        self._begin = 0
        self._is_ended = False
        self.at = 0
        """The file offset of the next byte."""

    def peek(self, size: int, ahead: int = 0) -> bytes:
        """The `size` bytes at distance `ahead`; fewer at the end of the file."""
        self._fill(ahead + size)
        begin = self._begin + ahead
        return bytes(self._data[begin : begin + size])

    def has(self, size: int) -> bool:
        """Whether at least `size` bytes follow."""
        self._fill(size)
        return len(self._data) - self._begin >= size

    def skip(self, size: int) -> None:
        """Skip bytes, which must be in the window."""
        self._begin += size
        self.at += size
        if self._begin >= READ_BYTES:
            del self._data[: self._begin]
            self._begin = 0

    def seek_record(self) -> int:
        """Advance to the next possible record or the end; returns the number of skipped bytes."""
        start = self.at
        while self._fill(RECORD_HEAD.size) or len(self._data) - self._begin >= RECORD_HEAD.size:
            found = RECORD_START.search(self._data, self._begin)
            if found is not None:
                self.skip(found.start() - self._begin)
                return self.at - start
            self.skip(len(self._data) - self._begin - RECORD_HEAD.size + 1)
        self.skip(len(self._data) - self._begin)
        return self.at - start

    def _fill(self, size: int) -> bool:
        """Read until `size` bytes are ahead or the file ends; returns whether anything was read."""
        is_read = False
        while not self._is_ended and len(self._data) - self._begin < size:
            block = self._file.read(READ_BYTES)
            self._is_ended = not block
            self._data += block
            is_read = is_read or bool(block)
        return is_read
