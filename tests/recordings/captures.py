"""Captures that tests make with dpkt, and what dpkt reads in them."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import dpkt

BEGIN_NS = 1_772_366_400_123_456_000
STEP_NS = 250_000_000
SENDERS = ("192.0.2.1", "2001:db8::1")
ETHERNET, RAW_IP, COOKED, COOKED_2, LOOPBACK = 1, 101, 113, 276, 0


class SentDatagram(NamedTuple):
    """A datagram that a test sends."""

    payload: bytes
    port: int = 4000
    sender: str = SENDERS[0]


def udp_packet(sent: SentDatagram) -> Any:
    """The IP packet of a datagram, of the version of its sender."""
    udp = dpkt.udp.UDP(sport=5000, dport=sent.port, data=sent.payload)
    udp.ulen = len(udp)
    if ":" in sent.sender:
        source = socket.inet_pton(socket.AF_INET6, sent.sender)
        return dpkt.ip6.IP6(src=source, dst=source, nxt=17, plen=len(udp), hlim=64, data=udp)
    source = socket.inet_aton(sent.sender)
    packet = dpkt.ip.IP(src=source, dst=source, p=17, data=udp)
    packet.len = len(packet)
    return packet


def framed(packet: Any, link: int = ETHERNET, vlans: int = 0) -> bytes:
    """An IP packet as captured on a link, behind a number of VLAN tags."""
    data, kind = bytes(packet), 0x86DD if isinstance(packet, dpkt.ip6.IP6) else 0x0800
    for number in range(vlans):
        data = struct.pack(">HH", number + 1, kind) + data
        kind = 0x88A8 if number else 0x8100
    if link == ETHERNET:
        return bytes(12) + struct.pack(">H", kind) + data.ljust(46, b"\xaa")
    if link == COOKED:
        return struct.pack(">HHH8sH", 0, 1, 6, bytes(8), kind) + data
    if link == COOKED_2:
        return struct.pack(">HHIHBB8s", kind, 0, 1, 1, 0, 6, bytes(8)) + data
    return (struct.pack("=I", 2) if link == LOOPBACK else b"") + data


def fragments(packet: Any, size: int) -> list[bytes]:
    """The fragments of an IPv4 packet: each but the last has `size` bytes, a multiple of 8."""
    data, found = bytes(packet.data), []
    for at in range(0, len(data), size):
        part = dpkt.ip.IP(src=packet.src, dst=packet.dst, p=17, id=77, data=data[at : at + size])
        part.len = len(part)
        part.offset, part.mf = at // 8, at + size < len(data)
        found.append(framed(part))
    return found


def write_pcap(
    path: Path, packets: Iterable[bytes], *, link: int = ETHERNET, order: str = "<", ns: bool = True
) -> Path:
    """A pcap of packets that are STEP_NS apart; dpkt writes neither the other byte order nor a
    whole count of nanoseconds.
    """
    magic = 0xA1B23C4D if ns else 0xA1B2C3D4
    found = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link)
    for number, data in enumerate(packets):
        seconds, fraction = divmod(BEGIN_NS + number * STEP_NS, 10**9)
        fraction = fraction if ns else fraction // 1000
        found += struct.pack(order + "IIII", seconds, fraction, len(data), len(data)) + data
    path.write_bytes(found)
    return path


def write_pcapng(path: Path, packets: Iterable[bytes], *, link: int = ETHERNET) -> Path:
    """A pcapng, written by dpkt, of packets that are STEP_NS apart."""
    with path.open("wb") as file:
        idb = dpkt.pcapng.InterfaceDescriptionBlockLE(snaplen=0, linktype=link)
        writer = dpkt.pcapng.Writer(file, idb=idb)
        for number, data in enumerate(packets):
            writer.writepkt_time(data, (BEGIN_NS + number * STEP_NS) / 1e9)
    return path


def read_by_dpkt(path: Path) -> Iterator[tuple[float, bytes]]:
    """The time (s) and the UDP payload of each packet of an Ethernet capture."""
    with path.open("rb") as file:
        for at, data in dpkt.pcap.UniversalReader(file):
            ip = dpkt.ethernet.Ethernet(data).data
            if isinstance(ip.data, dpkt.udp.UDP):
                yield float(at), bytes(ip.data.data)
