"""UDP datagrams of captured packets: Ethernet with VLANs, Linux cooked, loopback and raw IP."""

from __future__ import annotations

from ipaddress import ip_address
from typing import NamedTuple

from nova.sdk.errors import NovaError

UDP = 17
FRAGMENTED_MAX = 64
"""Datagrams whose fragments are held at once; the oldest is dropped for another."""
IPV4, IPV6 = 0x0800, 0x86DD
VLANS = {0x8100, 0x88A8, 0x9100}
FRAGMENT = 44
_OPTIONS = {0, 43, 60}
"""Headers of IPv6 between its own and that of UDP, with their size in their second byte."""
_HEAD_BYTES = {0: 4, 108: 4, 12: 0, 14: 0, 101: 0, 228: 0, 229: 0}
"""Link types whose packets are IP, and the bytes before it."""
_TYPE_AT = {1: 12, 113: 14, 276: 0}
"""Where link types have the EtherType: Ethernet, Linux cooked, and its version 2."""
_BEHIND_TYPE = {1: 14, 113: 16, 276: 20}
NO_LINK = "a packet of a link type that is not read (Ethernet, Linux cooked, loopback, raw IP are)"
CUT = "a datagram that was captured in part: record with a larger snapshot length (`-s 0`)"
BROKEN = "a datagram whose headers do not fit its packet"
FRAGMENT_MISSING = "a datagram of which a fragment is missing"


class DatagramError(NovaError):
    """A packet with a datagram that cannot be used; the message says why."""


class Datagram(NamedTuple):
    """What was sent: from which address, to which port."""

    source: str
    port: int
    payload: bytes


class _IpPart(NamedTuple):
    """What an IP packet carries; `key` names the datagram whose fragment it is, if it is one."""

    source: bytes
    data: bytes
    key: tuple[bytes, ...] | None = None
    at: int = 0
    is_last: bool = True


class DatagramJoiner:
    """Takes UDP datagrams out of packets, and joins those that were fragmented."""

    def __init__(self) -> None:
        self._open: dict[tuple[bytes, ...], list[_IpPart]] = {}
        self.dropped = 0
        """Datagrams that were dropped, as fragments are missing."""

    def add(self, link: int, data: bytes, is_whole: bool) -> Datagram | None:
        """The datagram that a packet is or completes, None for others; raises DatagramError."""
        packet = _ip_packet(link, data)
        part = None if packet is None else _udp_part(packet)
        if part is None:
            return None
        if part.key is None:
            return _datagram(part.source, part.data, is_whole)
        if not is_whole:
            raise DatagramError(CUT)
        return self._join(part, part.key)

    def end(self) -> int:
        """How many datagrams remain without all of their fragments, or were dropped."""
        self.dropped += len(self._open)
        self._open.clear()
        return self.dropped

    def _join(self, part: _IpPart, key: tuple[bytes, ...]) -> Datagram | None:
        if key not in self._open and len(self._open) >= FRAGMENTED_MAX:
            del self._open[next(iter(self._open))]
            self.dropped += 1
        parts = self._open.setdefault(key, [])
        if all(one.at != part.at for one in parts):
            parts.append(part)
        whole = _joined(parts)
        if whole is None:
            return None
        del self._open[key]
        return _datagram(part.source, whole, is_whole=True)


def _joined(parts: list[_IpPart]) -> bytes | None:
    """The bytes of all fragments, None while one is missing."""
    parts.sort(key=lambda one: one.at)
    if not parts[-1].is_last:
        return None
    end = 0
    for one in parts:
        if one.at != end:
            return None
        end += len(one.data)
    return b"".join(one.data for one in parts)


def _ip_packet(link: int, data: bytes) -> bytes | None:
    """The IP packet of a captured one, None if it is another protocol."""
    if link in _HEAD_BYTES:
        return data[_HEAD_BYTES[link] :]
    if link not in _TYPE_AT:
        raise DatagramError(NO_LINK)
    at, begin = _TYPE_AT[link], _BEHIND_TYPE[link]
    kind = int.from_bytes(data[at : at + 2])
    while kind in VLANS:
        kind, begin = int.from_bytes(data[begin + 2 : begin + 4]), begin + 4
    return data[begin:] if kind in (IPV4, IPV6) else None


def _udp_part(packet: bytes) -> _IpPart | None:
    version = packet[0] >> 4 if packet else 0
    if version == 4 and len(packet) >= 20:
        return _ipv4_part(packet)
    return _ipv6_part(packet) if version == 6 and len(packet) >= 40 else None


def _ipv4_part(packet: bytes) -> _IpPart | None:
    if packet[9] != UDP:
        return None
    begin, end = (packet[0] & 0xF) * 4, int.from_bytes(packet[2:4]) or len(packet)
    flags = int.from_bytes(packet[6:8])
    source, data = packet[12:16], packet[begin:end]
    if not flags & 0x3FFF:
        return _IpPart(source, data)
    key = (packet[12:20], packet[4:6])
    return _IpPart(source, data, key, (flags & 0x1FFF) * 8, not flags & 0x2000)


def _ipv6_part(packet: bytes) -> _IpPart | None:
    kind, at = packet[6], 40
    end = at + int.from_bytes(packet[4:6]) if any(packet[4:6]) else len(packet)
    key, begin, is_last = None, 0, True
    while kind in _OPTIONS or kind == FRAGMENT:
        head = packet[at : at + 8]
        if len(head) < 8:
            return None
        if kind == FRAGMENT:
            place = int.from_bytes(head[2:4])
            begin, is_last = place & 0xFFF8, not place & 1
            key = (packet[8:40], head[4:]) if begin or not is_last else None
        at += 8 if kind == FRAGMENT else (head[1] + 1) * 8
        kind = head[0]
        if begin:
            break
    if kind != UDP:
        return None
    return _IpPart(packet[8:24], packet[at:end], key, begin, is_last)


def _datagram(source: bytes, data: bytes, is_whole: bool) -> Datagram:
    size_bytes = int.from_bytes(data[4:6]) or len(data)
    if len(data) < 8 or size_bytes > len(data):
        raise DatagramError(BROKEN if is_whole else CUT)
    if size_bytes < 8:
        raise DatagramError(BROKEN)
    return Datagram(str(ip_address(source)), int.from_bytes(data[2:4]), data[8:size_bytes])
