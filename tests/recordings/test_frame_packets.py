"""Packets in transfer frames, built beside spacepackets, and of a real downlink."""

from __future__ import annotations

import binascii
import io
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from spacepackets.ccsds.tm_frame import TmFramePrimaryHeader

from nova.recordings.ccsds import CcsdsReader
from nova.recordings.frame_format import (
    NO_FIRST,
    ONLY_IDLE,
    SYNC_MARK,
    FrameFormat,
    derandomized,
    parse_frame_format,
)
from nova.recordings.frame_packets import CUT, GAP, NO_MARK, framed_packets
from nova.recordings.open_recording import open_recording
from nova.recordings.packets import Packet, PacketDamage
from nova.recordings.recording import RecordingError, Step
from nova.recordings.recording_options import RecordingOptions
from nova.sdk import timestamps
from nova.sdk.events.observation import Observer
from tests.made_packets import ORBIT_PACKET_BYTES, orbit_packets
from tests.recordings.mutation import survive
from tests.recordings.reading import everything

DOWNLINK = "frames/snpp_synchronized_cadus.dat"
SNPP = "aos:892,random,rs=128"
LAYOUTS = (
    "tm:100",
    "tm:100,random,crc",
    "tm:100,ocf,crc,rs=32,random",
    "aos:120",
    "aos:120,random,crc,rs=32",
    "aos:120,insert=6,fhec,ocf,crc",
    "aos:120,nosync",
)


def frames_of(packets: list[bytes], layout: FrameFormat, channel: int = 2) -> list[bytes]:
    """Units whose frames hold the packets one behind the other, the last filled by an idle one."""
    overhead = 8 + layout.insert_bytes + 2 * layout.has_head_check
    overhead -= 2 * (layout.kind == "tm")
    overhead += 2 * layout.has_crc + 4 * layout.has_control
    room = layout.size_bytes - overhead
    begins, stream = [], b""
    for packet in packets:
        begins.append(len(stream))
        stream += packet
    fill = -len(stream) % room or room
    fill += room * (fill < 7)
    begins.append(len(stream))
    stream += bytes([0x07, 0xFF, 0xC0, 0]) + (fill - 7).to_bytes(2) + bytes(fill - 6)
    found = []
    for number, at in enumerate(range(0, len(stream), room)):
        first = next((one - at for one in begins if at <= one < at + room), NO_FIRST)
        found.append(unit_of(layout, channel, number, first, stream[at : at + room]))
    return found


def unit_of(layout: FrameFormat, channel: int, count: int, first: int, data: bytes) -> bytes:
    """One frame with its mark and as many check symbols as the layout has."""
    if layout.kind == "tm":
        head = (0x2A << 4 | channel << 1 | layout.has_control).to_bytes(2)
        frame = head + bytes([count % 256, count % 256]) + (0x1800 | first).to_bytes(2) + data
    else:
        head = (1 << 14 | 0x9D << 6 | channel).to_bytes(2) + (count % 2**24).to_bytes(3) + b"\0"
        extra = bytes(2 * layout.has_head_check + layout.insert_bytes)
        frame = head + extra + first.to_bytes(2) + data
    frame += bytes(4 * layout.has_control)
    if layout.has_crc:
        frame += binascii.crc_hqx(frame, 0xFFFF).to_bytes(2)
    assert len(frame) == layout.size_bytes
    unit = frame + bytes(layout.rs_bytes)
    unit = derandomized(unit) if layout.is_random else unit
    return (SYNC_MARK if layout.has_sync else b"") + unit


def packets_of(count: int, seed: int = 1) -> list[bytes]:
    """Packets of one APID with lengths from 7 to 400 bytes."""
    random = Random(seed)
    found = []
    for number in range(count):
        data = random.randbytes(random.choice((1, 5, 60, 90, 400)))
        head = (0x0042).to_bytes(2) + (0xC000 | number).to_bytes(2) + (len(data) - 1).to_bytes(2)
        found.append(head + data)
    return found


def read(data: bytes, layout: FrameFormat) -> list[Packet | PacketDamage]:
    return list(framed_packets(io.BytesIO(data), layout))


def whole(found: list[Packet | PacketDamage]) -> list[bytes]:
    """The packets without idle ones."""
    return [one.data for one in found if isinstance(one, Packet) and not one.is_idle]


def test_the_sequence_is_that_of_the_standard() -> None:
    """CCSDS 131.0-B gives its first 40 bits."""
    assert derandomized(bytes(8)).hex() == "ff480ec09a0d70bc"


@pytest.mark.parametrize("spec", LAYOUTS)
def test_packets_come_out_of_every_format(spec: str) -> None:
    """Over the ends of frames, in their order, and nothing else."""
    layout = parse_frame_format(spec)
    packets = packets_of(60)
    units = frames_of(packets, layout)
    found = read(b"".join(units), layout)
    assert whole(found) == packets
    assert not any(isinstance(one, PacketDamage) for one in found)
    ends = [one.end_bytes for one in found]
    assert ends == sorted(ends)


