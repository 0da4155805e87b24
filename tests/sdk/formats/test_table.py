"""Tables: one event a row, whatever the file's manners."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdk import timestamps
from sdk.envelope import ParsedMessage, UiUpdate
from sdk.formats.cell_time import TimeColumn, zone_of
from sdk.formats.recording import RecordingError
from sdk.formats.table import (
    BEFORE_HEADER,
    COMMENT,
    REPEATED_HEADER,
    UNITS_ROW,
    RowTimes,
    TableReader,
)
from sdk.formats.table_header import column_names
from sdk.formats.table_text import LINE_MAX_BYTES
from sdk.formats.table_types import AMBIGUOUS, MIXED, cell_value
from sdk.observation import Entity, Observer
from sdk.updates import Views
from tests.sdk.formats.reading import Everything, everything

LIFTOFF = timestamps.parse("2022-06-24T15:17:16Z")


def read(path: Path, time: TimeColumn) -> Everything:
    """A whole table."""
    return everything(TableReader(path, Observer("test"), time=time).steps())


def table(folder: Path, content: bytes) -> Path:
    """A file with this content."""
    path = folder / "table.csv"
    path.write_bytes(content)
    return path


def rows_of(found: Everything) -> list[dict[str, object]]:
    """The payloads in order."""
    envelopes = (event.envelope for event in found.events)
    return [one.payload for one in envelopes if isinstance(one, ParsedMessage)]


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
    found = read(path, TimeColumn("date,time", "iso", zone=zone_of("Europe/Berlin")))
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


def test_quoted_cells_may_hold_lines(tmp_path: Path) -> None:
    """A quoted cell keeps its line end; the row counts from where it begins."""
    content = b't,x\n1,"two\nlines, with ""quotes"""\nsoon,2\n'
    found = read(table(tmp_path, content), TimeColumn("t"))
    assert rows_of(found) == [{"t": 1, "x": 'two\nlines, with "quotes"'}]
    assert found.problems[0].startswith("line 4")


def test_quote_that_never_ends_costs_its_own_line(tmp_path: Path) -> None:
    """Before, everything behind it was lost too."""
    found = read(table(tmp_path, b't,x\n1,a\n2,"b\n3,c\n4,5" pipe\n5,"d"e\n6,f\n'), TimeColumn("t"))
    assert [row["x"] for row in rows_of(found)] == ["a", "c", '5" pipe', "f"]
    assert [problem.split(":")[0] for problem in found.problems] == ["line 3", "line 6"]
    assert "no CSV row" in found.problems[0]


def test_torn_rows_are_refused(tmp_path: Path) -> None:
    """A row with other than its columns' cells is said; signs at its end do not count."""
    found = read(table(tmp_path, b"t,x,y\n1,5\n2,5,6,7\n\n3,,6\n4,5,6,,\n"), TimeColumn("t"))
    assert rows_of(found) == [{"t": 3, "y": 6}, {"t": 4, "x": 5, "y": 6}]
    assert found.problems == [
        "line 2: 2 cells where the table has 3 columns",
        "line 3: 4 cells where the table has 3 columns",
    ]


PLAIN = "time,Temp\n0,21.5\n1,21.6\n"
PLAIN_ROWS = [{"time": 0, "Temp": 21.5}, {"time": 1, "Temp": 21.6}]


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (PLAIN.encode("utf-8-sig"), None),
        (PLAIN.encode("utf-16"), None),
        (b"\xfe\xff" + PLAIN.encode("utf-16-be"), None),
        (PLAIN.encode("utf-32"), None),
        (PLAIN.encode("utf-16-le"), "utf-16-le"),
        (PLAIN.replace("\n", "\r").encode(), None),
        (PLAIN.replace("\n", "\r\n").encode(), "cp1252"),
        (b'\xef\xbb\xbf"time","Temp"\r\n"0","21.5"\r\n"1","21.6"\r\n', None),
        (b"sep=;\r\n" + PLAIN.replace(",", ";").encode(), None),
        (b"SEP=|\n" + PLAIN.replace(",", "|").encode(), None),
        (PLAIN.replace(",", " \t ").replace("\n", "  \n   ").encode(), None),
        (b"# Logger X, serial 123\n# started\n#\n" + PLAIN.encode(), None),
        (b"# " + PLAIN.encode(), None),
        (b"Device;Logger X\nSerial;123\n\n" + PLAIN.replace(",", ";").encode(), None),
        (PLAIN.encode() + b"# pause\n\ntime,Temp\n", None),
        (PLAIN.replace("\n", "\ns,C\n", 1).encode(), None),
    ],
)
def test_manners_of_files(tmp_path: Path, content: bytes, encoding: str | None) -> None:
    """Encodings, line ends, dividing signs, and lines that are no rows: the rows are the same."""
    path = table(tmp_path, content)
    reader = TableReader(path, Observer("test"), time=TimeColumn("time"), encoding=encoding)
    found = everything(reader.steps())
    assert (rows_of(found), found.problems) == (PLAIN_ROWS, [])
    assert found.end_bytes == len(content)


