"""CCSDS recordings: real packets in, raw and parsed events out, with the satellite's own time."""

from __future__ import annotations

from pathlib import Path

import pytest

from nova.recordings.ccsds import EPOCH_UNUSED, EPOCHS_TIME, NEIGHBOURS_TIME, CcsdsReader
from nova.recordings.packet_reading import IDLE, INCOMPLETE, NOT_DECODED
from nova.recordings.packet_time import TimeSource
from nova.recordings.packets import CONTINUATION, FIRST, LAST, WHOLE
from nova.recordings.recording import RecordingError
from nova.recordings.xtce import XtceDefinition
from nova.recordings.xtce_fields import RAW_VALUE
from nova.sdk import timestamps
from nova.sdk.events.envelope import ParsedMessage, RawFrame
from nova.sdk.events.observation import Observer
from tests.made_packets import ORBIT_PACKET_BYTES, START_NS, counter_packets, orbit_packets, packet
from tests.recordings import packet_files as files
from tests.recordings.packet_files import housekeeping, xtce_file
from tests.recordings.reading import Everything, everything

JPSS = "ccsds/J01_G011_LZ_2021-04-09T00-00-00Z_V01.DAT1"
JPSS_XTCE = "ccsds/jpss1_geolocation_xtce_v1.xml"
CTIM_XTCE = "ccsds/ctim_xtce_v1.xml"
EPOCH = timestamps.parse("1980-01-06T00:00:00Z")


@pytest.fixture
def jpss(recordings: Path) -> Path:
    """7,200 packets of two hours of JPSS-1."""
    return recordings / JPSS


@pytest.fixture
def ctim(recordings: Path) -> Path:
    """1,499 packets of a CubeSat on the ground."""
    return recordings / "ccsds/ccsds_2021_155_14_39_51"


def with_xtce(path: Path, xtce: Path) -> CcsdsReader:
    """A reader of packets with a definition and CDS times."""
    return CcsdsReader(path, Observer("test"), definition=XtceDefinition(xtce))


@pytest.fixture(scope="module")
def jpss_read(recordings: Path) -> Everything:
    """All that a reader makes of them, with their definition."""
    return everything(with_xtce(recordings / JPSS, recordings / JPSS_XTCE).steps())


def test_jpss_is_raw_and_parsed_with_its_own_time(jpss: Path, jpss_read: Everything) -> None:
    """All 7,200 packets, from 00:00:00.007 to 01:59:59.005, each raw and parsed at one instant."""
    found = jpss_read
    assert found.lanes == {"raw": 7200, "parsed": 7200, "metadata": 1}
    assert (found.problems, found.notes) == ([], {})
    assert found.end_bytes == jpss.stat().st_size
    assert len(set(found.ids)) == 14_401
    packets = [event for event in found.events if event.series.lane != "metadata"]
    times = [timestamps.text(event.source_ns) for event in packets]
    assert times[::2] == times[1::2]
    assert times[0].startswith("2021-04-09T00:00:00.007")
    assert times[-1].startswith("2021-04-09T01:59:59.005")
    assert {event.series.message_type for event in packets} == {"", "JPSS_ATT_EPHEM"}


def test_raw_is_the_packet_itself(jpss: Path, jpss_read: Everything) -> None:
    """Joined again, the raw frames are the file; the sequence is the packet's own count."""
    frames = [event.envelope for event in jpss_read.events if isinstance(event.envelope, RawFrame)]
    assert b"".join(frame.frame for frame in frames) == jpss.read_bytes()
    assert [frame.sequence for frame in frames[:3]] == [2606, 2607, 2608]


@pytest.mark.slow
def test_same_file_has_the_same_ids(jpss: Path, recordings: Path, jpss_read: Everything) -> None:
    """Invariant 2: a second reading makes the very same events."""
    assert everything(with_xtce(jpss, recordings / JPSS_XTCE).steps()).ids == jpss_read.ids


