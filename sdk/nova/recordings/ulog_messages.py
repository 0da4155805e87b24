"""Reads the messages of a ULog file one at a time: size, type, and data.

After damage, reading resumes at the next message that is distinguishable from garbage: a sync
message, a record of an announced topic with the right size, or any message that another follows.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple

MAGIC = b"ULog\x01\x12\x35"
FILE_HEADER_SIZE_BYTES = 16
HEADER_SIZE_BYTES = 3
TYPES = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
"""Includes types that no version defines yet: a reader must skip unknown types."""
SYNC = b"\x2f\x73\x13\x20\x25\x0c\xbb\x12"
SEARCH_BYTES = 64 * 1024
HOPS_MAX = 8
"""The most unrecognized messages in a row before a recognized one."""
CUTS_MAX = 3
"""The most cut messages in a row that are distinguished from whole ones."""
APPENDED_FLAG = 1
_HEADER = struct.Struct("<HB")
_FLAGS = struct.Struct("<8x B7x QQQ")
_CANDIDATE = re.compile(rb"(?=..[ACDFILMOPQS])", re.DOTALL)
_FORMAT = re.compile(rb"[\w/]+:[\x20-\x7e]*")
_KEY = re.compile(rb"[\w\[\]]+ [\x21-\x7e]+")
_LEVELS = b"01234567"
_LINE_MIN_BYTES = {"L": 9, "C": 11}
_KEY_AT = {"I": 0, "P": 0, "M": 1, "Q": 1}

IsKnown = Callable[[str, bytes], bool]
"""Whether a record (`D`) or an announcement (`A`) fits the log's definitions."""


class UlogMessage(NamedTuple):
    """One message without its header, and its offset."""

    offset_bytes: int
    kind: str
    data: bytes

    @property
    def end_bytes(self) -> int:
        """The offset after the message."""
        return self.offset_bytes + HEADER_SIZE_BYTES + len(self.data)


class UlogDamage(NamedTuple):
    """Bytes that are not messages, and why; reading resumes after them."""

    offset_bytes: int
    end_bytes: int
    reason: str


def read_messages(file: BinaryIO, is_known: IsKnown) -> Iterator[UlogMessage | UlogDamage]:
    """The messages of a file, and the damage between them.

    Data that an autopilot saves after a crash is appended at offsets given by the first message. A
    message that the crash cut off just before them is not reported as damage.
    """
    size = os.fstat(file.fileno()).st_size
    begin = FILE_HEADER_SIZE_BYTES
    for end in _appended_at(file):
        if not begin <= end <= size:
            reason = f"data is declared as appended at byte {end}, which is outside the file"
            yield UlogDamage(begin, begin, reason)
            break
        yield from _MessageRange(file, begin, end, is_known, is_cut=True).messages()
        begin = end
    yield from _MessageRange(file, begin, size, is_known, is_cut=False).messages()


def _appended_at(file: BinaryIO) -> list[int]:
    """The offsets of appended data, if the file declares any."""
    file.seek(FILE_HEADER_SIZE_BYTES)
    header = file.read(HEADER_SIZE_BYTES)
    data = file.read(_FLAGS.size)
    if header[2:] != b"B" or len(data) < _FLAGS.size:
        return []
    flags, *offsets = _FLAGS.unpack(data)
    return [offset for offset in offsets if offset] if flags & APPENDED_FLAG else []


