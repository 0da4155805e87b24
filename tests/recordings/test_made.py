"""Every format read whole from recordings that tests make: what was put in comes out, each once."""

from __future__ import annotations

import struct
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from nova.recordings.format_detection import detect_format
from nova.recordings.open_recording import open_recording
from nova.recordings.recording_options import RecordingOptions
from nova.recordings.view_cards import ATTITUDE, POSITION
from nova.sdk import timestamps
from nova.sdk.events.envelope import ParsedMessage, RawFrame, UiUpdate
from nova.sdk.events.observation import Observer
from nova.sdk.optional_imports import import_optional
from tests import made_logs, made_packets
from tests.recordings.reading import Everything, everything

EPOCH = "2026-03-01T12:00:00Z"
OPTIONS = {
    "orbit": RecordingOptions(),
    "counter": RecordingOptions(time="field:SHCOARSE", root_container="Telemetry", epoch=EPOCH),
    "boat.log": RecordingOptions(),
    "bus.log": RecordingOptions(),
    "drone.ulg": RecordingOptions(epoch=EPOCH),
    "flight.csv": RecordingOptions(time_column="time", epoch=EPOCH),
}
FORMATS = {
    "orbit": "ccsds",
    "counter": "ccsds",
    "boat.log": "nmea",
    "bus.log": "can",
    "drone.ulg": "ulog",
    "flight.csv": "csv",
}


def read(folder: Path, name: str) -> Everything:
    """All of a made recording."""
    options = OPTIONS[name]
    if (folder / f"{name}.xml").exists():
        members = {field: getattr(options, field) for field in options.__dataclass_fields__}
        options = RecordingOptions(**{**members, "xtce": folder / f"{name}.xml"})
    return everything(open_recording(folder / name, Observer("test"), None, options))


@pytest.mark.parametrize("name", OPTIONS)
def test_it_is_read_to_its_end_and_the_same_each_time(made: Path, name: str) -> None:
    """Invariant 2: nothing is unreadable, every event is its own, and twice is the same."""
    assert detect_format(made / name) == FORMATS[name]
    found = read(made, name)
    assert found.problems == []
    assert found.end_bytes == (made / name).stat().st_size
    assert len(set(found.ids)) == len(found.events)
    assert read(made, name).ids == found.ids


def payloads(found: Everything, message_type: str) -> list[dict[str, object]]:
    """The payloads of a type, in order."""
    envelopes = [one.envelope for one in found.events if one.series.message_type == message_type]
    return [one.payload for one in envelopes if isinstance(one, ParsedMessage)]


def frames(found: Everything) -> bytes:
    """All raw bytes, one after the other."""
    envelopes = [one.envelope for one in found.events if one.series.lane == "raw"]
    return b"".join(one.frame for one in envelopes if isinstance(one, RawFrame))


def views(found: Everything) -> Counter[str]:
    """How many updates of each view."""
    return Counter(
        one.envelope.view_id for one in found.events if isinstance(one.envelope, UiUpdate)
    )


def test_packets_are_raw_and_parsed_with_their_own_time(made: Path) -> None:
    """Each at one instant; the frames are the file again, and both cards are sent each second."""
    found = read(made, "orbit")
    assert found.lanes == {"raw": 300, "parsed": 300, "ui": 600, "metadata": 1}
    assert frames(found) == (made / "orbit").read_bytes()
    times = sorted({one.source_ns for one in found.events})
    assert times == [made_packets.START_NS + number * 10**9 for number in range(300)]
    first = payloads(found, "ORBIT")[0]
    assert first["PKT_APID"] == made_packets.ORBIT_APID
    assert set(made_packets.ORBIT_FIELDS) <= set(first)
    assert first["ADGPSPOSX"] == 7_200_000.0
    assert views(found) == {POSITION: 300, ATTITUDE: 300}
    sequences = [one.envelope for one in found.events if isinstance(one.envelope, RawFrame)]
    assert [one.sequence for one in sequences[:3]] == [100, 101, 102]


def test_packets_that_count_from_an_epoch(made: Path) -> None:
    """Two APIDs are two entities, named by their containers, dated by a field."""
    found = read(made, "counter")
    assert found.lanes == {"raw": 40, "parsed": 40, "metadata": 2}
    epoch_ns = timestamps.parse(EPOCH)
    seconds = [(one.source_ns - epoch_ns) // 10**9 for one in found.events]
    assert (min(seconds), max(seconds)) == (1_000, 1_039)
    parsed = Counter(one.series[2:6] for one in found.events if one.series.lane == "parsed")
    assert parsed == {("ccsds", "apid", "20", "EVEN"): 20, ("ccsds", "apid", "21", "ODD"): 20}


def test_a_boat(made: Path) -> None:
    """Three sentences a second raw and parsed, two of them a position, one card of both."""
    found = read(made, "boat.log")
    assert found.lanes == {"raw": 60, "parsed": 60 + 40, "ui": 20}
    assert frames(found) == (made / "boat.log").read_bytes()
    place = payloads(found, "Position")[0]
    assert (place["latitude"], place["longitude"]) == (52.5, 5.25)
    start = timestamps.parse(EPOCH)
    assert {(one.source_ns - start) // 10**9 for one in found.events} == set(range(20))


def test_a_bus(made: Path) -> None:
    """Ten positions a second and a message of seven frames: all raw, eleven parsed."""
    found = read(made, "bus.log")
    assert found.lanes["raw"] == 20 * (10 + made_logs.GNSS_FRAMES)
    assert found.lanes["parsed"] == 20 * 11
    fix = payloads(found, "gnssPositionData")[0]
    assert (fix["date"], fix["numberOfSvs"]) == ("2026-03-01", made_logs.SATELLITES)
    assert fix["latitude"] == pytest.approx(52.5)
    assert 20 <= views(found)[POSITION] <= 22


def test_values_of_a_log_are_those_of_pyulog(made: Path) -> None:
    """Every sample and its time, in the order of each topic, against the format's own reader."""
    found = read(made, "drone.ulg")
    parsed: dict[str, list[dict[str, object]]] = defaultdict(list)
    for event in found.events:
        if isinstance(event.envelope, ParsedMessage):
            parsed[event.series.container_id].append(event.envelope.payload)
    log = import_optional("pyulog").ULog(str(made / "drone.ulg"))
    assert {dataset.name for dataset in log.data_list} == {"vehicle_attitude", "debug_value"}
    for dataset in log.data_list:
        rows = parsed[dataset.name]
        assert len(rows) == len(dataset.data["timestamp"])
        for field, samples in dataset.data.items():
            told = [single(row[field]) for row in rows]
            assert told == [single(sample) for sample in samples], field
    assert len(log.logged_messages) == 20


def single(value: object) -> bytes:
    """A whole number exactly, another at the precision of the log's floats."""
    text = str(value)
    if text.removeprefix("-").isdigit():
        return text.encode()
    return struct.pack("<f", float(text))


def test_a_table_with_a_name_twice(made: Path) -> None:
    """Rows in order, dated from the epoch; blanks and NaN are no values."""
    found = read(made, "flight.csv")
    assert found.lanes == {"parsed": 40}
    assert found.events[0].source_ns == timestamps.parse(EPOCH) - 300_000_000
    envelopes = [one.envelope for one in found.events]
    rows = [one.payload for one in envelopes if isinstance(one, ParsedMessage)]
    assert (rows[0]["altitude"], rows[0]["altitude_2"]) == (1330.5, 1394)
    assert "speed" not in rows[0]
    assert rows[2]["speed"] == 5.0
