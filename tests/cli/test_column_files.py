"""Files and lines of columns are read as they were written, whatever fields are named."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pyarrow.ipc
import pyarrow.parquet
import pytest

from nova.cli.column_files import write_file
from nova.sdk.client.column_lines import csv_lines, json_lines
from nova.sdk.client.column_table import ColumnTable
from nova.sdk.errors import NovaError
from nova.sdk.protocol.column_messages import ColumnsResponse, ColumnValues

TEXTS = ["a\nb", "a\rb", "a\r\nb", "a\0b", "\0", '"', ",", " =1+1", "", "\n"]
NUMPY_NAMES = ["file", "args", "kwds", "allow_pickle", "self", "", "../x/y", "a,b", 'q"r', "n\nl"]
TIMES = "sourceTruthTime"


def numbers(field: str, *values: float, present: bytes = b"") -> ColumnValues:
    raw = np.array(values, "<f8").tobytes()
    return ColumnValues(field=field, kind="number", values=raw, present=present)


def texts(field: str, *values: str, present: bytes = b"") -> ColumnValues:
    raw = np.arange(len(values), dtype="<u4").tobytes()
    return ColumnValues(field=field, kind="string", values=raw, texts=list(values), present=present)


def table_of(*columns: ColumnValues, rows: int = 2) -> ColumnTable:
    times = np.arange(rows, dtype="<i8").tobytes()
    page = ColumnsResponse(timebase="source", rows=rows, times=times, columns=list(columns))
    return ColumnTable.of_pages([page])


def test_csv_of_any_text_and_name_has_a_row_for_each_row() -> None:
    """Readers take a line break for the end of a row unless it is quoted."""
    table = table_of(texts("n\nl", *TEXTS), texts("c\rr\0", *TEXTS), rows=len(TEXTS))
    content = b"".join(csv_lines(table)).decode()
    lines = list(csv.reader(io.StringIO(content, newline="")))
    assert lines[0] == [TIMES, "n\nl", "c\rr\0"]
    assert [line[1:] for line in lines[1:]] == [[text, text] for text in TEXTS]


def columns_of(path: Path) -> dict[str, list[object]]:
    """The columns of a file by name; of names that occur twice none is lost."""
    if path.suffix == ".npz":
        with np.load(path) as arrays:
            return {name: arrays[name].tolist() for name in arrays.files}
    if path.suffix == ".csv":
        header, *lines = csv.reader(io.StringIO(path.read_bytes().decode(), newline=""))
        return dict(zip(header, map(list, zip(*lines, strict=True)), strict=True))
    is_parquet = path.suffix == ".parquet"
    table = (
        pyarrow.parquet.read_table(path) if is_parquet else pyarrow.ipc.open_file(path).read_all()
    )
    assert len(set(table.column_names)) == len(table.column_names)
    return {name: table.column(name).to_pylist() for name in table.column_names}


@pytest.mark.parametrize("ending", ["npz", "arrow", "parquet", "csv"])
def test_columns_of_any_name_are_in_every_file(tmp_path: Path, ending: str) -> None:
    """Also of those that numpy, the times, and columns of texts have themselves."""
    table = table_of(
        *(numbers(name, place, place + 0.5) for place, name in enumerate(NUMPY_NAMES)),
        numbers(TIMES, 70, 71),
        texts(TIMES, "x", "y"),
        numbers("n", 80, 81),
        texts("n", "v", "w"),
        numbers("n (text)", 90, 91),
        texts("n (text)", "t", "u"),
    )
    path = tmp_path / f"all.{ending}"
    write_file(table, path)
    read = columns_of(path)
    assert list(read) == [TIMES, *table.names] and len(read) == len(NUMPY_NAMES) + 7
    first = [float(str(read[name][0])) for name in (*NUMPY_NAMES, f"{TIMES} (field)")]
    assert first == [*range(len(NUMPY_NAMES)), 70]
    assert read[f"{TIMES} (text)"] == ["x", "y"]
    assert [float(str(read[name][1])) for name in ("n", "n (text)")] == [81, 91]
    assert read["n (text) (text)"] == ["v", "w"]
    assert read["n (text) (text) (text)"] == ["t", "u"]
    rows = [json.loads(line) for line in json_lines(table)]
    assert list(rows[0]) == list(read)
    assert rows[1][f"{TIMES} (field)"] == 71.0 and rows[1][TIMES].startswith("1970-01-01T")


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        (
            [numbers("a", 1, 2, present=b"\1"), numbers("a.present", 3, 4)],
            "'a.present' would be two arrays",
        ),
        ([numbers("a", 1, 2), numbers("a.npy", 3, 4)], "'a' and 'a.npy' cannot be distinguished"),
        ([numbers("a\0b", 1, 2)], r"'a\\x00b' cannot be named"),
        ([texts("mode", "on", "off\0")], r"a text of the field 'mode' ends with U\+0000"),
    ],
)
def test_what_an_npz_file_cannot_say_is_refused(
    tmp_path: Path, columns: list[ColumnValues], reason: str
) -> None:
    """The other forms have it, and no half file is left."""
    with pytest.raises(NovaError, match=f"{reason}.*write .arrow, .parquet or .csv"):
        write_file(table_of(*columns), tmp_path / "all.npz")
    assert not list(tmp_path.iterdir())
    for ending in ("arrow", "parquet", "csv"):
        write_file(table_of(*columns), tmp_path / f"all.{ending}")
        assert set(columns_of(tmp_path / f"all.{ending}")) > {one.field for one in columns}