class _MessageRange:
    """A range of the file that begins with a message."""

    def __init__(
        self, file: BinaryIO, begin: int, end: int, is_known: IsKnown, *, is_cut: bool
    ) -> None:
        self._file = file
        self._begin = begin
        self._end = end
        self._is_known = is_known
        self._is_cut = is_cut
        self._ahead: UlogMessage | None = None

    def messages(self) -> Iterator[UlogMessage | UlogDamage]:
        offset = self._begin
        while offset < self._end:
            message = self._at(offset)
            if message is not None and self._is_accepted(message):
                yield message
                offset = message.end_bytes
                continue
            found = self._next_message_at(offset)
            if found is None and message is None and self._is_cut:
                return
            end = self._end if found is None else found
            yield UlogDamage(offset, end, self._reason(offset, found))
            offset = end

    def _at(self, offset: int) -> UlogMessage | None:
        """The message at an offset, None if its size or type is impossible."""
        if self._ahead is not None and self._ahead.offset_bytes == offset:
            return self._ahead
        self._ahead = self._read_at(offset)
        return self._ahead

    def _read_at(self, offset: int) -> UlogMessage | None:
        if offset + HEADER_SIZE_BYTES > self._end:
            return None
        self._file.seek(offset)
        header = self._file.read(HEADER_SIZE_BYTES)
        if len(header) < HEADER_SIZE_BYTES:
            return None
        size, kind = _HEADER.unpack(header)
        if not size or kind not in TYPES or offset + HEADER_SIZE_BYTES + size > self._end:
            return None
        data = self._file.read(size)
        return UlogMessage(offset, chr(kind), data) if len(data) == size else None

    def _is_accepted(self, message: UlogMessage) -> bool:
        """Whether to accept what stands where a message must begin.

        An unrecognized message may be of a newer version or invalid only in itself: then recognized
        ones follow it. But a damaged size can hide messages, so none with a record inside is
        accepted. And a message that lost its end takes the begin of the next one for it: then
        nothing follows it, but a message inside it leads on.
        """
        leads_on = self._is_followed(message)
        if self._is_recognized(message):
            return leads_on or not self._is_cut_by_another(message)
        return leads_on and not self._has_record(message)

    def _is_followed(self, message: UlogMessage) -> bool:
        following: UlogMessage | None = message
        for _ in range(HOPS_MAX):
            assert following is not None
            if following.end_bytes == self._end:
                return True
            following = self._at(following.end_bytes)
            if following is None:
                return False
            if self._is_recognized(following):
                return True
        return False

    def _has_record(self, message: UlogMessage) -> bool:
        return any(self._is_unmistakable(one) for one in self._inside(message))

    def _is_cut_by_another(self, message: UlogMessage, cuts: int = CUTS_MAX) -> bool:
        """Whether a message begins inside that leads on, perhaps one that is cut itself."""
        return any(
            self._is_followed(one) or (cuts > 1 and self._is_cut_by_another(one, cuts - 1))
            for one in self._inside(message)
            if self._is_resync_point(one)
        )

    def _inside(self, message: UlogMessage) -> Iterator[UlogMessage]:
        """What could be messages that begin within the data of one."""
        begin = message.offset_bytes + HEADER_SIZE_BYTES
        self._file.seek(begin)
        data = self._file.read(len(message.data) + HEADER_SIZE_BYTES - 1)
        for match in _CANDIDATE.finditer(data):
            one = self._at(begin + match.start())
            if one is not None:
                yield one

    def _next_message_at(self, offset: int) -> int | None:
        """The offset of the next message that is distinguishable from garbage."""
        begin = offset + 1
        while begin < self._end:
            self._file.seek(begin)
            data = self._file.read(min(SEARCH_BYTES, self._end - begin))
            if not data:
                return None
            for match in _CANDIDATE.finditer(data):
                message = self._at(begin + match.start())
                if message is not None and self._is_resync_point(message):
                    return message.offset_bytes
            if len(data) < HEADER_SIZE_BYTES:
                return None
            begin += len(data) - HEADER_SIZE_BYTES + 1
        return None

    def _is_resync_point(self, message: UlogMessage) -> bool:
        if self._is_unmistakable(message):
            return True
        if not self._is_recognized(message):
            return False
        following = self._at(message.end_bytes)
        at_end = message.end_bytes == self._end
        return at_end or (following is not None and self._is_recognized(following))

    def _is_unmistakable(self, message: UlogMessage) -> bool:
        """Whether garbage would hardly ever look like this."""
        return message.kind in "DS" and self._is_recognized(message)

    def _is_recognized(self, message: UlogMessage) -> bool:
        """Whether the data is valid for the type."""
        kind, data = message.kind, message.data
        if kind in "DA":
            return self._is_known(kind, data)
        if kind == "S":
            return data == SYNC
        if kind == "B":
            return message.offset_bytes == FILE_HEADER_SIZE_BYTES and len(data) >= _FLAGS.size
        if kind == "F":
            return _FORMAT.fullmatch(data) is not None
        if kind in _LINE_MIN_BYTES:
            return len(data) >= _LINE_MIN_BYTES[kind] and data[0] in _LEVELS
        if kind in _KEY_AT:
            return _has_key(data[_KEY_AT[kind] :])
        return kind == "O" and len(data) == 2

    def _reason(self, offset: int, found: int | None) -> str:
        end = self._end if found is None else found
        size = f"{end - offset} bytes skipped, up to byte {end}: "
        if found is None and self._is_cut_message(offset):
            return size + "the last message is cut short"
        return size + "no ULog messages"

    def _is_cut_message(self, offset: int) -> bool:
        self._file.seek(offset)
        header = self._file.read(HEADER_SIZE_BYTES)
        if len(header) < HEADER_SIZE_BYTES:
            return True
        size, kind = _HEADER.unpack(header)
        return kind in TYPES and offset + HEADER_SIZE_BYTES + size > self._end


def _has_key(data: bytes) -> bool:
    """Whether the data begins with a type and a name, and continues after them."""
    size = data[0] if data else 0
    return size < len(data) - 1 and _KEY.fullmatch(data, 1, 1 + size) is not None
