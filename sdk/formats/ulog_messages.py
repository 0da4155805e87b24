"""The messages of a ULog file, one at a time: size, type, and bytes that the type explains."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

FILE_HEADER_SIZE_BYTES = 16
HEADER_SIZE_BYTES = 3
TYPES = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
"""Also those that no version has yet: a reader has to pass over what it does not know."""
_HEADER = struct.Struct("<HB")
_FLAGS = struct.Struct("<8x B7x QQQ")
_DATA_APPENDED = 1


class UlogMessage(NamedTuple):
    """One message without its header, and where that begins."""

    offset_bytes: int
    kind: str
    data: bytes

    @property
    def end_bytes(self) -> int:
        """Where the next message begins."""
        return self.offset_bytes + HEADER_SIZE_BYTES + len(self.data)


class UlogDamage(NamedTuple):
    """Why the rest of a file cannot be read as messages."""

    offset_bytes: int
    reason: str


def messages(file: BinaryIO) -> Iterator[UlogMessage | UlogDamage]:
    """The messages of a file; at the first place that holds none, a UlogDamage and the end.

    What an autopilot saves after a crash is appended at places that the first message names; what
    the crash cut off just before them is no damage.
    """
    begin = FILE_HEADER_SIZE_BYTES
    for end in _appended_at(file):
        if not begin <= end <= os.fstat(file.fileno()).st_size:
            yield UlogDamage(begin, f"data is said to be appended at byte {end}, where none can be")
            return
        for message in _section(file, begin, end):
            yield message
            if isinstance(message, UlogDamage):
                return
        begin = end
    yield from _section(file, begin, None)


def _appended_at(file: BinaryIO) -> list[int]:
    """Where data was appended, if the file says that some was."""
    first = next(_section(file, FILE_HEADER_SIZE_BYTES, None), None)
    if not isinstance(first, UlogMessage) or first.kind != "B" or len(first.data) < _FLAGS.size:
        return []
    flags, *offsets = _FLAGS.unpack_from(first.data)
    return [offset for offset in offsets if offset] if flags & _DATA_APPENDED else []


def _section(file: BinaryIO, offset: int, end: int | None) -> Iterator[UlogMessage | UlogDamage]:
    file.seek(offset)
    while header := file.read(HEADER_SIZE_BYTES):
        size, kind = _HEADER.unpack(header.ljust(HEADER_SIZE_BYTES, b"\0"))
        if len(header) == HEADER_SIZE_BYTES and (not size or kind not in TYPES):
            yield UlogDamage(offset, f"no ULog message: type {kind}, size {size}")
            return
        message = UlogMessage(offset, chr(kind), file.read(size))
        if end is not None and message.offset_bytes + HEADER_SIZE_BYTES + size > end:
            return
        if len(message.data) < size or len(header) < HEADER_SIZE_BYTES:
            yield UlogDamage(offset, "the last message is cut short")
            return
        yield message
        offset = message.end_bytes