@pytest.mark.slow
def test_ctim_takes_its_time_from_a_counter(ctim: Path, recordings: Path) -> None:
    """SHCOARSE counts seconds from an epoch; nine APIDs are nine entities, named by container."""
    reader = CcsdsReader(
        ctim,
        Observer("test"),
        definition=XtceDefinition(recordings / CTIM_XTCE, "CCSDSTelemetryPacket"),
        time=TimeSource("SHCOARSE", "s", EPOCH),
    )
    found = everything(reader.steps())
    assert found.lanes == {"raw": 1499, "parsed": 1499, "metadata": 9}
    assert (found.problems, found.notes) == ([], {})
    seconds = {(event.source_ns - EPOCH) // 10**9 for event in found.events}
    assert (min(seconds), max(seconds)) == (481168528, 481168761)
    assert len({event.series.unique_id for event in found.events}) == 9
    parsed = [one.envelope for one in found.events if isinstance(one.envelope, ParsedMessage)]
    assert parsed[0].message_type == "APID_1_Packet"
    assert max(len(message.payload) for message in parsed) == 1003


def test_packets_without_a_time_take_the_last_known(recordings: Path) -> None:
    """Only 7 of the 100 VIIRS packets carry a time; the others share the one before them."""
    path = recordings / "ccsds/viirs_packets.dat"
    found = everything(CcsdsReader(path, Observer("test")).steps())
    assert found.lanes == {"raw": 100}
    assert len(set(found.ids)) == 100
    start = timestamps.parse("2017-09-27T13:54:00.559891Z")
    assert {event.source_ns for event in found.events} == {start}
    assert found.notes == {INCOMPLETE: 1}


def test_packets_before_the_first_time_take_it(tmp_path: Path) -> None:
    """What came before any clock was heard is as old as the first that was."""
    path = tmp_path / "packets"
    path.write_bytes(packet(11, 0, b"\x07", secondary=False) + orbit_packets(3))
    found = everything(CcsdsReader(path, Observer("test")).steps())
    assert [event.source_ns - START_NS for event in found.events] == [0, 0, 10**9, 2 * 10**9]


def test_truncated_packet_is_named_by_its_offset(tmp_path: Path) -> None:
    """What came before is published, and the rest is one line that says where it begins."""
    path = tmp_path / "cut"
    path.write_bytes(orbit_packets(15)[: 14 * ORBIT_PACKET_BYTES + 6])
    found = everything(CcsdsReader(path, Observer("test")).steps())
    assert found.lanes == {"raw": 14}
    assert found.problems == [
        "byte 756: 6 bytes skipped: packet cut short: 54 bytes announced, 6 present"
    ]


def test_undecodable_packet_is_raw_only(made: Path, tmp_path: Path) -> None:
    """A packet that the definition does not know is kept, and counted as not decoded."""
    data = bytearray(orbit_packets(3))
    data[ORBIT_PACKET_BYTES + 1] = 99  # the second packet's APID
    path = tmp_path / "foreign"
    path.write_bytes(data)
    found = everything(with_xtce(path, made / "orbit.xml").steps())
    assert (found.lanes["raw"], found.lanes["parsed"]) == (3, 2)
    assert found.notes == {NOT_DECODED: 1}


def test_secondary_header_that_is_no_time_is_noted(tmp_path: Path) -> None:
    """A packet with a header of another kind takes the last known time, and that is said."""
    data = bytearray(orbit_packets(20))
    data[ORBIT_PACKET_BYTES + 6 : ORBIT_PACKET_BYTES + 14] = b"\xff" * 8
    path = tmp_path / "odd"
    path.write_bytes(data)
    found = everything(CcsdsReader(path, Observer("test")).steps())
    assert found.notes == {NEIGHBOURS_TIME: 1}
    assert found.events[1].source_ns == found.events[0].source_ns


def test_file_without_any_time_says_what_to_give(made: Path) -> None:
    """Its packets have no CDS time; the error names the options that help."""
    with pytest.raises(
        RecordingError, match=r"give --time cds .*cuc:.*field:NAME.*--epoch TIME alone"
    ):
        list(CcsdsReader(made / "counter", Observer("test")).steps())


@pytest.mark.parametrize("option", ["cds", "cds:3+4@2", "cuc"])
def test_a_time_that_fits_nothing_is_named(tmp_path: Path, option: str) -> None:
    """Before, the error asked for what was given: "of 0 …; give --time cds"."""
    path = tmp_path / "pus"
    path.write_bytes(
        b"".join(files.packet(1, count, b"\xff" * 12, secondary=True) for count in range(40))
    )
    reader = CcsdsReader(path, Observer("test"), time=TimeSource.from_options(option, "s", None))
    words = f"--time {option} fits none of 40 packets, of which 40 have a secondary header"
    with pytest.raises(RecordingError) as raised:
        list(reader.steps())
    assert words in str(raised.value)
    assert "could be CDS" not in str(raised.value)


def test_epoch_dates_a_file_without_times(made: Path) -> None:
    """With an epoch alone all packets are published from there on."""
    time = TimeSource(None, "s", EPOCH)
    found = everything(CcsdsReader(made / "counter", Observer("test"), time=time).steps())
    assert found.lanes == {"raw": 40}
    assert {event.source_ns for event in found.events} == {EPOCH}
    assert found.notes == {EPOCHS_TIME: 40}


def test_epoch_of_a_file_that_dates_itself_is_not_used(tmp_path: Path) -> None:
    """And nothing that was asked for is ignored in silence."""
    path = tmp_path / "orbit"
    path.write_bytes(orbit_packets(3))
    found = everything(CcsdsReader(path, Observer("t"), time=TimeSource(epoch_ns=EPOCH)).steps())
    assert [event.source_ns - START_NS for event in found.events] == [0, 10**9, 2 * 10**9]
    assert found.notes == {EPOCH_UNUSED: 1}


def test_counter_out_of_range_takes_no_packet(made: Path, tmp_path: Path) -> None:
    """A time beyond int64 cannot be represented; the packet and its fields can."""
    path = tmp_path / "some"
    path.write_bytes(counter_packets(3))
    epoch_ns = timestamps.NS_MAX - 10**9
    reader = CcsdsReader(
        path,
        Observer("test"),
        definition=XtceDefinition(made / "counter.xml", "Telemetry"),
        time=TimeSource("SHCOARSE", "s", epoch_ns),
    )
    found = everything(reader.steps())
    assert found.lanes == {"raw": 3, "parsed": 3, "metadata": 2}
    assert {event.source_ns for event in found.events} == {epoch_ns}
    assert (found.problems, found.notes) == ([], {NEIGHBOURS_TIME: 3})


def test_empty_file_is_no_events(tmp_path: Path) -> None:
    """Nothing to read is nothing wrong."""
    path = tmp_path / "empty"
    path.touch()
    assert list(CcsdsReader(path, Observer("test")).steps()) == []


def test_field_needs_a_definition(made: Path) -> None:
    """Without XTCE nobody knows where a field is."""
    with pytest.raises(RecordingError, match="--xtce"):
        CcsdsReader(made / "orbit", Observer("test"), time=TimeSource("X", "s", EPOCH))


SECONDS = TimeSource("SECS", "s", timestamps.parse("2026-01-01T00:00:00Z"))


def described(folder: Path, *made: bytes) -> Everything:
    """Packets of APID 42 with SECS and four values, in their own time."""
    path, fields = folder / "packets", [(name, "U16") for name in "ABCD"]
    path.write_bytes(b"".join(made))
    definition = XtceDefinition(xtce_file(folder, fields))
    return everything(
        CcsdsReader(path, Observer("test"), definition=definition, time=SECONDS).steps()
    )


def said(found: Everything) -> list[tuple[int, str, object]]:
    """Time in seconds since SECONDS' epoch, lane, and payload without the header of all events."""
    assert SECONDS.epoch_ns is not None
    return [
        (
            (event.source_ns - SECONDS.epoch_ns) // 10**9,
            event.series.lane,
            {name: value for name, value in event.envelope.payload.items() if len(name) < 5}
            if isinstance(event.envelope, ParsedMessage)
            else None,
        )
        for event in found.events
    ]


def report(sequence: int, seconds: int, *values: int, flags: int = WHOLE) -> bytes:
    """A packet that begins a report; without flags it is one."""
    body = housekeeping(seconds) + b"".join(value.to_bytes(2) for value in values)
    return segment(sequence, body, flags)


def segment(sequence: int, body: bytes, flags: int) -> bytes:
    """A packet of APID 42."""
    return files.packet(42, sequence, body, flags=flags)


THREE = (
    report(0, 1000, 11, 22, flags=FIRST),
    segment(1, bytes([0, 33]), CONTINUATION),
    segment(2, bytes([0, 44]), LAST),
)
NEXT = report(3, 1010, 55, 66, 77, 88)


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (0, 1, 1, 2)])
def test_segments_are_one_report(tmp_path: Path, order: tuple[int, ...]) -> None:
    """Before, a continuation was read as a report of its own, at a time that it never had."""
    found = said(described(tmp_path, *(THREE[number] for number in order), NEXT))
    assert [one for one in found if one[1] == "raw"] == [(1000, "raw", None)] * len(order) + [
        (1010, "raw", None)
    ]
    assert [one for one in found if one[1] == "parsed"] == [
        (1000, "parsed", {"TYPE": 0, "SECS": 1000, "A": 11, "B": 22, "C": 33, "D": 44}),
        (1010, "parsed", {"TYPE": 0, "SECS": 1010, "A": 55, "B": 66, "C": 77, "D": 88}),
    ]


