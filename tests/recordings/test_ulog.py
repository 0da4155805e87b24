"""ULog recordings: what pyulog reads of a log whole is read here record by record."""

from __future__ import annotations

import contextlib
import io
import math
import random
import struct
from collections import defaultdict
from itertools import islice
from pathlib import Path

import pytest

from nova.recordings.recording import RecordingError
from nova.recordings.ulog import BOOT_DATED, FAR_STAMP, NO_STAMP, NO_UTC, UlogReader
from nova.recordings.xtce_decoders import NOT_FINITE
from nova.sdk import timestamps
from nova.sdk.events.envelope import ParsedMessage, RawFrame
from nova.sdk.events.observation import Observer
from nova.sdk.optional_imports import import_optional
from tests.recordings.reading import Everything, everything
from tests.recordings.test_ulog_messages import HEAD, message

DRONE = "ulog/sample.ulg"
AGAIN = 10_000
"""This many steps are read twice, of some 65,000."""

GPS = "gps:uint64_t timestamp;uint64_t time_utc_usec;double lat;uint8_t fix_type;"
FIRST_FIX = timestamps.parse("2026-05-01T00:00:10Z")


@pytest.fixture(scope="module")
def drone(recordings: Path) -> Everything:
    """The whole of a real log."""
    return read(recordings / DRONE)


def read(path: Path, epoch_ns: int | None = None) -> Everything:
    """A whole recording."""
    return everything(UlogReader(path, Observer("test"), epoch_ns=epoch_ns).steps())


def written(folder: Path, *messages: bytes) -> Path:
    """A log of these messages behind one format and one announcement."""
    path = folder / "log.ulg"
    opening = message("F", GPS.encode()), message("A", struct.pack("<BH", 0, 1) + b"gps")
    path.write_bytes(HEAD + b"".join(opening + messages))
    return path


def record(stamp_us: int, utc_us: int, latitude: float = 1.0, fix: int = 3) -> bytes:
    """One record of the one topic."""
    return message("D", struct.pack("<HQQdB", 1, stamp_us, utc_us, latitude, fix))


def times(found: Everything, since: str = "1970-01-01T00:00:00Z") -> list[float]:
    """The times of records in seconds, in the order of the file."""
    raw = [event for event in found.events if event.series.lane == "raw"]
    return [(event.source_ns - timestamps.parse(since)) / 1e9 for event in raw]


@pytest.mark.slow
def test_drone(drone: Everything, recordings: Path) -> None:
    """64,542 records, each raw and parsed; 4 lines, 4 dropouts and 6 changed parameters."""
    assert drone.lanes == {"raw": 64_542, "parsed": 64_542 + 4 + 4 + 6, "metadata": 2}
    assert drone.problems == []
    assert drone.notes == {NO_UTC: 1, NO_STAMP: 17_072 + 3_271}
    assert drone.end_bytes == (recordings / DRONE).stat().st_size
    # Some topics are written again unchanged, with the time that they had: one event each.
    assert len(set(drone.ids)) == 127_746
    entities = {event.series[2:5] for event in drone.events if event.series.lane == "raw"}
    assert len(entities) == 15
    assert ("ulog", "vehicle_attitude", "0") in entities


@pytest.mark.slow
def test_values_are_those_of_pyulog(drone: Everything, recordings: Path) -> None:
    """Every one of the 826,976 samples and their times, in the order of each topic."""
    parsed: dict[str, list[dict[str, object]]] = defaultdict(list)
    for event in drone.events:
        if isinstance(event.envelope, ParsedMessage):
            parsed[event.envelope.message_type].append(event.envelope.payload)
    numpy = import_optional("numpy")
    samples = 0
    for dataset in import_optional("pyulog").ULog(str(recordings / DRONE)).data_list:
        payloads = parsed[dataset.name]
        for name, column in dataset.data.items():
            samples += len(column)
            ours = numpy.array([payload.get(name, math.nan) for payload in payloads])
            assert numpy.array_equal(ours.astype(column.dtype), column), (dataset.name, name)
    assert samples == 826_976 + 64_542


@pytest.mark.slow
def test_raw_is_the_record(drone: Everything, recordings: Path) -> None:
    """The bytes behind each record's id, in order: it can be decoded again."""
    numpy = import_optional("numpy")
    logged = import_optional("pyulog").ULog(str(recordings / DRONE)).get_dataset("vehicle_attitude")
    frames = [
        one.envelope.frame
        for one in drone.events
        if isinstance(one.envelope, RawFrame) and one.series.container_id == "vehicle_attitude"
    ]
    columns = numpy.frombuffer(b"".join(frames), numpy.dtype("<u8,(7,)<f4"))
    assert numpy.array_equal(columns["f0"], logged.data["timestamp"])
    assert numpy.array_equal(columns["f1"][:, 3], logged.data["q[0]"])


@pytest.mark.slow
def test_same_file_has_the_same_ids(drone: Everything, recordings: Path) -> None:
    """Invariant 2, though a third of the records has no time."""
    again = everything(islice(UlogReader(recordings / DRONE, Observer("test")).steps(), AGAIN))
    assert len(again.ids) > AGAIN / 2
    assert again.ids == drone.ids[: len(again.ids)]


