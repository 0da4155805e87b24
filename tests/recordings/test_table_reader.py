"""Tables: one event a row, whatever the file's manners."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.recordings.cell_time import TimeColumn, parse_zone
from nova.recordings.recording import RecordingError
from nova.recordings.table_header import column_names
from nova.recordings.table_reader import CUT, CUT_TIME, RowTimes, TableReader
from nova.sdk import timestamps
from nova.sdk.events.envelope import UiUpdate
from nova.sdk.events.observation import Entity, Observer
from nova.sdk.producer.view_updates import ViewUpdates
from tests.recordings.reading import everything
from tests.recordings.tables import read, rows_of, table

LIFTOFF = timestamps.parse("2022-06-24T15:17:16Z")


@pytest.mark.slow
def test_rocket_flight(recordings: Path) -> None:
    """6,234 rows with relative and repeated times, blanks, NaN, and two columns of one name."""
    path = recordings / "table/2022-06-24-serial-6583-flight-0003-TeleMega.csv"
    found = read(path, TimeColumn("time", "s", LIFTOFF))
    assert found.lanes == {"parsed": 6234}
    assert found.problems == []
    assert found.end_bytes == path.stat().st_size
    assert len(set(found.ids)) == 6234
    assert found.events[0].source_ns == LIFTOFF - 300_000_000
    first = rows_of(found)[0]
    assert first["version"] == 6
    assert first["call"] == "VE3LIC"
    assert (first["altitude"], first["altitude_2"]) == (1330.09, 1394.0)
    assert "speed" not in first
    assert read(path, TimeColumn("time", "s", LIFTOFF)).ids == found.ids


@pytest.mark.parametrize(
    ("time", "cell", "expected"),
    [
        (TimeColumn("t", "iso"), "2026-01-01T01:00:00+01:00", "2026-01-01T00:00:00Z"),
        (TimeColumn("t", "s"), "1767225600.000000001", "2026-01-01T00:00:00.000000001Z"),
        (TimeColumn("t", "ms"), "1767225600001", "2026-01-01T00:00:00.001Z"),
        (TimeColumn("t", "us"), "1767225600000001", "2026-01-01T00:00:00.000001Z"),
        (TimeColumn("t", "ns"), "1767225600000000001", "2026-01-01T00:00:00.000000001Z"),
        (TimeColumn("t", "s", LIFTOFF), "-16", "2022-06-24T15:17:00Z"),
    ],
)
def test_times(tmp_path: Path, time: TimeColumn, cell: str, expected: str) -> None:
    """Every unit, absolute and from an epoch, exact to the nanosecond."""
    found = read(table(tmp_path, f"t,x\n{cell},1\n".encode()), time)
    assert [event.source_ns for event in found.events] == [timestamps.parse(expected)]


def test_a_time_in_two_columns(tmp_path: Path) -> None:
    """Date and time of day, in a zone that is said; the view hears neither."""
    path = table(tmp_path, b"date,time,x\n2025-04-17,17:00:08.5,1\n")
    found = read(path, TimeColumn("date,time", "iso", zone=parse_zone("Europe/Berlin")))
    assert [event.source_ns for event in found.events] == [
        timestamps.parse("2025-04-17T15:00:08.5Z")
    ]
    assert found.problems == []


def test_time_that_steps_back_stays(tmp_path: Path) -> None:
    """Each row at its own time, whatever stood before it."""
    found = read(table(tmp_path, b"t,x\n0,1\n10,2\n2,3\n3,4\n11,5\n"), TimeColumn("t"))
    seconds = [event.source_ns / 10**9 for event in found.events]
    assert seconds == [0, 10, 2, 3, 11]


@given(st.lists(st.integers(0, 3), max_size=30), st.integers(0, 30))
def test_equal_times_keep_the_order_of_the_file(times: list[int], cut: int) -> None:
    """By a nanosecond each; a part that is cut between two times gives the same."""
    rows = RowTimes()
    found = [rows.next(time * 10**9) for time in times]
    assert [at // 10**9 for at in found] == times
    assert len(set(found)) == len(times)
    ordered = sorted(times)
    part = [time for time in ordered if time > cut % 4]
    whole, beginning = RowTimes(), RowTimes()
    whole_times = [whole.next(time * 10**9) for time in ordered]
    part_times = [beginning.next(time * 10**9) for time in part]
    assert part_times == whole_times[len(ordered) - len(part) :]


def test_remembered_times_are_bounded() -> None:
    """The one that was used longest ago is forgotten first."""
    rows = RowTimes(remembered_max=2)
    assert [rows.next(time) for time in (10, 20, 10, 30, 10, 20)] == [10, 20, 11, 30, 12, 20]


def test_rows_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    """No time, no number, a naive time, bytes that are no UTF-8: one line each, and on."""
    content = b"t,x\n2026-01-01T00:00:00Z,1\n,2\nsoon,3\n2026-01-01T00:00:00,4\n"
    content += b"2026-01-01T00:00:01Z,\xff\n2026-01-01T00:00:02Z,6\n"
    found = read(table(tmp_path, content), TimeColumn("t", "iso"))
    assert [row["x"] for row in rows_of(found)] == [1, 6]
    assert [problem.split(":")[0] for problem in found.problems] == [
        "line 3",
        "line 4",
        "line 5",
        "line 6",
    ]
    assert "UTF-8" in found.problems[3]


@pytest.mark.parametrize("sign", [b",", b";", b"\t"])
def test_delimiter_is_the_one_in_the_header(tmp_path: Path, sign: bytes) -> None:
    """Commas, semicolons and tabs."""
    found = read(table(tmp_path, sign.join([b"\xef\xbb\xbft", b"x\n1", b"2\n"])), TimeColumn("t"))
    assert rows_of(found) == [{"t": 1, "x": 2}]


@pytest.mark.parametrize("name", [None, "when"])
def test_missing_time_column_lists_the_columns(tmp_path: Path, name: str | None) -> None:
    """The error says what to give, and what there is."""
    with pytest.raises(RecordingError, match=r"--time-column.*a, b"):
        read(table(tmp_path, b"a,b\n1,2\n"), TimeColumn(name))


def test_empty_file_is_no_events(tmp_path: Path) -> None:
    """Nothing to read is nothing wrong."""
    assert read(table(tmp_path, b""), TimeColumn("t")).events == []


def test_entity_and_type_can_be_chosen(tmp_path: Path) -> None:
    """Two tables of one scope need not be one entity."""
    reader = TableReader(
        table(tmp_path, b"t\n1\n"),
        Observer("test"),
        time=TimeColumn("t"),
        entity=Entity("rocket", "avionics", "imu"),
        message_type="Imu",
    )
    (event,) = everything(reader.steps()).events
    assert event.series[2:6] == ("rocket", "avionics", "imu", "Imu")


@given(st.lists(st.text(max_size=8), max_size=12))
def test_column_names_are_unique_and_never_empty(header: list[str]) -> None:
    """Whatever a header holds, no column hides another."""
    names = column_names(header)
    assert len(names) == len(header)
    assert len(set(names)) == len(names)
    assert all(name.strip() for name in names)


def test_columns_without_a_header_line(recordings: Path) -> None:
    """A channel of the ISS table: hours of the year and a value, between them a blank."""
    path = recordings / "table/iss_htv/P4000001.txt"
    time = TimeColumn("hours", "h", timestamps.parse("2017-12-31T00:00:00Z"))
    columns = ("hours", "voltage")
    reader = TableReader(path, Observer("test"), time=time, columns=columns)
    found = everything(reader.steps())
    assert (found.lanes, found.problems) == ({"parsed": 1_223}, [])
    times = [timestamps.text(event.source_ns) for event in found.events]
    assert times[0].startswith("2018-09-27T08:00:25")
    assert times[-1].startswith("2018-09-27T13:59:")
    assert rows_of(found)[0]["voltage"] == 160.01220703125


def test_blanks_divide_only_where_nothing_else_does(tmp_path: Path) -> None:
    """Names of several words stay whole."""
    path = table(tmp_path, b"time,bus voltage of it,x\n1,2,3\n")
    found = read(path, TimeColumn("time"))
    assert rows_of(found) == [{"time": 1, "bus voltage of it": 2, "x": 3}]


def test_columns_that_a_view_knows_are_told(tmp_path: Path) -> None:
    """By their names; others, and the time, are in the row only."""
    path = table(tmp_path, b"time,voltage,serial\n1,28.5,7\n2,28.4,7\n")
    observer = Observer("test")
    reader = TableReader(
        path,
        observer,
        time=TimeColumn("time"),
        views=ViewUpdates(observer),
        view_id="telemetry.battery",
    )
    told = [e.envelope for e in everything(reader.steps()).events if e.series.lane == "ui"]
    assert [one.data for one in told if isinstance(one, UiUpdate)] == [
        {"voltage": 28.5},
        {"voltage": 28.4},
    ]


def test_a_last_line_without_its_end_loses_its_last_cell(tmp_path: Path) -> None:
    """Half a number passed for a whole one. A closing quote says that a cell is whole."""
    found = read(table(tmp_path, b"t,x,y\n0,1,2\n1,2,3"), TimeColumn("t"))
    assert rows_of(found) == [{"t": 0, "x": 1, "y": 2}, {"t": 1, "x": 2}]
    assert found.notes == {CUT: 1}
    found = read(table(tmp_path, b"x,t\n1,10\n2,11"), TimeColumn("t"))
    assert len(found.events) == 1 and found.problems == [f"line 3: {CUT_TIME}"]
    found = read(table(tmp_path, b't,x\n0,"a"\n1,"b"'), TimeColumn("t"))
    assert len(found.events) == 2 and found.notes == {}


def test_equal_column_names_cost_linear_time() -> None:
    """In steps, not seconds: every name is looked up a bounded number of times."""
    names = column_names(["c"] * 50_000)
    assert (names[0], names[1], names[-1]) == ("c", "c_2", "c_50000")