def test_lines_that_are_passed_over_are_said(tmp_path: Path) -> None:
    """Each by what it is."""
    content = b"Device,X\n\ntime,V\ns,V\n0,1\n# pause\n\ntime,V\n1,2\nV,s\n"
    found = read(table(tmp_path, content), TimeColumn("time"))
    assert found.notes == {BEFORE_HEADER: 1, UNITS_ROW: 1, COMMENT: 1, REPEATED_HEADER: 1}
    assert [row["V"] for row in rows_of(found)] == [1, 2]
    assert len(found.problems) == 1


def test_lines_to_skip_may_be_said(tmp_path: Path) -> None:
    """For a table whose header stands behind a line that looks like it."""
    path = table(tmp_path, b"time,Temp\n(of boot)\ntime,V\n0,1\n")
    reader = TableReader(path, Observer("test"), time=TimeColumn("time"), skip_lines=2)
    assert rows_of(everything(reader.steps())) == [{"time": 0, "V": 1}]


@pytest.mark.parametrize(
    ("content", "encoding", "words"),
    [
        ("time,°C\n0,1\n".encode("cp1252"), None, "line 1 is not UTF-8.*--encoding.*cp1252"),
        (PLAIN.encode("utf-16-le"), None, "every other byte is 0.*--encoding"),
        (PLAIN.encode(), "klingon", "--encoding 'klingon'"),
        (PLAIN.encode(), "base64", "--encoding 'base64'"),
        (b'"time,x\n0,1\n', None, "--time-column"),
    ],
)
def test_text_that_cannot_be_read_is_one_error(
    tmp_path: Path, content: bytes, encoding: str | None, words: str
) -> None:
    """With the option that helps. Before, there was Python's message for each row."""
    path = table(tmp_path, content)
    reader = TableReader(path, Observer("test"), time=TimeColumn("time"), encoding=encoding)
    with pytest.raises(RecordingError, match=words):
        everything(reader.steps())


def test_the_encoding_that_is_said_is_used(tmp_path: Path) -> None:
    """Names and cells."""
    path = table(tmp_path, "time,Temp °C\n0,21µ\n".encode("cp1252"))
    reader = TableReader(path, Observer("test"), time=TimeColumn("time"), encoding="cp1252")
    assert rows_of(everything(reader.steps())) == [{"time": 0, "Temp °C": "21µ"}]


def typed(folder: Path, content: str, time: str, **options: Any) -> Everything:
    """A table read with options."""
    path = table(folder, content.encode())
    return everything(TableReader(path, Observer("test"), time=TimeColumn(time), **options).steps())


@pytest.mark.parametrize("first", ["0,0", "0.0"])
def test_decimal_commas(tmp_path: Path, first: str) -> None:
    """Where commas divide no cells, also in the time. Before, they were text."""
    second = first[0] + first[1] + "5"
    content = f"Zeit;Spannung;Strom\n{first};28,5;-1,250\n{second};28;1,125\n"
    found = typed(tmp_path, content, "Zeit")
    assert rows_of(found) == [
        {"Zeit": 0.0, "Spannung": 28.5, "Strom": -1.25},
        {"Zeit": 0.5, "Spannung": 28, "Strom": 1.125},
    ]
    assert [event.source_ns for event in found.events] == [0, 500_000_000]
    assert (found.problems, found.notes) == ([], {})


def test_a_comma_that_may_divide_thousands_is_not_guessed(tmp_path: Path) -> None:
    """It is kept as text, with a note, and `--decimal` says what it is."""
    content = "t;x\n1;1,234\n2;5\n"
    found = typed(tmp_path, content, "t")
    assert [row["x"] for row in rows_of(found)] == ["1,234", "5"]
    assert found.notes == {AMBIGUOUS: 1}
    assert [row["x"] for row in rows_of(typed(tmp_path, content, "t", decimal=","))] == [1.234, 5]
    quoted = 't,x\n1,"28,5"\n'
    assert rows_of(typed(tmp_path, quoted, "t"))[0]["x"] == "28,5"
    assert rows_of(typed(tmp_path, quoted, "t", decimal=","))[0]["x"] == 28.5


IDS = """time,icao24,serial,hash,value
0,484506,12e3,0x1f,1.5
1,38e123,0012,1e10,NaN
2,4840e6,9E2,2d3,N/A
3,a1b2c3,77,77,-2e-3
"""


