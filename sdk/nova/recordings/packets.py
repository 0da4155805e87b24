"""CCSDS space packets (CCSDS 133.0-B) and their primary header."""

from __future__ import annotations

import struct
from typing import NamedTuple

HEADER_SIZE_BYTES = 6
PACKET_MAX_BYTES = HEADER_SIZE_BYTES + 65_536
IDLE_APID = 2047
COUNT_MASK = 0x3FFF
SOURCE_MASK = 0x17FF
CONTINUATION, FIRST, LAST, WHOLE = range(4)
"""Sequence flags: a packet's position in a group of segments."""
HEADER = struct.Struct(">HHH")


class Packet(NamedTuple):
    """One packet with its primary header, and its offset."""

    offset_bytes: int
    data: bytes

    @property
    def end_bytes(self) -> int:
        """The offset after the packet."""
        return self.offset_bytes + len(self.data)

    @property
    def apid(self) -> int:
        """The application process identifier."""
        return (self.data[0] & 0x07) << 8 | self.data[1]

    @property
    def source(self) -> int:
        """Type and APID, which share a sequence count."""
        return int.from_bytes(self.data[:2]) & SOURCE_MASK

    @property
    def sequence(self) -> int:
        """The 14-bit sequence count."""
        return (self.data[2] & 0x3F) << 8 | self.data[3]

    @property
    def flags(self) -> int:
        return self.data[2] >> 6

    @property
    def has_secondary_header(self) -> bool:
        return bool(self.data[0] & 0x08)

    @property
    def is_idle(self) -> bool:
        """Whether it is an idle packet, which only fills the channel."""
        return self.data[1] == 0xFF and self.apid == IDLE_APID


class PacketDamage(NamedTuple):
    """Bytes that are not packets, and why; for a long stretch `data` is only its last piece."""

    offset_bytes: int
    size_bytes: int
    reason: str
    data: bytes

    @property
    def end_bytes(self) -> int:
        """The offset at which reading resumes."""
        return self.offset_bytes + self.size_bytes


class PacketHeader(NamedTuple):
    """A primary header: one word with version, type, secondary header flag and APID; one with
    sequence flags and count; the size of the whole packet.
    """

    identification: int
    sequence: int
    size_bytes: int

    @property
    def is_possible(self) -> bool:
        """Whether a packet may begin so: version 0, and not four zero bytes, with which files are
        padded.

        Four zero bytes would be a continuation of APID 0 with count 0.
        """
        return not self.identification >> 13 and bool(self.identification or self.sequence)

    @property
    def source(self) -> int:
        """Type and APID. The secondary header flag is masked, since segments may differ in it."""
        return self.identification & SOURCE_MASK

    @property
    def flags(self) -> int:
        return self.sequence >> 14

    @property
    def number(self) -> int:
        """The 14-bit sequence count."""
        return self.sequence & COUNT_MASK


def header_at(data: bytes, offset: int) -> PacketHeader | None:
    """The header at an offset; None if fewer bytes remain than a header has."""
    if offset + HEADER_SIZE_BYTES > len(data):
        return None
    identification, sequence, length = HEADER.unpack_from(data, offset)
    return PacketHeader(identification, sequence, HEADER_SIZE_BYTES + length + 1)
