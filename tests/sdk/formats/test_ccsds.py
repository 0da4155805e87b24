"""CCSDS recordings: real packets in, raw and parsed events out, with the satellite's own time."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdk import timestamps
from sdk.envelope import ParsedMessage, RawFrame
from sdk.formats.ccsds import NOT_CDS, NOT_DECODED, CcsdsReader, TimeSource
from sdk.formats.recording import RecordingError
from sdk.formats.xtce import Definition
from sdk.observation import Observer
from tests.made_packets import (
    COUNTER_PACKET_BYTES,
    ORBIT_PACKET_BYTES,
    START_NS,
    counter_packets,
    orbit_packets,
    packet,
)
from tests.sdk.formats.reading import everything

JPSS_XTCE = "ccsds/jpss1_geolocation_xtce_v1.xml"
CTIM_XTCE = "ccsds/ctim_xtce_v1.xml"
EPOCH = timestamps.parse("1980-01-06T00:00:00Z")


@pytest.fixture
def jpss(recordings: Path) -> Path:
    """7,200 packets of two hours of JPSS-1."""
    return recordings / "ccsds/J01_G011_LZ_2021-04-09T00-00-00Z_V01.DAT1"


@pytest.fixture
def ctim(recordings: Path) -> Path:
    """1,499 packets of a CubeSat on the ground."""
    return recordings / "ccsds/ccsds_2021_155_14_39_51"


def with_xtce(path: Path, xtce: Path) -> CcsdsReader:
    """A reader of packets with a definition and CDS times."""
    return CcsdsReader(path, Observer("test"), definition=Definition(xtce))


def test_jpss_is_raw_and_parsed_with_its_own_time(jpss: Path, recordings: Path) -> None:
    """All 7,200 packets, from 00:00:00.007 to 01:59:59.005, each raw and parsed at one instant."""
    found = everything(with_xtce(jpss, recordings / JPSS_XTCE).steps())
    assert found.lanes == {"raw": 7200, "parsed": 7200}
    assert (found.problems, found.notes) == ([], {})
    assert found.end_bytes == jpss.stat().st_size
    assert len(set(found.ids)) == 14_400
    times = [timestamps.text(event.source_ns) for event in found.events]
    assert times[::2] == times[1::2]
    assert times[0].startswith("2021-04-09T00:00:00.007")
    assert times[-1].startswith("2021-04-09T01:59:59.005")
    assert {event.series.message_type for event in found.events} == {"", "JPSS_ATT_EPHEM"}


def test_raw_is_the_packet_itself(jpss: Path, recordings: Path) -> None:
    """Joined again, the raw frames are the file; the sequence is the packet's own count."""
    found = everything(with_xtce(jpss, recordings / JPSS_XTCE).steps())
    frames = [event.envelope for event in found.events if isinstance(event.envelope, RawFrame)]
    assert b"".join(frame.frame for frame in frames) == jpss.read_bytes()
    assert [frame.sequence for frame in frames[:3]] == [2606, 2607, 2608]


def test_same_file_has_the_same_ids(jpss: Path, recordings: Path) -> None:
    """Invariant 2: a second reading makes the very same events."""
    xtce = recordings / JPSS_XTCE
    first = everything(with_xtce(jpss, xtce).steps()).ids
    assert everything(with_xtce(jpss, xtce).steps()).ids == first


def test_ctim_takes_its_time_from_a_counter(ctim: Path, recordings: Path) -> None:
    """SHCOARSE counts seconds from an epoch; nine APIDs are nine entities, named by container."""
    reader = CcsdsReader(
        ctim,
        Observer("test"),
        definition=Definition(recordings / CTIM_XTCE, "CCSDSTelemetryPacket"),
        time=TimeSource("SHCOARSE", "s", EPOCH),
    )
    found = everything(reader.steps())
    assert found.lanes == {"raw": 1499, "parsed": 1499}
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


