"""Reading of zip members that tolerates damage and reports it without raising.

Python's reader needs an intact directory, and returns nothing of a member whose checksum differs.
This one falls back to the header before each member, so a truncated zip can be read.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO, NamedTuple

from nova.sdk.errors import NovaError

LOCAL = b"PK\x03\x04"
READ_BYTES = 1024 * 1024
STORED, DEFLATED = 0, 8
_HEADER = struct.Struct("<4sHHHHHIIIHH")
_ENCRYPTED, _SIZES_BEHIND, _UTF8 = 0x1, 0x8, 0x800
_LARGE = 0xFFFF_FFFF
_ZIP64_EXTRA = 1
_NAME_MAX_BYTES = 4096

# Exceptions that Python's reader raises on a damaged directory.
_DIRECTORY_ERRORS = (
    *(zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError, OSError, ValueError),
    *(struct.error, MemoryError, OverflowError, LookupError),
)


class ZipMember(NamedTuple):
    """Location, sizes and checksum of a member."""

    name: str
    header_offset: int
    method: int
    flags: int
    packed_bytes: int
    unpacked_bytes: int
    crc: int


class ZipReader:
    """A zip file; `problem` describes a damaged directory (empty if it is intact)."""

    def __init__(self, path: Path) -> None:
        self.problem = ""
        self._file = path.open("rb")
        try:
            with zipfile.ZipFile(path) as directory:
                found = [_from_directory(one) for one in directory.infolist() if not one.is_dir()]
        except _DIRECTORY_ERRORS as error:
            found = _scan_members(self._file)
            self.problem = (
                f"{path.name}: cannot read the zip's directory ({error}): found "
                f"{len(found)} files by their local headers, others may be missing"
            )
        self.members = {one.name: one for one in found}

    def close(self) -> None:
        self._file.close()

    def open(self, name: str) -> ZipMemberReader:
        """Open a member; raises NovaError if it cannot be read at all."""
        member = self.members[name]
        if member.flags & _ENCRYPTED:
            raise NovaError(f"{name} is encrypted: unpack the zip and import the folder")
        if member.method not in (STORED, DEFLATED):
            raise NovaError(
                f"{name} is compressed by method {member.method}, only stored and deflated are "
                "supported: unpack the zip and import the folder"
            )
        self._file.seek(member.header_offset)
        head = self._file.read(_HEADER.size)
        if len(head) < _HEADER.size or not head.startswith(LOCAL):
            raise NovaError(
                f"{name} is not at the offset in the zip's directory: the zip is damaged"
            )
        *_, name_bytes, extra_bytes = _HEADER.unpack(head)
        return ZipMemberReader(self._file, member, self._file.tell() + name_bytes + extra_bytes)


class ZipMemberReader:
    """Reads a member once; at its end `problem` describes its damage (empty if it is intact)."""

    def __init__(self, file: BinaryIO, member: ZipMember, at: int) -> None:
        self._file = file
        self._member = member
        self._at = at
        self._left = member.packed_bytes
        self._expander = zlib.decompressobj(-zlib.MAX_WBITS) if member.method == DEFLATED else None
        self._crc = 0
        self.size = 0
        self.problem = ""

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; empty at the end of the member or of its intact part."""
        parts: list[bytes] = []
        left = size
        while left > 0 and (part := self._read_some(min(left, READ_BYTES))):
            parts.append(part)
            left -= len(part)
        data = b"".join(parts)
        self._crc = zlib.crc32(data, self._crc)
        self.size += len(data)
        if left > 0 and not self.problem:
            self._finish()
        return data

    def _finish(self) -> None:
        if self.size != self._member.unpacked_bytes:
            self.problem = f"has {self.size:,} of {self._member.unpacked_bytes:,} bytes"
        elif self._crc != self._member.crc:
            self.problem = "does not match its checksum in the zip"

    def _read_some(self, size: int) -> bytes:
        if self._expander is None:
            return self._read_packed(size)
        while not self._expander.eof:
            tail = self._expander.unconsumed_tail or self._read_packed(READ_BYTES)
            try:
                data = self._expander.decompress(tail, size)
            except zlib.error as error:
                self._left, self._expander = 0, None
                self.problem = f"cannot be decompressed after byte {self.size:,}: {error}"
                return b""
            if data or not tail:
                return data
        return b""

    def _read_packed(self, size: int) -> bytes:
        self._file.seek(self._at)
        data = self._file.read(min(size, self._left))
        self._at += len(data)
        self._left -= len(data)
        return data


def _from_directory(entry: zipfile.ZipInfo) -> ZipMember:
    return ZipMember(
        *(entry.filename, entry.header_offset, entry.compress_type, entry.flag_bits),
        *(entry.compress_size, entry.file_size, entry.CRC),
    )


def _scan_members(file: BinaryIO) -> list[ZipMember]:
    """The members found by scanning for their local headers."""
    found: list[ZipMember] = []
    at = 0
    while (at := _next_header(file, at)) >= 0:
        member, end = _member_at(file, at)
        if member is not None and not member.name.endswith("/"):
            found.append(member)
        at = end
    return found


def _next_header(file: BinaryIO, at: int) -> int:
    """The offset of the next member's header; -1 if there is none."""
    kept = b""
    while True:
        file.seek(at + len(kept))
        block = kept + file.read(READ_BYTES)
        if (place := block.find(LOCAL)) >= 0:
            return at + place
        if len(block) < len(LOCAL) or len(block) == len(kept):
            return -1
        kept = block[-len(LOCAL) + 1 :]
        at += len(block) - len(kept)


def _member_at(file: BinaryIO, at: int) -> tuple[ZipMember | None, int]:
    """The member whose header is at an offset, and where to search for the next one."""
    file.seek(at)
    head = file.read(_HEADER.size)
    behind = at + len(LOCAL)
    if len(head) < _HEADER.size:
        return None, behind
    _, _, flags, method, _, _, crc, packed, whole, name_bytes, extra_bytes = _HEADER.unpack(head)
    if flags & _SIZES_BEHIND or name_bytes > _NAME_MAX_BYTES:
        return None, behind
    name = file.read(name_bytes).decode("utf-8" if flags & _UTF8 else "cp437", "replace")
    extra = file.read(extra_bytes)
    if whole == _LARGE:
        packed, whole = _zip64_sizes(extra, packed, whole)
    member = ZipMember(name, at, method, flags, packed, whole, crc)
    return member, at + _HEADER.size + name_bytes + extra_bytes + packed


def _zip64_sizes(extra: bytes, packed: int, whole: int) -> tuple[int, int]:
    """The sizes of a member over 4 GiB, from its ZIP64 extra field."""
    kind, size = struct.unpack_from("<HH", extra) if len(extra) >= 20 else (0, 0)
    if kind != _ZIP64_EXTRA or size < 16:
        return packed, whole
    whole, packed = struct.unpack_from("<QQ", extra, 4)
    return packed, whole
