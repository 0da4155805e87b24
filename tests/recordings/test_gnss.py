"""Logs of receivers beside pyubx2 and pyrtcm."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from pyubx2 import GET, UBXMessage, UBXReader

from nova.recordings.format_detection import detect_format
from nova.recordings.gnss import NO_TIME, TEXT, GnssReader
from nova.recordings.json_form import fields_of
from nova.recordings.recording import RecordingError, Step
from nova.sdk import timestamps
from nova.sdk.events.envelope import ParsedMessage, RawFrame
from nova.sdk.events.event import check
from nova.sdk.events.observation import Observer
from nova.sdk.producer.view_updates import ViewUpdates
from tests.recordings.mutation import survive
from tests.recordings.reading import everything

RECEIVER = "gps/ublox-zed-f9p_hpg1.11.log"
FIRST_NS = timestamps.parse("2026-03-01T12:00:00Z")
TOW_MS = 43_218_000
SECONDS = 12
RTCM_1005 = bytes.fromhex("d300133ed7d30202980edeef34b4bd62ac0941986f33360b98")
"""The example of RTCM 10403: a station's place."""
PLACE = {"lat": 52.5, "lon": 5.25, "hMSL": 46_000, "gSpeed": 1_500, "numSV": 12}


def log_bytes(seconds: int = SECONDS, valid: int = 1) -> bytes:
    """A fix with its date each second, a clock with the time of week, RTCM, and a sentence."""
    data = b""
    for number in range(seconds):
        flags = {name: valid for name in ("validDate", "validTime", "fullyResolved")}
        date = {"year": 2026, "month": 3, "day": 1, "hour": 12, "min": 0, "second": number}
        week_ms = TOW_MS + number * 1000
        fix = UBXMessage("NAV", "NAV-PVT", GET, iTOW=week_ms, fixType=3, **PLACE, **date, **flags)
        clock = UBXMessage("NAV", "NAV-CLOCK", GET, iTOW=week_ms + 250, clkB=number)
        data += fix.serialize() + clock.serialize() + RTCM_1005
        data += b"$GNVTG,,T,,M,0.015,N,0.027,K,D*39\r\n"
    return data


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "receiver"
    path.write_bytes(log_bytes())
    return path


def read(path: Path, epoch_ns: int | None = None) -> Iterator[Step]:
    observer = Observer("test")
    return GnssReader(path, observer, epoch_ns=epoch_ns, views=ViewUpdates(observer)).steps()


def by_pyubx2(path: Path, count: int | None = None) -> list[tuple[str, bytes, dict[str, Any]]]:
    """Identity, bytes and values of each message."""
    with path.open("rb") as file:
        return [
            (one.identity, raw, fields_of({k: v for k, v in vars(one).items() if k[0] != "_"}))
            for raw, one in islice(UBXReader(file, protfilter=7, quitonerror=0), count)
        ]


def test_messages_are_those_of_pyubx2(log: Path) -> None:
    """Bytes and values of all three protocols; times of fixes and of the week."""
    found = everything(read(log))
    expected = by_pyubx2(log)
    parsed = [one for one in found.events if isinstance(one.envelope, ParsedMessage)]
    frames = [one.envelope.frame for one in found.events if isinstance(one.envelope, RawFrame)]
    assert frames == [one[1] for one in expected]
    assert [one.series.unique_id for one in parsed] == [one[0] for one in expected]
    payloads = [one.envelope.payload for one in parsed if isinstance(one.envelope, ParsedMessage)]
    assert payloads == [one[2] for one in expected]
    times = {
        kind: [one.source_ns for one in parsed if one.series.unique_id == kind]
        for kind in ("NAV-PVT", "NAV-CLOCK")
    }
    assert times["NAV-PVT"] == [FIRST_NS + n * 10**9 for n in range(SECONDS)]
    assert times["NAV-CLOCK"] == [FIRST_NS + n * 10**9 + 250_000_000 for n in range(SECONDS)]
    assert (found.problems, found.notes) == ([], {NO_TIME: 2 * SECONDS})
    assert {one.series.container_id for one in parsed} == {"UBX", "RTCM", "NMEA"}
    assert found.lanes["ui"] > 0
    assert found.ids == everything(read(log)).ids


def test_an_invalid_date_dates_nothing(tmp_path: Path) -> None:
    """The week of --epoch is used, to which the time of the week belongs."""
    path = tmp_path / "receiver.ubx"
    path.write_bytes(log_bytes(valid=0))
    with pytest.raises(RecordingError, match="--epoch"):
        list(read(path))
    near = everything(read(path, epoch_ns=FIRST_NS + 2 * 24 * 3600 * 10**9))
    assert near.events[0].source_ns == FIRST_NS


def test_logs_are_recognized(log: Path) -> None:
    assert detect_format(log) == "gnss"


def test_damage_costs_its_messages(log: Path) -> None:
    data = bytearray(log.read_bytes())
    data[220] ^= 0xFF
    log.write_bytes(b"# a receiver\n" + bytes(data[:300]) + bytes(77) + bytes(data[300:-5]))
    found = everything(read(log))
    assert found.notes[TEXT] >= 1
    assert len(found.problems) >= 2
    assert found.lanes["raw"] > 4 * (SECONDS - 3)


def test_damaged_logs_end(log: Path) -> None:
    survive(log, lambda path: read(path, epoch_ns=FIRST_NS), 100)


def test_a_real_receiver(recordings: Path) -> None:
    """Raw measurements date the log by their week: what is first equals what pyubx2 reads."""
    path = recordings / RECEIVER
    steps = [step for step in islice(read(path), 400) if step.records]
    events = [check(record.value) for step in steps for record in step.records]
    kinds = [one.series.unique_id for one in events if one.series.lane == "parsed"]
    expected = [one[0] for one in by_pyubx2(path, len(kinds))]
    assert Counter(kinds) == Counter(expected)
    assert timestamps.text(min(one.source_ns for one in events)).startswith("2019-04-12T01:19:0")