def test_packets_before_the_first_time_take_it(tmp_path: Path) -> None:
    """What came before any clock was heard is as old as the first that was."""
    path = tmp_path / "packets"
    path.write_bytes(packet(11, 0, b"\x07", secondary=False) + orbit_packets(1))
    found = everything(CcsdsReader(path, Observer("test")).steps())
    assert [event.source_ns - START_NS for event in found.events] == [0, 0]


def test_truncated_packet_is_named_by_its_offset(tmp_path: Path) -> None:
    """What came before is published, and the rest is one line that says where it begins."""
    path = tmp_path / "cut"
    path.write_bytes(orbit_packets(15)[: 14 * ORBIT_PACKET_BYTES + 6])
    found = everything(CcsdsReader(path, Observer("test")).steps())
    assert found.lanes == {"raw": 14}
    assert found.problems == [
        "byte 756: 6 bytes skipped: packet cut short: 54 bytes announced, 6 there"
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
    data = bytearray(orbit_packets(2))
    data[ORBIT_PACKET_BYTES + 6 : ORBIT_PACKET_BYTES + 14] = b"\xff" * 8
    path = tmp_path / "odd"
    path.write_bytes(data)
    found = everything(CcsdsReader(path, Observer("test")).steps())
    assert found.notes == {NOT_CDS: 1}
    assert found.events[1].source_ns == found.events[0].source_ns


def test_file_without_any_time_says_what_to_give(made: Path) -> None:
    """Its packets have no CDS time; the error names the options that help."""
    with pytest.raises(RecordingError, match=r"--time field:NAME --epoch"):
        list(CcsdsReader(made / "counter", Observer("test")).steps())


def test_epoch_dates_a_file_without_times(made: Path) -> None:
    """With an epoch alone all packets are published from there on."""
    time = TimeSource(None, "s", EPOCH)
    found = everything(CcsdsReader(made / "counter", Observer("test"), time=time).steps())
    assert found.lanes == {"raw": 40}
    assert min(event.source_ns for event in found.events) == EPOCH


def test_counter_out_of_range_is_a_problem_and_no_crash(made: Path, tmp_path: Path) -> None:
    """A time beyond int64 is one line per packet; the reader goes on to the end."""
    path = tmp_path / "some"
    path.write_bytes(counter_packets(3))
    reader = CcsdsReader(
        path,
        Observer("test"),
        definition=Definition(made / "counter.xml", "Telemetry"),
        time=TimeSource("SHCOARSE", "s", timestamps.NS_MAX - 10**9),
    )
    found = everything(reader.steps())
    assert found.events == []
    places = [problem.split(":")[0] for problem in found.problems]
    assert places == [f"byte {number * COUNTER_PACKET_BYTES}" for number in range(3)]
    assert all("2262" in problem for problem in found.problems)


def test_empty_file_is_no_events(tmp_path: Path) -> None:
    """Nothing to read is nothing wrong."""
    path = tmp_path / "empty"
    path.touch()
    assert list(CcsdsReader(path, Observer("test")).steps()) == []


@pytest.mark.parametrize(
    ("text", "unit", "epoch_ns", "reason"),
    [
        ("cuc", "s", None, "neither cds nor field:NAME"),
        ("field:", "s", EPOCH, "neither cds nor field:NAME"),
        ("field:X", "s", None, "--epoch"),
        ("field:X", "iso", EPOCH, "--time-unit"),
    ],
)
def test_bad_time_options_are_refused(
    text: str, unit: str, epoch_ns: int | None, reason: str
) -> None:
    """Each names the option that is wrong or missing."""
    with pytest.raises(RecordingError, match=reason):
        TimeSource.of_option(text, unit, epoch_ns)


def test_field_needs_a_definition(made: Path) -> None:
    """Without XTCE nobody knows where a field is."""
    with pytest.raises(RecordingError, match="--xtce"):
        CcsdsReader(made / "orbit", Observer("test"), time=TimeSource("X", "s", EPOCH))
