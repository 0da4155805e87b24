"""UDP datagrams out of packets that dpkt makes."""

from __future__ import annotations

import random
import struct

import pytest

from nova.recordings.datagram import (
    BROKEN,
    CUT,
    FRAGMENTED_MAX,
    NO_LINK,
    Datagram,
    DatagramError,
    DatagramJoiner,
)
from tests.recordings.captures import (
    COOKED,
    COOKED_2,
    ETHERNET,
    LOOPBACK,
    RAW_IP,
    SENDERS,
    SentDatagram,
    fragments,
    framed,
    udp_packet,
)

PAYLOAD = bytes(range(200))
LINKS = (ETHERNET, RAW_IP, COOKED, COOKED_2, LOOPBACK)


def read(link: int, data: bytes, is_whole: bool = True) -> Datagram | None:
    return DatagramJoiner().add(link, data, is_whole)


@pytest.mark.parametrize("sender", SENDERS)
@pytest.mark.parametrize("link", LINKS)
def test_links_and_versions(link: int, sender: str) -> None:
    data = framed(udp_packet(SentDatagram(PAYLOAD, 4001, sender)), link)
    assert read(link, data) == Datagram(sender, 4001, PAYLOAD)


@pytest.mark.parametrize("vlans", [1, 2])
def test_vlans_and_padding(vlans: int) -> None:
    """Tags are passed over, and what Ethernet fills short packets with is no payload."""
    data = framed(udp_packet(SentDatagram(b"x")), vlans=vlans)
    assert read(ETHERNET, data) == Datagram(SENDERS[0], 4000, b"x")


def test_what_is_no_datagram() -> None:
    tcp = udp_packet(SentDatagram(PAYLOAD))
    tcp.p = 6
    assert read(ETHERNET, framed(tcp)) is None
    assert read(ETHERNET, bytes(12) + b"\x08\x06" + bytes(28)) is None
    assert read(RAW_IP, b"") is None
    with pytest.raises(DatagramError, match=NO_LINK.split("(")[0]):
        read(105, bytes(100))


def test_options_of_ipv6_are_passed_over() -> None:
    packet = bytes(udp_packet(SentDatagram(PAYLOAD, sender=SENDERS[1])))
    options = b"\x3c\x01" + bytes(14) + b"\x11\0" + bytes(6)
    longer = int.from_bytes(packet[4:6]) + len(options)
    data = packet[:4] + longer.to_bytes(2) + b"\0" + packet[7:40] + options + packet[40:]
    assert read(RAW_IP, data) == Datagram(SENDERS[1], 4000, PAYLOAD)


def test_a_datagram_that_is_cut() -> None:
    """By the snapshot length of the capture, or by headers that do not fit."""
    data = framed(udp_packet(SentDatagram(PAYLOAD)))
    with pytest.raises(DatagramError) as cut:
        read(ETHERNET, data[:100], is_whole=False)
    assert str(cut.value) == CUT
    with pytest.raises(DatagramError, match=BROKEN):
        read(ETHERNET, data[:100])
    with pytest.raises(DatagramError, match=BROKEN):
        read(ETHERNET, data[:38] + b"\0\x03" + data[40:])


@pytest.mark.parametrize("seed", range(5))
def test_fragments_are_joined(seed: int) -> None:
    """In any order, also where some come twice; between those of others."""
    payload = random.Random(seed).randbytes(3_000)
    parts = fragments(udp_packet(SentDatagram(payload)), 512)
    parts += parts[:2] if seed else []
    random.Random(seed).shuffle(parts)
    joiner = DatagramJoiner()
    found = [joiner.add(ETHERNET, part, True) for part in parts]
    whole = [one for one in found if one is not None]
    assert whole == [Datagram(SENDERS[0], 4000, payload)]


def fragments_of_ipv6(payload: bytes, identification: int, size: int = 504) -> list[bytes]:
    """The fragments of a datagram of IPv6, by RFC 8200."""
    packet = bytes(udp_packet(SentDatagram(payload, sender=SENDERS[1])))
    head, data, found = packet[:40], packet[40:], []
    for at in range(0, len(data), size):
        part = data[at : at + size]
        more = at + size < len(data)
        extra = struct.pack(">BBHI", 17, 0, at | more, identification)
        length = (len(part) + 8).to_bytes(2)
        found.append(head[:4] + length + b"\x2c" + head[7:] + extra + part)
    return found


def test_fragments_of_ipv6_are_joined() -> None:
    payload = random.Random(1).randbytes(2_000)
    joiner = DatagramJoiner()
    parts = fragments_of_ipv6(payload, 7)
    found = [joiner.add(RAW_IP, part, True) for part in reversed(parts)]
    assert found == [None] * (len(parts) - 1) + [Datagram(SENDERS[1], 4000, payload)]
    assert joiner.end() == 0


def test_fragments_that_miss_another_are_dropped() -> None:
    """Never more are held than the limit, and each that was is counted."""
    joiner = DatagramJoiner()
    for number in range(FRAGMENTED_MAX + 5):
        assert joiner.add(RAW_IP, fragments_of_ipv6(bytes(1_000), number)[0], True) is None
    assert joiner.dropped == 5
    assert joiner.end() == FRAGMENTED_MAX + 5
