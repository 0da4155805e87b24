"""CCSDS space packets back to back in a file (CCSDS 133.0-B), one at a time."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

HEADER_SIZE_BYTES = 6
PACKET_MAX_BYTES = HEADER_SIZE_BYTES + 65_536
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
    def sequence(self) -> int:
        """The sequence count of its APID, 14 bits."""
        return int.from_bytes(self.data[2:4]) & 0x3FFF

    @property
    def has_secondary_header(self) -> bool:
        """Whether its data field begins with a secondary header."""
        return bool(self.data[0] & 0x08)


class Damage(NamedTuple):
    """Why the rest of a file cannot be read as packets."""

    offset_bytes: int
    reason: str


def packets(file: BinaryIO) -> Iterator[Packet | Damage]:
    """The packets of a file; at the first place that holds none, a Damage and the end."""
    offset = 0
    while header := file.read(HEADER_SIZE_BYTES):
        if len(header) < HEADER_SIZE_BYTES:
            yield Damage(offset, f"{len(header)} bytes are left, a packet header has 6")
            return
        identification, _, length = _HEADER.unpack(header)
        if identification >> 13:
            yield Damage(offset, f"no CCSDS space packet: its version is {identification >> 13}")
            return
        body = file.read(length + 1)
        if len(body) <= length:
            announced = HEADER_SIZE_BYTES + length + 1
            got = HEADER_SIZE_BYTES + len(body)
            yield Damage(offset, f"packet cut short: {announced} bytes announced, {got} there")
            return
        packet = Packet(offset, header + body)
        yield packet
        offset = packet.end_bytes