@pytest.mark.slow
def test_a_topic_of_the_past_does_not_turn_the_clock_back(drone: Everything) -> None:
    """A state that has not changed since boot is logged with its old time; others go on."""
    unstamped = [e for e in drone.events if e.series[1:4] == ("raw", "ulog", "sensor_preflight")]
    assert timestamps.text(unstamped[0].source_ns) == "1970-01-01T00:01:52.574774000Z"
    assert timestamps.text(unstamped[-1].source_ns) > "1970-01-01T00:03:01"


def test_epoch_is_the_moment_of_boot(recordings: Path) -> None:
    """Then there is nothing left to note but the records without a time."""
    epoch_ns = timestamps.parse("2017-05-01T12:00:00Z")
    steps = UlogReader(recordings / DRONE, Observer("test"), epoch_ns=epoch_ns).steps()
    found = everything(islice(steps, 100))
    assert set(found.notes) == {NO_STAMP}
    attitude = next(e for e in found.events if e.series.container_id == "vehicle_attitude")
    assert attitude.source_ns == epoch_ns + 112_574_307_000


def test_utc_of_a_receiver_dates_the_log(tmp_path: Path) -> None:
    """Records before the fix are dated too; a receiver's factory date is no UTC."""
    utc_us = timestamps.parse("2026-05-01T00:00:10Z") // 1_000
    path = written(tmp_path, record(1_000_000, 0), record(2_000_000, 7), record(10_000_000, utc_us))
    found = read(path)
    raw = [event for event in found.events if event.series.lane == "raw"]
    boot = timestamps.parse("2026-05-01T00:00:00Z")
    assert [(event.source_ns - boot) // 10**9 for event in raw] == [1, 2, 10]
    assert (found.notes, found.problems) == ({}, [])


def test_broken_records_do_not_end_the_reading(tmp_path: Path) -> None:
    """Records too short or of no topic, an announcement without a format: each says so."""
    utc_us = timestamps.parse("2026-05-01T00:00:10Z") // 1_000
    path = written(
        tmp_path,
        message("D", struct.pack("<HQ", 1, 5)),
        message("D", b"\x09\x00abc"),
        message("D", b"\x01"),
        message("A", struct.pack("<BH", 0, 2) + b"nothing"),
        message("L", b"4"),
        message("O", b"12345"),
        record(10_000_000, utc_us),
    )
    found = read(path)
    assert found.lanes == {"raw": 1, "parsed": 1}
    assert len(found.problems) == 6


def test_damage_costs_what_is_damaged(tmp_path: Path) -> None:
    """Before, a log ended at its first wrong byte; now 38 of 40, and both places are said."""
    path = written(tmp_path, *(record(number * 1_000_000, 0) for number in range(40)))
    data = bytearray(path.read_bytes())
    size = len(record(0, 0))
    for number in (10, 30):
        data[-(number * size)] ^= 0x5A
        data[-(number * size) + 2] = 254
    path.write_bytes(data)
    found = read(path)
    assert times(found) == [number for number in range(40) if number not in (10, 30)]
    assert len(found.problems) == 2
    assert all(f"{size} bytes skipped" in one for one in found.problems)


def test_a_record_of_before_keeps_its_time(tmp_path: Path) -> None:
    """And one that is not a number says so, and keeps its other fields and its time."""
    stamps = [1, 6, 3, 4, 7]
    found = read(written(tmp_path, *(record(one * 1_000_000, 0, math.nan) for one in stamps)))
    assert times(found) == stamps
    assert found.notes[NOT_FINITE] == len(stamps)
    parsed = [e.envelope for e in found.events if isinstance(e.envelope, ParsedMessage)]
    assert [one.payload["timestamp"] for one in parsed] == [one * 1_000_000 for one in stamps]


def test_a_time_that_cannot_be_takes_no_record(tmp_path: Path) -> None:
    """Before, it was called none; and a log line's moved what has no time of its own."""
    line = message("L", struct.pack("<BQ", ord("4"), 2**60))
    path = written(tmp_path, record(1_000, 0), record(2**60, 0), line, record(0, 0))
    found = read(path, epoch_ns=0)
    assert found.notes == {FAR_STAMP: 1, NO_STAMP: 1}
    assert [event.source_ns for event in found.events if event.series.lane == "raw"] == [10**6] * 3
    assert len(found.problems) == 1


def test_equal_dropouts_are_as_many(tmp_path: Path) -> None:
    """Before, two between the same records became one event."""
    made = message("O", struct.pack("<H", 5))
    path = written(tmp_path, record(1_000, 0), made, made, record(2_000, 0), made)
    found = read(path, epoch_ns=0)
    dropouts = [
        event.envelope.payload
        for event in found.events
        if isinstance(event.envelope, ParsedMessage) and event.envelope.message_type == "Dropout"
    ]
    assert dropouts == [{"durationMs": 5}, {"durationMs": 5, "number": 2}, {"durationMs": 5}]
    assert len(set(found.ids)) == len(found.events)


def test_a_receiver_without_fix_dates_nothing(tmp_path: Path) -> None:
    """Before, a log of 2026 was of 2004, the factory's date of its receiver."""
    factory_us = timestamps.parse("2004-01-01T00:00:00Z") // 1_000
    first = [record(number * 1_000_000, factory_us, fix=number) for number in (1, 2, 8)]
    found = read(written(tmp_path, *first, record(10_000_000, FIRST_FIX // 1_000, fix=6)))
    assert times(found, "2026-05-01T00:00:00Z") == [1, 2, 8, 10]
    found = read(written(tmp_path, *first))
    assert times(found) == [1, 2, 8]
    assert found.notes == {NO_UTC: 1}


def test_the_moment_of_boot_that_a_log_says(tmp_path: Path) -> None:
    """It dates what no fix does, which is said."""
    boot_us = timestamps.parse("2026-05-01T00:00:00Z") // 1_000
    key = b"uint64_t boot_time_utc_us"
    path = written(tmp_path, record(5_000_000, 0, fix=0))
    said = message("I", bytes([len(key)]) + key + struct.pack("<Q", boot_us))
    path.write_bytes(HEAD + said + path.read_bytes()[len(HEAD) :])
    found = read(path)
    assert times(found, "2026-05-01T00:00:00Z") == [5]
    assert found.notes == {BOOT_DATED: 1}


def test_a_log_and_damaged_ones_beside_pyulog(tmp_path: Path) -> None:
    """Where both find a record, it has the same time and values; we find no fewer."""
    path = written(tmp_path, *(record(n * 1_000, 0, n / 7) for n in range(1, 101)))
    whole = path.read_bytes()
    begin = len(whole) - 100 * len(record(0, 0))
    generator = random.Random(15)
    for _ in range(20):
        data = bytearray(whole)
        for _ in range(generator.randrange(4)):
            place = generator.randrange(10) * 10 + 5
            data[begin + place * len(record(0, 0)) + generator.randrange(5)] ^= 0xFF
        path.write_bytes(data)
        parsed = [e.envelope for e in read(path).events if isinstance(e.envelope, ParsedMessage)]
        ours = {one.payload["timestamp"]: one.payload["lat"] for one in parsed}
        with contextlib.redirect_stdout(io.StringIO()):
            (dataset,) = import_optional("pyulog").ULog(str(path)).data_list
        theirs = dict(
            zip(dataset.data["timestamp"].tolist(), dataset.data["lat"].tolist(), strict=True)
        )
        assert theirs.items() <= ours.items()


def mutated(whole: bytes, generator: random.Random) -> bytes:
    """A log with a few places overwritten, cut out or put in."""
    data = bytearray(whole)
    for _ in range(generator.randint(1, 6)):
        place = generator.randrange(len(data) + 1)
        garbage = generator.randbytes(generator.randint(1, 9))
        gone = generator.choice([0, len(garbage), generator.randint(0, 60)])
        data[place : place + gone] = garbage
    return bytes(data)


def read_mutated(folder: Path, count: int, seed: int) -> None:
    """Whatever is wrong: an end, and a refusal or events with what was skipped."""
    generator = random.Random(seed)
    lines = [message("L", struct.pack("<BQ", ord("4"), n)) for n in range(3)]
    path = written(folder, *lines, *(record(n * 1_000, 0) for n in range(30)), *lines)
    whole = path.read_bytes()
    for _ in range(count):
        path.write_bytes(mutated(whole, generator))
        with contextlib.suppress(RecordingError):
            read(path)


def test_mutated_logs_end(tmp_path: Path) -> None:
    """Before, pyulog read the head of some for ever."""
    read_mutated(tmp_path, 300, seed=1)


@pytest.mark.slow
def test_many_mutated_logs_end(tmp_path: Path) -> None:
    """The same, long enough to meet what is rare."""
    read_mutated(tmp_path, 10_000, seed=2)


def test_cut_short(recordings: Path, tmp_path: Path) -> None:
    """What is whole is published; where the file breaks off there is one problem."""
    path = tmp_path / "log.ulg"
    path.write_bytes((recordings / DRONE).read_bytes()[:200_000])
    found = read(path)
    assert found.lanes["raw"] > 1_000
    (problem,) = found.problems
    assert "cut short" in problem


def test_logged_lines(tmp_path: Path) -> None:
    """Levels by name, tags where there are some."""
    path = written(
        tmp_path,
        message("L", struct.pack("<BQ", ord("3"), 5) + b"motor \xff"),
        message("C", struct.pack("<BHQ", ord("6"), 9, 6) + b"hello"),
    )
    parsed = [e.envelope for e in read(path).events if isinstance(e.envelope, ParsedMessage)]
    assert [(one.message_type, one.payload) for one in parsed] == [
        ("Log", {"level": "ERROR", "text": "motor �"}),
        ("Log", {"level": "INFO", "text": "hello", "tag": 9}),
    ]
