"""Parquet tables beside pandas."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy
import pandas
import pyarrow
import pyarrow.parquet
import pytest

from nova.recordings.format_detection import detect_format
from nova.recordings.open_recording import open_recording
from nova.recordings.parquet_table import BATCH_ROWS
from nova.recordings.recording import RecordingError, Step
from nova.recordings.recording_options import RecordingOptions
from nova.sdk import timestamps
from nova.sdk.events.envelope import ParsedMessage
from nova.sdk.events.observation import Observer
from tests.recordings.mutation import survive
from tests.recordings.reading import everything

START_NS = timestamps.parse("2026-03-01T12:00:00.000000001Z")
ROWS = BATCH_ROWS + 50


def frame_of(rows: int = ROWS) -> Any:
    """Times to the nanosecond with and without a zone, numbers, texts and holes."""
    times = pandas.to_datetime(START_NS + numpy.arange(rows) * 1_000_003, unit="ns")
    return pandas.DataFrame(
        {
            "utc": times.tz_localize("UTC"),
            "local": times,
            "seconds": START_NS // 10**9 + numpy.arange(rows) / 4,
            "volts": numpy.where(numpy.arange(rows) % 3, numpy.arange(rows) * 0.1, numpy.nan),
            "count": numpy.arange(rows) * 10**12,
            "note": [f"n{number}" for number in range(rows)],
        }
    )


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tables") / "table"
    frame_of().to_parquet(path)
    return path


def read(path: Path, column: str | None = "utc", **options: str) -> Iterator[Step]:
    given = RecordingOptions(time_column=column, **options)  # type: ignore[arg-type]
    return open_recording(path, Observer("test"), None, given)


def test_rows_are_those_of_pandas(table: Path) -> None:
    """Values to the bit, times to the nanosecond; a hole is no value."""
    assert detect_format(table) == "parquet"
    found = everything(read(table))
    assert (found.problems, found.lanes) == ([], {"parsed": ROWS})
    expected = pandas.read_parquet(table)
    assert [one.source_ns for one in found.events] == expected["utc"].astype("int64").tolist()
    rows = [one.envelope.payload for one in found.events if isinstance(one.envelope, ParsedMessage)]
    for name in ("seconds", "note"):
        assert [row[name] for row in rows] == expected[name].tolist()
    volts = [None if one != one else one for one in expected["volts"]]
    assert [row.get("volts") for row in rows] == volts
    assert [int(str(row["count"])) for row in rows] == expected["count"].tolist()
    assert found.ids == everything(read(table)).ids


def test_a_local_time_needs_a_zone(table: Path) -> None:
    """Each row says so; with a zone its clock applies."""
    assert "--time-zone" in everything(read(table, "local")).problems[0]
    found = everything(read(table, "local", time_zone="+02:00"))
    assert found.events[0].source_ns == START_NS - 2 * 3600 * 10**9


def test_numbers_are_counters(table: Path) -> None:
    """As in a CSV."""
    found = everything(read(table, "seconds"))
    assert [one.source_ns for one in found.events[:2]] == [
        START_NS // 10**9 * 10**9 + step for step in (0, 250_000_000)
    ]


def test_a_wrong_column_is_one_error(table: Path) -> None:
    for column in (None, "time"):
        with pytest.raises(RecordingError, match="columns are utc, local"):
            list(read(table, column))


def test_damaged_tables_end(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    frame_of(200).to_parquet(path)
    survive(path, read, 60)


def test_times_of_day_and_durations_are_seconds(tmp_path: Path) -> None:
    """In each unit, to the nanosecond."""
    columns: dict[str, Any] = {"at": pyarrow.array([1_700_000_000] * 2)}
    for unit, count in {"s": 3, "ms": 3_000, "us": 3_000_000, "ns": 3_000_000_000}.items():
        kind = pyarrow.time32(unit) if unit in ("s", "ms") else pyarrow.time64(unit)
        columns[f"time_{unit}"] = pyarrow.array([count, None], kind)
        columns[f"took_{unit}"] = pyarrow.array([count, None], pyarrow.duration(unit))
    columns["tiny"] = pyarrow.array([1, None], pyarrow.time64("ns"))
    path = tmp_path / "table.parquet"
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    found = everything(read(path, "at"))
    parsed = [one.envelope for one in found.events if isinstance(one.envelope, ParsedMessage)]
    first, second = (one.payload for one in parsed)
    assert first.pop("tiny") == 1e-9
    assert first == dict.fromkeys([*columns][1:-1], 3) | {"at": 1_700_000_000}
    assert second == {"at": 1_700_000_000}
