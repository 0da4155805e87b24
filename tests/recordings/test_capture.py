"""Captures read whole: as they are, and by the readers of other formats."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from line_protocol_parser import parse_line

from nova.recordings.capture import NOT_JSON, PAYLOADS
from nova.recordings.format_detection import detect_format
from nova.recordings.frame_format import parse_frame_format
from nova.recordings.open_recording import open_recording
from nova.recordings.recording import RecordingError, Step
from nova.recordings.recording_options import RecordingOptions
from nova.sdk.events.envelope import ParsedMessage, RawFrame
from nova.sdk.events.observation import Observer
from nova.sdk.optional_imports import import_optional
from tests import made_packets
from tests.made_logs import boat_log, sentence
from tests.recordings.captures import (
    BEGIN_NS,
    ETHERNET,
    STEP_NS,
    SentDatagram,
    fragments,
    framed,
    read_by_dpkt,
    udp_packet,
    write_pcap,
    write_pcapng,
)
from tests.recordings.mutation import survive
from tests.recordings.reading import Everything, everything
from tests.recordings.test_frame_packets import frames_of


def read(
    path: Path, *, port: int | None = None, payload: str | None = None, frames: str | None = None
) -> Iterator[Step]:
    options = RecordingOptions(port=port, payload=payload, frames=frames)
    return open_recording(path, Observer("test"), None, options)


def capture(path: Path, payloads: list[bytes], port: int = 4000) -> Path:
    """A pcap of datagrams to a port, with a packet of ARP between each two."""
    packets = []
    for payload in payloads:
        packets += [
            framed(udp_packet(SentDatagram(payload, port))),
            bytes(12) + b"\x08\x06" + bytes(28),
        ]
    return write_pcap(path, packets)


def captured_ns(count: int) -> list[int]:
    """When the datagrams of `capture` were."""
    return [BEGIN_NS + 2 * number * STEP_NS for number in range(count)]


def times(found: Everything, lane: str) -> list[int]:
    return [one.source_ns for one in found.events if one.series.lane == lane]


def frames(found: Everything) -> list[bytes]:
    envelopes = [one.envelope for one in found.events]
    return [bytes(one.frame) for one in envelopes if isinstance(one, RawFrame)]


def payloads_of(found: Everything) -> list[dict[str, object]]:
    envelopes = [one.envelope for one in found.events]
    return [one.payload for one in envelopes if isinstance(one, ParsedMessage)]


@pytest.mark.parametrize("kind", ["pcap", "pcapng"])
def test_datagrams_are_those_of_dpkt(tmp_path: Path, kind: str) -> None:
    """Each a raw event of its port and sender, at the time of its capture."""
    sent = [
        SentDatagram(bytes([n]) * n, 4000 + n % 3, ("10.0.0.7", "fe80::7")[n % 2])
        for n in range(1, 20)
    ]
    packets = [framed(udp_packet(one)) for one in sent]
    path = tmp_path / "net"
    write_pcap(path, packets) if kind == "pcap" else write_pcapng(path, packets)
    assert detect_format(path) == "pcap"
    found = everything(read(path))
    expected = list(read_by_dpkt(path))
    assert (found.problems, found.lanes) == ([], {"raw": len(sent)})
    assert frames(found) == [payload for _, payload in expected]
    assert [round(at / 1e3) for at in times(found, "raw")] == [
        round(at * 1e6) for at, _ in expected
    ]
    entities = {one.series[2:5] for one in found.events}
    assert entities >= {("udp", "4001", "fe80--7"), ("udp", "4002", "10-0-0-7")}
    only = everything(read(path, port=4001))
    assert frames(only) == [one.payload for one in sent if one.port == 4001]
    assert found.end_bytes == path.stat().st_size


def test_texts_and_objects(tmp_path: Path) -> None:
    values = [{"volts": 3.25, "name": "a"}, {"big": 2**60}]
    texts = [json.dumps(one).encode() for one in values]
    path = capture(tmp_path / "net.pcap", [*texts, b"[1]", b"\xff"])
    found = everything(read(path, payload="json"))
    assert payloads_of(found) == [values[0], {"big": str(2**60)}]
    assert (found.lanes, found.notes) == ({"raw": 4, "parsed": 2}, {NOT_JSON: 2})
    found = everything(read(path, payload="text"))
    assert [one["text"] for one in payloads_of(found)] == [one.decode() for one in [*texts, b"[1]"]]


def test_packets_with_their_own_times(tmp_path: Path) -> None:
    """The events are those of the packets' own file, wherever datagrams begin."""
    data = made_packets.orbit_packets(60)
    size = 3 * made_packets.ORBIT_PACKET_BYTES
    path = capture(
        tmp_path / "net.pcap", [data[at : at + size] for at in range(0, len(data), size)]
    )
    (tmp_path / "orbit").write_bytes(data)
    found = everything(read(path, payload="ccsds"))
    assert found.ids == everything(read(tmp_path / "orbit")).ids
    assert found.lanes == {"raw": 60}


def test_packets_without_times_have_those_of_their_capture(tmp_path: Path) -> None:
    packets = [made_packets.packet(20, n, bytes([n, 1]), secondary=False) for n in range(9)]
    path = capture(tmp_path / "net.pcap", packets)
    found = everything(read(path, payload="ccsds"))
    assert (frames(found), times(found, "raw")) == (packets, captured_ns(9))
    assert (found.problems, found.notes) == ([], {})


