"""Files of captured packets beside dpkt."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import dpkt
import pytest

from nova.recordings.capture_file import (
    CUT,
    DAMAGED,
    CaptureDamageError,
    CapturedPacket,
    captured_packets,
)
from tests.recordings.captures import BEGIN_NS, STEP_NS, write_pcap, write_pcapng

PACKETS = [bytes([number]) * (20 + number) for number in range(30)]


def block(kind: int, body: bytes, order: str) -> bytes:
    """A block of pcapng."""
    body += bytes(-len(body) % 4)
    size = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + size + body + size


def section(order: str, options: bytes, *packets: bytes) -> bytes:
    """A section with an interface of Ethernet that has options, and blocks."""
    head = block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)
    return head + block(1, struct.pack(order + "HHI", 1, 0, 0) + options, order) + b"".join(packets)


def packet(order: str, count: int, data: bytes, whole_bytes: int | None = None) -> bytes:
    """An enhanced packet block."""
    head = (0, count >> 32, count & 0xFFFFFFFF, len(data), whole_bytes or len(data))
    padded = data + bytes(-len(data) % 4)
    return block(6, struct.pack(order + "IIIII", *head) + padded, order)


def read(data: bytes) -> list[CapturedPacket]:
    return list(captured_packets(io.BytesIO(data)))


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("ns", [True, False], ids=["ns", "us"])
def test_a_pcap_is_that_of_dpkt(tmp_path: Path, order: str, ns: bool) -> None:
    path = write_pcap(tmp_path / "net.pcap", PACKETS, order=order, ns=ns)
    found = read(path.read_bytes())
    with path.open("rb") as file:
        expected = list(dpkt.pcap.Reader(file))
    assert [one.data for one in found] == [data for _, data in expected] == PACKETS
    times = [one.at_ns for one in found]
    assert times == [BEGIN_NS + number * STEP_NS for number in range(len(PACKETS))]
    assert [round(float(at) * 10**6) for at, _ in expected] == [
        (at_ns or 0) // 1000 for at_ns in times
    ]
    assert {(one.link, one.is_whole) for one in found} == {(1, True)}
    assert found[-1].end_bytes == path.stat().st_size


def test_a_pcapng_is_that_of_dpkt(tmp_path: Path) -> None:
    path = write_pcapng(tmp_path / "net.pcapng", PACKETS)
    found = read(path.read_bytes())
    assert [one.data for one in found] == PACKETS
    for number, one in enumerate(found):
        assert one.at_ns is not None
        assert abs(one.at_ns - BEGIN_NS - number * STEP_NS) <= 1000  # dpkt counts in floats.
    assert found[-1].end_bytes == path.stat().st_size


@pytest.mark.parametrize("order", "<>")
def test_units_and_offsets_of_times(order: str) -> None:
    """By the options of each interface; each section begins anew, also in the other byte order."""
    other = "<>"[order == "<"]
    seconds = struct.pack(order + "HHB3x", 9, 1, 0)
    binary = struct.pack(order + "HHB3x", 9, 1, 0x80 | 10) + struct.pack(order + "HHq", 14, 8, 100)
    micro = packet(other, 7, b"micro")
    data = (
        section(order, seconds, packet(order, 5, b"s"), block(99, b"unknown", order))
        + section(order, binary, packet(order, 1536, b"binary", 60))
        + section(other, b"", micro, block(3, struct.pack(other + "I", 6) + b"simple", other))
    )
    found = [(one.at_ns, one.data, one.is_whole) for one in read(data)]
    assert found == [
        (5 * 10**9, b"s", True),
        (100 * 10**9 + 15 * 10**8, b"binary", False),
        (7_000, b"micro", True),
        (None, b"simple", True),
    ]


@pytest.mark.parametrize("kind", ["pcap", "pcapng"])
def test_a_file_that_is_cut(tmp_path: Path, kind: str) -> None:
    """Wherever it ends: whole packets first, then one error, or none between two packets."""
    path = tmp_path / "net"
    write_pcap(path, PACKETS[:3]) if kind == "pcap" else write_pcapng(path, PACKETS[:3])
    data = path.read_bytes()
    ends = {one.end_bytes for one in read(data)}
    cut = 0
    for size in range(4, len(data)):
        found = []
        try:
            for one in captured_packets(io.BytesIO(data[:size])):
                found.append(one)
        except CaptureDamageError as error:
            assert str(error) == CUT
            cut += 1
        assert [one.data for one in found] == PACKETS[: sum(end <= size for end in ends)]
    assert cut >= len(data) - 10


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 0, 1)
        + struct.pack("<IIII", 1, 1, 2**31, 1),
        struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 0, 1)
        + struct.pack("<IIII", 1, 10**9, 0, 0),
        section("<", b"", b"\x06\0\0\0\x07\0\0\0"),
        section("<", b"", packet("<", 1, b"x")[:-4] + b"abcd"),
        section("<", b"", block(6, struct.pack("<IIIII", 9, 0, 0, 0, 0), "<")),
        section("<", b"", block(6, struct.pack("<IIIII", 0, 0, 0, 99, 99), "<")),
        section("<", b"", block(6, b"short", "<")),
        b"\x0a\x0d\x0d\x0a\x1c\0\0\0abcdefgh",
    ],
    ids=["size", "fraction", "block", "trailer", "interface", "data", "short", "magic"],
)
def test_a_file_that_is_damaged(data: bytes) -> None:
    with pytest.raises(CaptureDamageError, match=DAMAGED):
        read(data)


def test_what_is_no_capture() -> None:
    with pytest.raises(CaptureDamageError, match="neither as pcap nor as pcapng"):
        read(b"GET / HTTP/1.1")
