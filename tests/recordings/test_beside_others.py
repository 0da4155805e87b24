"""Sentences and tables beside independent readers, on generated files with planted faults."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pandas

from nova.recordings.cell_time import TimeColumn
from nova.recordings.nmea import NmeaReader
from nova.recordings.table_reader import TableReader
from nova.sdk.events.envelope import ParsedMessage
from nova.sdk.events.observation import Observer
from nova.sdk.optional_imports import import_optional
from tests import made_logs
from tests.recordings.reading import everything

FIRST = datetime(2024, 2, 28, 23, 58, tzinfo=UTC)


def drive(random: Random) -> list[bytes]:
    """Fixes over a midnight; some sentences lose bytes, some end before their fields do."""
    lines = []
    for second in range(300):
        at = FIRST + timedelta(seconds=second)
        place = f"{random.randint(0, 89):02}{random.uniform(0, 59.9):07.4f},{random.choice('NS')}"
        place += f",{random.randint(0, 179):03}{random.uniform(0, 59.9):07.4f}"
        place += f",{random.choice('EW')}"
        rmc = f"GPRMC,{at:%H%M%S}.00,A,{place},1.0,2.0,{at:%d%m%y},,,A"
        gga = f"GPGGA,{at:%H%M%S}.00,{place},1,09,0.9,2.0,M,46.0,M,,"
        for body in (rmc, gga):
            line = made_logs.sentence(body)
            fault = random.randrange(12)
            if fault == 0:
                del_at = random.randrange(10, len(line) - 8)
                line = line[:del_at] + line[del_at + random.randint(1, 3) :]
            elif fault == 1:
                line = line[: random.randrange(7, len(line) - 12)]
            lines.append(line)
    return lines


def expected(data: bytes) -> list[tuple[datetime, float, float]]:
    """What pynmea2 says of each sentence whose checksum is right, dated by the last RMC."""
    pynmea2 = import_optional("pynmea2")
    found: list[tuple[datetime, float, float]] = []
    day = FIRST.date()
    for text in data.decode().replace("$", "\n$").split("\n"):
        try:
            one = pynmea2.parse(text.strip(), check=True)
        except pynmea2.ParseError:
            continue
        if one.sentence_type == "RMC":
            day = one.datestamp
        at = datetime.combine(day, one.timestamp)
        if one.sentence_type == "GGA" and found and at < found[-1][0] - timedelta(hours=12):
            at += timedelta(days=1)
        found.append((at, one.latitude, one.longitude))
    return found


def test_positions_and_times_are_those_of_pynmea2(tmp_path: Path) -> None:
    """Every sentence that is whole, at its own time, and no other."""
    data = b"".join(drive(Random(7)))
    path = tmp_path / "log"
    path.write_bytes(data)
    positions = [
        (datetime.fromtimestamp(one.source_ns // 10**9, UTC), one.envelope.payload)
        for one in everything(NmeaReader(path, Observer("test")).steps()).events
        if isinstance(one.envelope, ParsedMessage) and one.envelope.message_type == "Position"
    ]
    told = [(at, place["latitude"], place["longitude"]) for at, place in positions]
    assert told == [(at, round(lat, 9), round(lon, 9)) for at, lat, lon in expected(data)]
    assert len(told) > 400


def test_values_and_times_are_those_of_pandas(tmp_path: Path) -> None:
    """A frame that pandas writes comes back: floats to the last bit, texts, times, holes."""
    random = Random(7)
    size = 500
    frame = pandas.DataFrame(
        {
            "time": pandas.date_range("2024-02-28 23:59", periods=size, freq="137ms", tz="UTC"),
            "volts": [random.gauss(0, 10 ** random.randint(-9, 9)) for _ in range(size)],
            "count": [random.randint(-(10**12), 10**12) for _ in range(size)],
            "note": [random.choice(["a", 'b "c"', "d,e", "two\nlines", "°"]) for _ in range(size)],
            "holes": [random.choice([1.5, float("nan"), -2e-7]) for _ in range(size)],
        }
    )
    path = tmp_path / "table.csv"
    frame.to_csv(path, index=False)
    reader = TableReader(path, Observer("test"), time=TimeColumn("time", "iso"))
    found = everything(reader.steps())
    assert (found.problems, found.notes) == ([], {})
    rows = [one.envelope.payload for one in found.events if isinstance(one.envelope, ParsedMessage)]
    for name in ("volts", "count", "note"):
        assert [row[name] for row in rows] == frame[name].tolist()
    holes = [None if value != value else value for value in frame["holes"]]
    assert [row.get("holes") for row in rows] == holes
    times = frame["time"].astype("int64").tolist()
    unit_ns = 10**9 // {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[frame["time"].dt.unit]
    assert [one.source_ns for one in found.events] == [time * unit_ns for time in times]
