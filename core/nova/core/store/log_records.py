"""Reads RocksDB's log format, which its MANIFEST and its write-ahead logs share.

A file is a sequence of 32 KiB blocks. A record is one or more fragments, each with a header of
seven bytes: masked CRC-32C of kind and payload (4), length (2), kind (1). A fragment never crosses
a block, and the rest of a block that cannot hold a header is filled with zeros.
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
"""What follows the last whole record of a file: nothing or zeros (clean), the start of a record,
which RocksDB ignores (torn), or other bytes, at which RocksDB stops with an error (damaged).
"""


class Fragment(NamedTuple):
    """A part of a record: the offsets of its payload, and its header's kind and masked CRC."""

    start: int
    end: int
    kind: int
    masked_crc: int


class LogRecord(NamedTuple):
    """A whole record: the offset of its first header, and its fragments."""

    offset: int
    fragments: list[Fragment]

    def payload(self, content: bytes | memoryview, max_bytes: int | None = None) -> bytes:
        """The payload, or its first `max_bytes` bytes."""
        payload = b""
        for part in self.fragments:
            # The first fragment is shorter than `max_bytes` if it began near the end of a block.
            wanted = part.end if max_bytes is None else part.start + max_bytes - len(payload)
            payload += content[part.start : min(part.end, wanted)]
        return payload

    def is_sound(self, content: bytes | memoryview) -> bool:
        """Whether every checksum is right; takes 0.1 s per megabyte."""
        return all(_is_sound(content, part) for part in self.fragments)


class LogReader:
    """Iterates over the whole records in the bytes of a log, from its beginning.

    After the iteration, `offset` is where the next record would begin and `ending` says why there
    is none. Checksums of whole records are not verified: RocksDB does that, and
    `LogRecord.is_sound` does it earlier.
    """

    def __init__(self, content: bytes | memoryview, offset: int = 0) -> None:
        self._content = content
        self.offset = offset
        self.ending: Ending = "clean"

    def __iter__(self) -> Iterator[LogRecord]:
        at = self.offset
        parts: list[Fragment] = []
        while True:
            at = _after_trailer(at)
            fragment = self._fragment(at)
            if fragment is None:
                if parts and self.ending != "damaged":
                    self.ending = self._torn_ending(parts, at)
                return
            is_begin = fragment.kind in (_FULL, _FIRST)
            if is_begin == bool(parts):
                self.ending = "damaged"
                return
            parts.append(fragment)
            at = fragment.end
            if fragment.kind in (_FULL, _LAST):
                record = LogRecord(_after_trailer(self.offset), parts)
                self.offset, parts = at, []
                yield record

    def _torn_ending(self, parts: list[Fragment], at: int) -> Ending:
        """RocksDB compares the checksums of a torn record too, and reports zeros inside it."""
        content = self._content
        is_padded = len(content) - at >= _HEADER.size and not any(content[at : at + _HEADER.size])
        is_sound = not is_padded and all(_is_sound(content, part) for part in parts)
        return "torn" if is_sound else "damaged"

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


def _after_trailer(at: int) -> int:
    """The offset of the next header: it skips the end of a block that is too short for one."""
    left = BLOCK_BYTES - at % BLOCK_BYTES
    return at + left if left < _HEADER.size else at


def _has_bytes(content: bytes | memoryview, at: int) -> bool:
    """Whether any byte from `at` on is not zero."""
    return any(
        any(content[start : start + BLOCK_BYTES]) for start in range(at, len(content), BLOCK_BYTES)
    )


def _is_sound(content: bytes | memoryview, fragment: Fragment) -> bool:
    crc = _crc32c(bytes(content[fragment.start - 1 : fragment.end]))
    masked = ((crc >> 15 | crc << 17) + _CRC_MASK_DELTA) & 0xFFFFFFFF
    return masked == fragment.masked_crc


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
