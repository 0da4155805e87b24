"""A table of columns has every value of its pages, whatever form a page has it in."""

from __future__ import annotations

import math

import numpy as np

from nova.sdk import timestamps
from nova.sdk.client.column_lines import csv_lines, json_lines
from nova.sdk.client.column_table import ColumnTable
from nova.sdk.protocol.column_messages import ColumnsResponse, ColumnValues
from nova.sdk.timestamps import NS_MAX, NS_MIN
from tests.core.telling import START_NS

NUMBERS = np.array([math.nan, math.inf, -math.inf, -0.0, 5e-324, 0.1])


def page(times: list[int], *columns: ColumnValues) -> ColumnsResponse:
    raw = np.array(times, "<i8").tobytes()
    return ColumnsResponse(timebase="source", rows=len(times), times=raw, columns=list(columns))


def numbers(values: np.ndarray, present: bytes = b"") -> ColumnValues:
    raw = values.astype("<f8").tobytes()
    return ColumnValues(field="n", kind="number", values=raw, present=present)


def other(values: np.ndarray) -> ColumnValues:
    return ColumnValues(field="m", kind="number", values=values.astype("<f8").tobytes())


def test_numbers_keep_every_bit_and_absent_ones_are_masked() -> None:
    table = ColumnTable.of_pages([page([1, 2, 3, 4, 5, 6], numbers(NUMBERS))])
    assert table["n"].tobytes() == NUMBERS.tobytes()
    assert table.to_arrow().column("n").chunk(0).to_numpy().tobytes() == NUMBERS.tobytes()
    absent = ColumnTable.of_pages([page([1, 2, 3, 4, 5, 6], numbers(NUMBERS, bytes([0b110111])))])
    assert np.ma.getmaskarray(absent["n"]).tolist() == [False, False, False, True, False, False]
    held = absent.to_arrow().column("n").to_pylist()
    assert math.isnan(held[0]) and held[1:4] == [math.inf, -math.inf, None]


def test_nothing_is_copied_of_one_page() -> None:
    raw = page([1, 2, 3, 4, 5, 6], numbers(NUMBERS))
    table = ColumnTable.of_pages([raw])
    place = np.frombuffer(raw.columns[0].values, "u1").ctypes.data
    assert table["n"].ctypes.data == place
    assert table.to_arrow().column("n").chunk(0).buffers()[1].address == place


def test_pages_of_different_kinds_are_joined() -> None:
    """Booleans become numbers, texts have positions of their own on each page, and a page may lack
    a column.
    """
    on = ColumnValues(field="n", kind="boolean", values=b"\1\0")
    safe = ColumnValues(field="mode", kind="string", values=bytes(4), texts=["safe"], present=b"\1")
    dark = ColumnValues(
        field="mode", kind="string", values=b"\1\0\0\0" + bytes(4), texts=["safe", "dark"]
    )
    table = ColumnTable.of_pages(
        [
            page([1, 2], on),
            page([3], numbers(np.array([2.5])), safe),
            page([]),
            page([4, 5], dark),
        ]
    )
    assert table.kinds == {"n": "number", "mode": "string"}
    assert table["n"].tolist() == [1.0, 0.0, 2.5, None, None]
    assert table["mode"].tolist() == [None, None, "safe", "dark", "safe"]
    arrow = table.to_arrow()
    assert arrow.column("n").to_pylist() == table["n"].tolist()
    assert arrow.column("mode").to_pylist() == table["mode"].tolist()


def test_what_json_and_csv_have_no_numbers_for_is_named() -> None:
    table = ColumnTable.of_pages([page([0, 1, 2], numbers(NUMBERS[:3]))])
    lines = b"".join(csv_lines(table)).decode().splitlines()
    assert [line.split(",")[1] for line in lines] == ["n", "NaN", "Infinity", "-Infinity"]
    assert b'"n":"NaN"' in next(iter(json_lines(table)))


def test_times_of_csv_are_those_of_nova() -> None:
    """At both ends of time, before 1970, and with every number of digits."""
    times = [NS_MIN, -1, 0, 1, 999_999_999, 10**9, START_NS + 120, NS_MAX]
    table = ColumnTable.of_pages([page(times, numbers(np.arange(8.0)), other(np.arange(8.0) / 8))])
    lines = b"".join(csv_lines(table)).decode().splitlines()[1:]
    assert [line.split(",")[0] for line in lines] == list(map(timestamps.text, times))
    assert [line.split(",", 1)[1] for line in lines[:3]] == ["0.0,0.0", "1.0,0.125", "2.0,0.25"]


def test_an_empty_answer_has_no_columns() -> None:
    table = ColumnTable.of_pages([page([])])
    assert (len(table), table.names, table.to_arrow().num_rows) == (0, [], 0)
    assert b"".join(csv_lines(table)) == b"sourceTruthTime\n"
