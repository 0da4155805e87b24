"""CCSDS space packets (CCSDS 133.0-B): their primary header, and what lies between them."""

from __future__ import annotations

import struct
from typing import NamedTuple

HEADER_SIZE_BYTES = 6
PACKET_MAX_BYTES = HEADER_SIZE_BYTES + 65_536
IDLE_APID = 2047
COUNT_MASK = 0x3FFF
SOURCE_MASK = 0x17FF
CONTINUATION, FIRST, LAST, WHOLE = range(4)
"""Sequence flags: where a packet stands in a group of segments."""
_HEADER = struct.Struct(">HHH")


class Packet(NamedTuple):
    """One packet, its primary header included, and where it begins."""

    offset_bytes: int
    data: bytes

    @property
    def end_bytes(self) -> int:
        """Where the next packet begins."""
        return self.offset_bytes + len(self.data)

    @property
    def apid(self) -> int:
        """The application process that it comes from."""
        return int.from_bytes(self.data[:2]) & 0x7FF

    @property
    def source(self) -> int:
        """Type and APID, which share a sequence count."""
        return int.from_bytes(self.data[:2]) & SOURCE_MASK

    @property
    def sequence(self) -> int:
        """The sequence count of its APID, 14 bits."""
        return int.from_bytes(self.data[2:4]) & COUNT_MASK

    @property
    def flags(self) -> int:
        """Its sequence flags."""
        return self.data[2] >> 6

    @property
    def has_secondary_header(self) -> bool:
        """Whether its data field begins with a secondary header."""
        return bool(self.data[0] & 0x08)

    @property
    def is_idle(self) -> bool:
        """Whether it only fills the channel."""
        return self.apid == IDLE_APID


class Damage(NamedTuple):
    """Bytes that are no packet, and why; of a long stretch `data` is only the last piece."""

    offset_bytes: int
    size_bytes: int
    reason: str
    data: bytes

    @property
    def end_bytes(self) -> int:
        """Where reading goes on."""
        return self.offset_bytes + self.size_bytes


class Header(NamedTuple):
    """A primary header: version, type, secondary header flag and APID in one word; sequence flags
    and count in another; the size of the whole packet.
    """

    identification: int
    sequence: int
    size_bytes: int

    @property
    def is_possible(self) -> bool:
        """Whether a packet may begin so: version 0, and not the zeros that files are filled with.

        Four zero bytes would be a continuation of APID 0 with count 0.
        """
        return not self.identification >> 13 and bool(self.identification or self.sequence)

    @property
    def source(self) -> int:
        """Type and APID, which share a sequence count; segments may differ in the flag between."""
        return self.identification & SOURCE_MASK

    @property
    def flags(self) -> int:
        """The sequence flags."""
        return self.sequence >> 14

    @property
    def number(self) -> int:
        """The sequence count."""
        return self.sequence & COUNT_MASK


def header_at(data: bytes, offset: int) -> Header | None:
    """The header at a place; None where fewer bytes are left than a header has."""
    if offset + HEADER_SIZE_BYTES > len(data):
        return None
    identification, sequence, length = _HEADER.unpack_from(data, offset)
    return Header(identification, sequence, HEADER_SIZE_BYTES + length + 1)
