"""Files of captured packets: pcap (microseconds or nanoseconds) and pcapng, in both byte orders."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from nova.sdk.errors import NovaError
from nova.sdk.timestamps import NS_MAX, NS_PER_SECOND

PCAP_MAGICS = {
    b"\xa1\xb2\xc3\xd4": (">", 1_000),
    b"\xd4\xc3\xb2\xa1": ("<", 1_000),
    b"\xa1\xb2\x3c\x4d": (">", 1),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
}
"""The byte order, and the ns of the unit of times."""
SECTION_MAGIC = b"\x0a\x0d\x0d\x0a"
_ORDERS = {b"\x1a\x2b\x3c\x4d": ">", b"\x4d\x3c\x2b\x1a": "<"}
SECTION, INTERFACE, OLD_PACKET, SIMPLE_PACKET, PACKET = 0x0A0D0D0A, 1, 2, 3, 6
TIME_UNIT_OPTION, TIME_OFFSET_OPTION = 9, 14
PACKET_MAX_BYTES = 1024 * 1024
"""Far above the snapshot length of any tool; a record that says more is damaged."""
BLOCK_MAX_BYTES = 16 * 1024 * 1024
BLOCK_MIN_BYTES = 12
CUT = "the capture is cut here"
DAMAGED = "the capture is damaged here, and nothing says where its next packet begins"


class CaptureDamageError(NovaError):
    """A capture cannot be read further; the message says why."""


class CapturedPacket(NamedTuple):
    """A packet by its number in the file (from 1); `at_ns` is None where the file has no time, and
    `is_whole` says whether all of it was captured.
    """

    number: int
    end_bytes: int
    link: int
    at_ns: int | None
    data: bytes
    is_whole: bool


class _Interface(NamedTuple):
    """Where packets of a pcapng section were captured; times count in `1 / per_second`."""

    link: int
    per_second: int = 1_000_000
    offset_s: int = 0

    def time_ns(self, high: int, low: int) -> int | None:
        """The time of a packet; None outside of what an event may have."""
        ns = (high << 32 | low) * NS_PER_SECOND // self.per_second + self.offset_s * NS_PER_SECOND
        return ns if 0 <= ns <= NS_MAX else None


def captured_packets(file: BinaryIO) -> Iterator[CapturedPacket]:
    """The packets of a capture in its order; raises CaptureDamageError behind the last that can be
    read.
    """
    magic = file.read(4)
    if magic in PCAP_MAGICS:
        return _pcap_packets(file, *PCAP_MAGICS[magic])
    if magic == SECTION_MAGIC:
        file.seek(0)
        return _pcapng_packets(file)
    raise CaptureDamageError("the file begins neither as pcap nor as pcapng")


def _pcap_packets(file: BinaryIO, order: str, unit_ns: int) -> Iterator[CapturedPacket]:
    head = _exactly(file, 20)
    link = struct.unpack(order + "I", head[16:])[0] & 0xFFFF
    record = struct.Struct(order + "IIII")
    number, at = 0, 24
    while head := file.read(record.size):
        if len(head) < record.size:
            raise CaptureDamageError(CUT)
        seconds, fraction, size_bytes, whole_bytes = record.unpack(head)
        if size_bytes > PACKET_MAX_BYTES or fraction * unit_ns >= NS_PER_SECOND:
            raise CaptureDamageError(DAMAGED)
        data = _exactly(file, size_bytes)
        number, at = number + 1, at + record.size + size_bytes
        at_ns = seconds * NS_PER_SECOND + fraction * unit_ns
        yield CapturedPacket(number, at, link, at_ns, data, size_bytes >= whole_bytes)


def _pcapng_packets(file: BinaryIO) -> Iterator[CapturedPacket]:
    order, number, at = "<", 0, 0
    interfaces: list[_Interface] = []
    while head := file.read(8):
        if len(head) < 8:
            raise CaptureDamageError(CUT)
        if head[:4] == SECTION_MAGIC:
            order = _section_order(file)
            interfaces = []
        kind, size_bytes = struct.unpack(order + "II", head)
        body = _block_body(file, order, size_bytes)
        at += size_bytes
        try:
            if kind == INTERFACE:
                interfaces.append(_interface(order, body))
            elif kind in (PACKET, OLD_PACKET, SIMPLE_PACKET):
                number += 1
                yield _block_packet(kind, order, body, interfaces, (number, at))
        except (struct.error, IndexError) as error:
            raise CaptureDamageError(DAMAGED) from error


def _section_order(file: BinaryIO) -> str:
    """The byte order of a section, whose header begins 8 bytes before; the file stays there."""
    magic = _exactly(file, 4)
    file.seek(-4, 1)
    if magic not in _ORDERS:
        raise CaptureDamageError(DAMAGED)
    return _ORDERS[magic]


def _block_body(file: BinaryIO, order: str, size_bytes: int) -> bytes:
    if not BLOCK_MIN_BYTES <= size_bytes <= BLOCK_MAX_BYTES or size_bytes % 4:
        raise CaptureDamageError(DAMAGED)
    body = _exactly(file, size_bytes - 8)
    if struct.unpack(order + "I", body[-4:])[0] != size_bytes:
        raise CaptureDamageError(DAMAGED)
    return body[:-4]


def _interface(order: str, body: bytes) -> _Interface:
    link = struct.unpack_from(order + "H", body)[0]
    per_second, offset_s, at = 1_000_000, 0, 8
    while at + 4 <= len(body):
        code, size = struct.unpack_from(order + "HH", body, at)
        at += 4
        if code == 0:
            break
        if code == TIME_UNIT_OPTION:
            unit = body[at]
            per_second = 1 << (unit & 0x7F) if unit & 0x80 else 10**unit
        elif code == TIME_OFFSET_OPTION:
            offset_s = struct.unpack_from(order + "q", body, at)[0]
        at += size + -size % 4
    return _Interface(link, per_second, offset_s)


def _block_packet(
    kind: int, order: str, body: bytes, interfaces: list[_Interface], place: tuple[int, int]
) -> CapturedPacket:
    if kind == SIMPLE_PACKET:
        whole_bytes = struct.unpack_from(order + "I", body)[0]
        data = body[4 : 4 + whole_bytes]
        return CapturedPacket(*place, interfaces[0].link, None, data, len(data) >= whole_bytes)
    if kind == OLD_PACKET:
        index, _, high, low, size, whole_bytes = struct.unpack_from(order + "HHIIII", body)
    else:
        index, high, low, size, whole_bytes = struct.unpack_from(order + "IIIII", body)
    data = body[20 : 20 + size]
    if len(data) < size:
        raise CaptureDamageError(DAMAGED)
    interface = interfaces[index]
    at_ns = interface.time_ns(high, low)
    return CapturedPacket(*place, interface.link, at_ns, data, size >= whole_bytes)


def _exactly(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise CaptureDamageError(CUT)
    return data
