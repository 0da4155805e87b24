"""Columns: one type each, decided over the whole file or said."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.recordings.recording import RecordingError
from nova.recordings.table_types import AMBIGUOUS, MIXED, cell_value
from tests.recordings.tables import rows_of, typed


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
    with pytest.raises(RecordingError, match="--text names an unknown column 'ide'"):
        typed(tmp_path, "t,id\n1,2\n", "t", text_columns=("ide",))


@pytest.mark.parametrize(
    ("cells", "expected"),
    [(("1.234", "2.345"), ["1.234", "2.345"]), (("1.234", "12.5"), [1.234, 12.5])],
)
def test_a_point_that_may_divide_thousands_is_not_guessed(
    tmp_path: Path, cells: tuple[str, str], expected: list[object]
) -> None:
    """Where commas are said to be decimal signs. Before, 1.234 was taken as it stands."""
    content = f"t;x\n0;{cells[0]}\n1;{cells[1]}\n"
    assert [row["x"] for row in rows_of(typed(tmp_path, content, "t", decimal=","))] == expected
    plain = [row["x"] for row in rows_of(typed(tmp_path, content, "t"))]
    assert plain == [float(cell) for cell in cells]
    found = typed(tmp_path, "t;x\n1.234;1\n", "t", decimal=",")
    assert found.events == [] and "thousands or decimals" in found.problems[0]


def test_leading_zeros_are_ids() -> None:
    """Before, 007.5 was 7.5."""
    assert [cell_value(cell) for cell in ("007.5", "00e5", "0.5", "0e5")] == [
        "007.5",
        "00e5",
        0.5,
        0,
    ]
