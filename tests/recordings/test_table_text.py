"""The text of tables: encodings, line ends, quotes, and lines that are no rows."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from nova.recordings.cell_time import TimeColumn
from nova.recordings.recording import RecordingError
from nova.recordings.table_reader import (
    BEFORE_HEADER,
    COMMENT,
    REPEATED_HEADER,
    UNITS_ROW,
    TableReader,
)
from nova.recordings.table_text import LINE_MAX_BYTES
from nova.sdk.events.observation import Observer
from tests.recordings.reading import everything
from tests.recordings.tables import read, rows_of, table, typed


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
    assert "not a CSV row" in found.problems[0]


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


def test_endless_line_costs_only_itself(tmp_path: Path) -> None:
    """Bounded memory: a line beyond the limit is a problem that names it."""
    content = b"t,x\n1,2\n" + b"3" * (LINE_MAX_BYTES + 1) + b"\n"
    found = read(table(tmp_path, content), TimeColumn("t"))
    assert rows_of(found) == [{"t": 1, "x": 2}]
    assert found.problems[0].startswith("line 3: the line has 1048577 bytes")
    assert found.end_bytes == len(content)