@pytest.mark.parametrize("lost", range(3))
def test_incomplete_group_is_raw_only_and_said(tmp_path: Path, lost: int) -> None:
    """Nothing is decoded of it; what stands around it is as it was."""
    found = described(tmp_path, *THREE[:lost], *THREE[lost + 1 :], NEXT)
    assert found.lanes == {"raw": 3, "parsed": 1, "metadata": 1}
    assert found.notes[INCOMPLETE] >= 1
    assert said(found)[-1][0] == 1010


def test_idle_packets_are_known(tmp_path: Path) -> None:
    """They have no time, no fields, and no part in what decides the form of times."""
    idle = files.packet(2047, 0, b"\x55" * 20, secondary=True)
    path = tmp_path / "idle"
    path.write_bytes(orbit_packets(1) + idle * 40 + orbit_packets(3)[ORBIT_PACKET_BYTES:])
    found = everything(CcsdsReader(path, Observer("test")).steps())
    assert found.notes == {IDLE: 40}
    assert {event.source_ns - START_NS for event in found.events} == {0, 10**9, 2 * 10**9}


def test_value_without_a_label_keeps_packet_and_time(tmp_path: Path) -> None:
    """Before, such a packet lost its fields, and with them the time that stands in one."""
    states = (
        '<EnumeratedParameterType name="T"><IntegerDataEncoding sizeInBits="8"/><EnumerationList>'
        '<Enumeration value="0" label="SAFE"/></EnumerationList></EnumeratedParameterType>'
    )
    path = tmp_path / "enum"
    made = [(100, 0), (102, 7)]
    path.write_bytes(
        b"".join(
            files.packet(42, number, housekeeping(seconds) + bytes([mode, 0, 20 + number]))
            for number, (seconds, mode) in enumerate(made)
        )
    )
    definition = XtceDefinition(xtce_file(tmp_path, [("MODE", "T"), ("TEMP", "U16")], states))
    reader = CcsdsReader(path, Observer("test"), definition=definition, time=SECONDS)
    found = everything(reader.steps())
    assert [one for one in said(found) if one[1] == "parsed"] == [
        (100, "parsed", {"TYPE": 0, "SECS": 100, "MODE": "SAFE", "TEMP": 20}),
        (102, "parsed", {"TYPE": 0, "SECS": 102, "MODE": 7, "TEMP": 21}),
    ]
    assert found.notes == {RAW_VALUE: 1}


@pytest.mark.parametrize("offset", [b"", bytes.fromhex("20031900000000")])
def test_other_codes_are_refused_until_they_are_told(tmp_path: Path, offset: bytes) -> None:
    """Before, some of these seconds passed for CDS, and all packets lay in 2047."""
    path = tmp_path / "cuc"
    path.write_bytes(
        b"".join(
            files.packet(
                100, number, offset + (0x8035FFFB + number).to_bytes(4) + b"\0\0", secondary=True
            )
            for number in range(12)
        )
    )
    with pytest.raises(RecordingError, match="cuc:COARSE"):
        list(CcsdsReader(path, Observer("test")).steps())
    since_1958 = timestamps.parse("1958-01-01T00:00:00Z")
    told = TimeSource.from_options(f"cuc:4+2@{len(offset)}", "s", since_1958)
    found = everything(CcsdsReader(path, Observer("test"), time=told).steps())
    first = timestamps.parse("2026-03-01T02:16:27Z")
    assert [event.source_ns - first for event in found.events] == [n * 10**9 for n in range(12)]
    assert found.notes == {}
