"""RocksDB's log format, in which it writes its MANIFEST and its write-ahead logs.

A file is a row of blocks of 32 KiB. A record is one fragment or several, each with a header of
seven bytes: CRC-32C of what follows it (4, masked), length (2), kind (1); a fragment never crosses
a block, and what is left of a block that has no room for a header is filled with zeros.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Literal, NamedTuple

BLOCK_BYTES = 32 * 1024
_HEADER = struct.Struct("<IHB")
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_CRC_POLYNOMIAL = 0x82F63B78
_CRC_MASK_DELTA = 0xA282EAD8

Ending = Literal["clean", "torn", "damaged"]
"""How a file ends behind its last whole record: with nothing or zeros, within a record, or with
bytes that are no record.
"""


class Fragment(NamedTuple):
    """A part of a record: where its payload lies, and what its header says of it."""

    start: int
    end: int
    kind: int
    masked_crc: int


class LogRecord(NamedTuple):
    """A whole record: where its first header begins, and its fragments."""

    offset: int
    fragments: list[Fragment]

    def payload(self, content: bytes | memoryview, most: int | None = None) -> bytes:
        """What it holds, or its first bytes."""
        found = b""
        for part in self.fragments:
            # The first fragment may be shorter than what is wanted: a block was nearly full.
            wanted = part.end if most is None else part.start + most - len(found)
            found += content[part.start : min(part.end, wanted)]
        return found

    def is_sound(self, content: bytes | memoryview) -> bool:
        """Whether its checksums are right; a megabyte takes a tenth of a second."""
        return all(_is_sound(content, part) for part in self.fragments)


class LogReader:
    """Reads the whole records of a log, given as its bytes from the beginning.

    After an iteration `offset` is where the next record would begin and `ending` says why there is
    none. Checksums are not compared: RocksDB does that, and who needs it earlier asks the record.
    """

    def __init__(self, content: bytes | memoryview, offset: int = 0) -> None:
        self._content = content
        self.offset = offset
        self.ending: Ending = "clean"

    def __iter__(self) -> Iterator[LogRecord]:
        at = self.offset
        parts: list[Fragment] = []
        while True:
            at = _behind_trailer(at)
            fragment = self._fragment(at)
            if fragment is None:
                if parts and self.ending == "clean":
                    self.ending = "torn"
                return
            is_begin = fragment.kind in (_FULL, _FIRST)
            if is_begin == bool(parts):
                self.ending = "damaged"
                return
            parts.append(fragment)
            at = fragment.end
            if fragment.kind in (_FULL, _LAST):
                record = LogRecord(_behind_trailer(self.offset), parts)
                self.offset, parts = at, []
                yield record

    def _fragment(self, at: int) -> Fragment | None:
        content = self._content
        left = len(content) - at
        if left < _HEADER.size:
            self.ending = "torn" if any(content[at:]) else "clean"
            return None
        crc, length, kind = _HEADER.unpack_from(content, at)
        if kind == 0 and length == 0:
            self.ending = "damaged" if _has_bytes(content, at) else "clean"
            return None
        start = at + _HEADER.size
        found = Fragment(start, start + length, kind, crc)
        room = BLOCK_BYTES - at % BLOCK_BYTES - _HEADER.size
        if not _FULL <= kind <= _LAST or length > room:
            self.ending = "damaged"
        elif found.end > len(content):
            self.ending = "torn"
        else:
            return found
        return None


def _behind_trailer(at: int) -> int:
    """Where the next header is: a block's last bytes are left free where none fits."""
    left = BLOCK_BYTES - at % BLOCK_BYTES
    return at + left if left < _HEADER.size else at


def _has_bytes(content: bytes | memoryview, at: int) -> bool:
    """Whether anything but zeros follows."""
    return any(
        any(content[start : start + BLOCK_BYTES]) for start in range(at, len(content), BLOCK_BYTES)
    )


def _is_sound(content: bytes | memoryview, found: Fragment) -> bool:
    crc = _crc32c(bytes(content[found.start - 1 : found.end]))
    masked = ((crc >> 15 | crc << 17) + _CRC_MASK_DELTA) & 0xFFFFFFFF
    return masked == found.masked_crc


def _crc_table() -> list[int]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (_CRC_POLYNOMIAL if crc & 1 else 0)
        table.append(crc)
    return table


_TABLE = _crc_table()


def _crc32c(content: bytes) -> int:
    crc, table = 0xFFFFFFFF, _TABLE
    for byte in content:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF
