"""A file that is only read forward, and the bytes ahead in it."""

from __future__ import annotations

import re
import struct
from typing import Protocol

READ_BYTES = 1024 * 1024
HEAD = struct.Struct("<BQ")
"""Of every record: its opcode, and the length of what follows."""

# An opcode, and a length of less than 128 MiB.
BEGIN = re.compile(rb"[\x01-\x0f][\x00-\xff]{3}[\x00-\x07]\x00{4}")


class Readable(Protocol):
    """What a file is read by."""

    def read(self, size: int, /) -> bytes:
        """Up to so many bytes, none at the end."""


class Window:
    """The bytes ahead in a file that is only read forward."""

    def __init__(self, file: Readable) -> None:
        self._file = file
        self._data = bytearray()
        self._begin = 0
        self._is_ended = False
        self.at = 0
        """The byte of the file that is the next."""

    def peek(self, size: int, ahead: int = 0) -> bytes:
        """The bytes from so far ahead, fewer at the end of the file."""
        self._fill(ahead + size)
        begin = self._begin + ahead
        return bytes(self._data[begin : begin + size])

    def has(self, size: int) -> bool:
        """Whether so many bytes follow."""
        self._fill(size)
        return len(self._data) - self._begin >= size

    def skip(self, size: int) -> None:
        """Pass so many bytes over, which are there."""
        self._begin += size
        self.at += size
        if self._begin >= READ_BYTES:
            del self._data[: self._begin]
            self._begin = 0

    def seek_begin(self) -> int:
        """Go to where a record may begin, or to the end; how many bytes were passed over."""
        start = self.at
        while self._fill(HEAD.size) or len(self._data) - self._begin >= HEAD.size:
            found = BEGIN.search(self._data, self._begin)
            if found is not None:
                self.skip(found.start() - self._begin)
                return self.at - start
            self.skip(len(self._data) - self._begin - HEAD.size + 1)
        self.skip(len(self._data) - self._begin)
        return self.at - start

    def _fill(self, size: int) -> bool:
        """Read until so many bytes are ahead, or all; whether anything was read."""
        is_read = False
        while not self._is_ended and len(self._data) - self._begin < size:
            block = self._file.read(READ_BYTES)
            self._is_ended = not block
            self._data += block
            is_read = is_read or bool(block)
        return is_read