def test_headers_are_those_of_spacepackets() -> None:
    """The library reads the same channel, count and pointer."""
    layout = parse_frame_format("tm:100,crc")
    for unit in frames_of(packets_of(20), layout):
        frame = layout.read(unit[4:])
        head = TmFramePrimaryHeader.unpack(unit[4:10])
        assert (frame.channel, frame.count) == (head.vc_id, head.vc_frame_count)
        pointer = head.frame_datafield_status.first_header_pointer
        assert pointer == (NO_FIRST if frame.first is None else frame.first)


def test_channels_do_not_mix() -> None:
    layout = parse_frame_format("aos:120")
    one, other = packets_of(30), packets_of(30, seed=2)
    pairs = zip(frames_of(one, layout, 3), frames_of(other, layout, 4), strict=False)
    found = whole(read(b"".join(unit for pair in pairs for unit in pair), layout))
    assert set(found) <= {*one, *other}
    assert len(found) > 40


def test_a_missing_frame_costs_what_was_in_it() -> None:
    """What a packet had before is lost too; reading continues at the next pointer."""
    layout = parse_frame_format("tm:100,crc")
    packets = packets_of(60)
    units = frames_of(packets, layout)
    del units[9]
    found = read(b"".join(units), layout)
    assert [one.reason for one in found if isinstance(one, PacketDamage)] == [GAP]
    told = whole(found)
    assert len(told) >= 55
    assert set(told) < set(packets)


def test_a_wrong_check_and_noise_are_problems() -> None:
    """The frame is not used; noise between frames is skipped to the next mark."""
    layout = parse_frame_format("tm:100,crc,random")
    units = frames_of(packets_of(60), layout)
    broken = bytearray(units[5])
    broken[50] ^= 1
    units[5] = bytes(broken)
    units[8] = b"noise" * 9 + units[8]
    found = read(b"".join(units)[:-3], layout)
    reasons = [one.reason for one in found if isinstance(one, PacketDamage)]
    assert "a frame whose CRC is wrong" in reasons
    assert NO_MARK in reasons
    assert reasons[-1] == CUT


def test_idle_frames_are_skipped() -> None:
    layout = parse_frame_format("aos:120")
    idle = unit_of(layout, 5, 0, ONLY_IDLE, bytes(112))
    assert read(idle * 3, layout) == []


@pytest.mark.parametrize(
    "spec", ["aos", "usl:100", "aos:7", "aos:99999", "aos:892,rs", "aos:892,crc=3", "tm:1115,what"]
)
def test_a_wrong_format_is_one_error(spec: str) -> None:
    with pytest.raises(RecordingError, match="--frames"):
        parse_frame_format(spec)


def orbit(count: int) -> list[bytes]:
    """Packets with times of their own."""
    data = orbit_packets(count)
    return [data[at : at + ORBIT_PACKET_BYTES] for at in range(0, len(data), ORBIT_PACKET_BYTES)]


def produced(path: Path, spec: str, time: str | None = None) -> Iterator[Step]:
    options = RecordingOptions(frames=spec, time=time)
    return open_recording(path, Observer("test"), None, options)


def test_a_recording_of_frames_is_that_of_its_packets(tmp_path: Path) -> None:
    """The same events, dated by the packets' own times."""
    packets = orbit(40)
    plain, framed = tmp_path / "plain", tmp_path / "framed"
    plain.write_bytes(b"".join(packets))
    framed.write_bytes(b"".join(frames_of(packets, parse_frame_format("tm:223,crc"))))
    found = everything(produced(framed, "tm:223,crc"))
    expected = everything(CcsdsReader(plain, Observer("test")).steps())
    assert found.ids[: len(packets)] == expected.ids
    assert found.problems == []


def test_damaged_recordings_end(tmp_path: Path) -> None:
    path = tmp_path / "framed"
    path.write_bytes(b"".join(frames_of(orbit(40), parse_frame_format("tm:223,crc"))))
    survive(path, lambda copy: produced(copy, "tm:223,crc"), 60)


def test_a_real_downlink(recordings: Path) -> None:
    """65 CADUs with one missing give the twelve packets that their origin publishes."""
    found = everything(produced(recordings / DOWNLINK, SNPP, "cds"))
    raw = [one for one in found.events if one.series.lane == "raw"]
    apids = [one.series.unique_id for one in raw]
    assert (apids.count("802"), apids.count("803")) == (1, 11)
    times = {timestamps.text(one.source_ns)[:23] for one in raw if one.series.unique_id == "802"}
    assert times == {"2016-02-10T16:13:34.924"}