def test_ids_stay_text_for_the_whole_column(tmp_path: Path) -> None:
    """Before, 38e123 was 3.8e+124, beside ids that were text."""
    found = typed(tmp_path, IDS, "time")
    rows = rows_of(found)
    assert [row["icao24"] for row in rows] == ["484506", "38e123", "4840e6", "a1b2c3"]
    assert [row["serial"] for row in rows] == ["12e3", "0012", "9E2", "77"]
    assert [row["hash"] for row in rows] == ["0x1f", "1e10", "2d3", "77"]
    assert [row.get("value") for row in rows] == [1.5, None, None, -0.002]
    assert found.notes == {MIXED: 3}


def test_columns_that_are_said_to_be_text(tmp_path: Path) -> None:
    """Whatever they hold; a name that is none is one error."""
    rows = rows_of(typed(tmp_path, "t,id,x\n1,12,3\n2,7,4\n", "t", text_columns=("id",)))
    assert rows == [{"t": 1, "id": "12", "x": 3}, {"t": 2, "id": "7", "x": 4}]
    with pytest.raises(RecordingError, match="--text names no column: 'ide'"):
        typed(tmp_path, "t,id\n1,2\n", "t", text_columns=("ide",))


def test_a_first_row_of_values_is_no_row_of_units(tmp_path: Path) -> None:
    """Decimal commas are numbers, and a time has digits."""
    assert len(rows_of(typed(tmp_path, "t;x\n0,5;1,5\n1,5;1,6\n", "t"))) == 2
    iso = TimeColumn("t", "iso")
    found = read(table(tmp_path, b"t,mode\n2026-01-01T00:00:00Z,on\n"), iso)
    assert rows_of(found) == [{"t": "2026-01-01T00:00:00Z", "mode": "on"}]


def fuzz(folder: Path, files: int) -> None:
    """Read mutated tables in every encoding: no crash but one clear error."""
    random = Random(15)
    lines = "".join(f'{at},{at / 7:.3f},"a ""b"" {at}",38e12{at % 9}\n' for at in range(20))
    encodings = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "utf-32")
    signs = [b'"', b"\r", b"\n", b"\0", b",", b";", b"#", b"\xff", b"sep=,\n", b"1e999", b"NaN"]
    for number in range(files):
        encoding = encodings[number % len(encodings)]
        data = bytearray(f"time,a,b,c\n{lines}".encode(encoding))
        for _ in range(random.randint(1, 15)):
            at = random.randrange(len(data))
            if random.random() < 0.5:
                data[at : at + random.choice([0, 1, 9])] = random.choice(signs)
            else:
                data[at] = random.randrange(256)
        path = table(folder, bytes(data))
        said = encoding if number % 2 else None
        reader = TableReader(path, Observer("test"), time=TimeColumn("time"), encoding=said)
        with suppress(RecordingError):
            everything(reader.steps())


def test_mutated_tables(tmp_path: Path) -> None:
    """A hundredth of the number below."""
    fuzz(tmp_path, 200)


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_many_mutated_tables(tmp_path: Path) -> None:
    """Twenty thousand."""
    fuzz(tmp_path, 20_000)


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


def test_endless_line_costs_only_itself(tmp_path: Path) -> None:
    """Bounded memory: a line beyond the limit is a problem that names it."""
    content = b"t,x\n1,2\n" + b"3" * (LINE_MAX_BYTES + 1) + b"\n"
    found = read(table(tmp_path, content), TimeColumn("t"))
    assert rows_of(found) == [{"t": 1, "x": 2}]
    assert found.problems[0].startswith("line 3: 1048577 bytes")
    assert found.end_bytes == len(content)


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


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**15) + 1, 10**15 - 1))
def test_numbers_come_back_as_they_were(number: float) -> None:
    """Every double and every integer up to fifteen digits."""
    value = cell_value(repr(number))
    assert value == number
    assert isinstance(value, int | float)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("", ""),
        ("NaN", ""),
        ("-nan", ""),
        ("inf", "inf"),
        ("1e999", "1e999"),
        ("007", "007"),
        ("12345678901234567890", "12345678901234567890"),
        ("0x1f", "0x1f"),
        ("1_000", "1_000"),
        ("٣", "٣"),
        ("+4", 4),
        (".5", 0.5),
        ("2.", 2.0),
    ],
)
def test_cells(cell: str, value: object) -> None:
    """Numbers where they are; text where a number would lose something."""
    assert cell_value(cell) == value


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
        views=Views(observer),
        view_id="telemetry.battery",
    )
    told = [e.envelope for e in everything(reader.steps()).events if e.series.lane == "ui"]
    assert [one.data for one in told if isinstance(one, UiUpdate)] == [
        {"voltage": 28.5},
        {"voltage": 28.4},
    ]