def test_frames_of_a_downlink(tmp_path: Path) -> None:
    """A unit with its mark in each datagram, as receivers send them."""
    packets = [made_packets.packet(20, n, bytes([n]) * 60, secondary=False) for n in range(9)]
    layout = "aos:120,random,crc,rs=32"
    units = frames_of(packets, parse_frame_format(layout))
    found = everything(read(capture(tmp_path / "net.pcap", units), frames=layout))
    assert frames(found)[:-1] == packets
    assert set(times(found, "raw")) <= set(captured_ns(len(units)))


def test_sentences(tmp_path: Path) -> None:
    """Of a receiver with a fix their own times; of others, and of those without, the capture's."""
    lines = boat_log(5).splitlines(keepends=True)
    found = everything(read(capture(tmp_path / "net.pcap", lines), payload="nmea"))
    (tmp_path / "boat.log").write_bytes(b"".join(lines))
    alone = everything(read(tmp_path / "boat.log"))
    differ = [a for a, b in zip(found.events, alone.events, strict=True) if a != b]
    assert {one.series.unique_id for one in differ} == {"HDG"}
    assert {one.source_ns for one in differ} == set(captured_ns(len(lines))[2::3])
    depths = [sentence(f"SDDPT,{n}.5,0.0").rstrip() for n in range(4)]
    found = everything(read(capture(tmp_path / "net.pcap", depths), payload="nmea"))
    assert (frames(found), times(found, "raw")) == ([d + b"\n" for d in depths], captured_ns(4))


def test_points_without_times(tmp_path: Path) -> None:
    lines = [b"cpu,host=a load=0.5", b"cpu,host=a load=0.25 1722000000000000000\n"]
    found = everything(read(capture(tmp_path / "net.pcap", lines), payload="influx"))
    assert times(found, "parsed") == [BEGIN_NS, 1_722_000_000_000_000_000]
    expected = [parse_line(line.decode().strip()) for line in lines]
    assert payloads_of(found) == [{**one["tags"], **one["fields"]} for one in expected]


def test_messages_of_vehicles(tmp_path: Path) -> None:
    """Several in a datagram, each at its capture; values as pymavlink has them."""
    dialect = import_optional("pymavlink.dialects.v20.all", "recordings")
    sender = dialect.MAVLink(None, srcSystem=1, srcComponent=1)
    messages = [dialect.MAVLink_attitude_message(n, n / 8, 0.5, 0.25, 0, 0, 0) for n in range(6)]
    packed = [bytes(one.pack(sender)) for one in messages]
    pairs = [b"".join(packed[at : at + 2]) for at in (0, 2, 4)]
    found = everything(read(capture(tmp_path / "net.pcap", pairs), payload="mavlink"))
    assert frames(found) == packed
    assert times(found, "parsed") == [at for at in captured_ns(3) for _ in range(2)]
    expected = [one.to_dict() for one in messages]
    for one in expected:
        one.pop("mavpackettype")
    assert payloads_of(found) == expected


def test_corrections(tmp_path: Path) -> None:
    """Messages of a receiver without any date are at their capture."""
    library = import_optional("pyubx2", "recordings")
    message = library.UBXMessage("MON", "MON-HW3", library.GET, version=0, nPins=0).serialize()
    found = everything(read(capture(tmp_path / "net.pcap", [message] * 3), payload="gnss"))
    assert (frames(found), times(found, "raw")) == ([message] * 3, captured_ns(3))
    assert found.notes == {}


def test_what_is_lost_is_one_problem_each(tmp_path: Path) -> None:
    """A cut end, fragments that miss another, and what was captured in part."""
    whole = framed(udp_packet(SentDatagram(b"whole")))
    parts = fragments(udp_packet(SentDatagram(bytes(2_000))), 512)
    path = write_pcap(tmp_path / "net.pcap", [whole, *parts[:2], whole, whole])
    data = path.read_bytes()
    path.write_bytes(data[:-1])
    found = everything(read(path))
    assert found.lanes == {"raw": 2}
    assert [one.split(":")[0] for one in found.problems] == ["packet 4", "the end of net.pcap"]


def test_what_is_refused(tmp_path: Path) -> None:
    path = write_pcap(
        tmp_path / "net.pcap", [framed(udp_packet(SentDatagram(b"x", port))) for port in (1, 2, 2)]
    )
    with pytest.raises(
        RecordingError, match=r"several ports: give --port, one of 2 \(2\), 1 \(1\)"
    ):
        everything(read(path, payload="ccsds"))
    with pytest.raises(RecordingError, match="--time-unit does not apply to raw, the payload"):
        open_recording(path, Observer("test"), None, RecordingOptions(time_unit="s"))
    with pytest.raises(RecordingError, match="--frames does not apply to nmea, the payload"):
        read(path, payload="nmea", frames="tm:100")
    with pytest.raises(RecordingError, match="'csv' is not one of raw, text"):
        read(path, payload="csv")
    assert everything(read(path, payload="nmea", port=9)).events == []


@pytest.mark.parametrize("payload", [one for one in PAYLOADS if one != "jsonl"])
def test_damaged_files_end(tmp_path: Path, payload: str) -> None:
    """Of every payload: events and problems, or one refusal."""
    packets = [
        framed(udp_packet(SentDatagram(line)), ETHERNET) for line in boat_log(3).splitlines()
    ]
    path = write_pcapng(tmp_path / "net.pcapng", packets)
    survive(path, lambda copy: read(copy, payload=payload, port=4000), 60)
