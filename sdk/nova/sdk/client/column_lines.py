"""Columns as lines of CSV or JSON, many rows at once."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterator
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any, cast

import orjson

from nova.sdk import timestamps
from nova.sdk.client.column_table import NUMPY_EXTRA, ColumnTable
from nova.sdk.optional_imports import import_optional

if TYPE_CHECKING:
    from numpy.typing import NDArray

PART_ROWS = 50_000
"""Rows that are made into lines at once."""

LINE_END = "\r\n"
"""Of the lines that cells are quoted for: a cell with one of these characters is quoted."""

SECOND_CHARS, FRACTION_CHARS = len("2026-01-31T12:00:00"), 9


def csv_lines(table: ColumnTable) -> Iterator[bytes]:
    """A line of names, then a line for each row, many at once. What a row does not have is empty;
    what is no finite number is NaN, Infinity or -Infinity.
    """
    yield csv_head(table)
    yield from csv_rows(table)


def csv_head(table: ColumnTable, as_text: Callable[[str], str] = str) -> bytes:
    """The line of names; `as_text` may change a text before it is quoted."""
    names = map(as_text, (table.time_name, *table.names))
    return ",".join(_quoted(list(names))).encode() + b"\n"


def csv_rows(table: ColumnTable, as_text: Callable[[str], str] = str) -> Iterator[bytes]:
    """The lines of the rows."""
    columns = [(table[name], kind) for name, kind in table.kinds.items()]
    times = table.times_ns
    for start in range(0, len(table), PART_ROWS):
        part = slice(start, start + PART_ROWS)
        cells = [_time_cells(times[part])]
        # Plain numbers of neighbouring columns become text together, a row at a time.
        for is_plain, group in groupby(
            ((values[part], kind) for values, kind in columns), _is_plain
        ):
            if is_plain:
                cells.append(_rows_of([values for values, _ in group]))
            else:
                cells += [_cells(values, kind, as_text) for values, kind in group]
        yield b"\n".join(map(b",".join, zip(*cells, strict=True))) + b"\n"


def _is_plain(column: tuple[NDArray[Any], str]) -> bool:
    """Whether each row has a finite number."""
    numpy = import_optional("numpy", NUMPY_EXTRA)
    values, kind = column
    is_masked = isinstance(values, numpy.ma.MaskedArray)
    return kind == "number" and not is_masked and bool(numpy.isfinite(values).all())


def _rows_of(columns: list[NDArray[Any]]) -> list[bytes]:
    """The numbers of each row with commas between."""
    numpy = import_optional("numpy", NUMPY_EXTRA)
    whole = numpy.ascontiguousarray(numpy.stack(columns, axis=1))
    return orjson.dumps(whole, option=orjson.OPT_SERIALIZE_NUMPY)[2:-2].split(b"],[")


def _time_cells(times: NDArray[Any]) -> list[bytes]:
    """`timestamps.text` of each, from texts of fixed widths: of the second, and of the ns."""
    numpy = import_optional("numpy", NUMPY_EXTRA)
    seconds, fractions = numpy.divmod(times, timestamps.NS_PER_SECOND)
    wholes = _fixed_width(seconds.astype("datetime64[s]"), SECOND_CHARS + 2)
    digits = _fixed_width(fractions + timestamps.NS_PER_SECOND, FRACTION_CHARS + 1)
    text = numpy.empty((len(times), timestamps.NORMAL_CHARS), "u1")
    text[:, :SECOND_CHARS] = wholes[:, 1 : SECOND_CHARS + 1]
    text[:, SECOND_CHARS], text[:, -1] = ord("."), ord("Z")
    text[:, SECOND_CHARS + 1 : -1] = digits[:, 1 : FRACTION_CHARS + 1]
    return cast("list[bytes]", text.view(f"S{timestamps.NORMAL_CHARS}").reshape(-1).tolist())


def _fixed_width(values: NDArray[Any], width: int) -> NDArray[Any]:
    """The JSON of values that all have this width, as a row of bytes and a comma each."""
    numpy = import_optional("numpy", NUMPY_EXTRA)
    array = numpy.ascontiguousarray(values)
    encoded = orjson.dumps(array, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1] + b","
    return cast("NDArray[Any]", numpy.frombuffer(encoded, "u1").reshape(-1, width + 1))


def json_lines(table: ColumnTable) -> Iterator[bytes]:
    """A JSON object for each row. Numbers that JSON has not are texts: "NaN", "Infinity"."""
    for row in table.to_rows():
        members = {name: _json_value(value) for name, value in row.items()}
        members[table.time_name] = timestamps.text(cast("int", row[table.time_name]))
        yield orjson.dumps(members) + b"\n"


def _json_value(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return _not_finite(value)
    return value


def _cells(values: NDArray[Any], kind: str, as_text: Callable[[str], str]) -> list[bytes]:
    """The values of a column as CSV has them."""
    numpy = import_optional("numpy", NUMPY_EXTRA)
    absent: list[int] = []
    if isinstance(values, numpy.ma.MaskedArray):
        absent = numpy.flatnonzero(numpy.ma.getmaskarray(values)).tolist()
        values = values.data
    if kind == "string":
        known = {text: cell.encode() for text, cell in _quoted_once(values.tolist(), as_text)}
        cells = [known[text] for text in values.tolist()]
    else:
        array = numpy.ascontiguousarray(values)
        encoded = orjson.dumps(array, option=orjson.OPT_SERIALIZE_NUMPY)
        cells = encoded[1:-1].split(b",")
        for place in () if kind == "boolean" else numpy.flatnonzero(~numpy.isfinite(array)):
            cells[place] = _not_finite(float(array[place])).encode()
    for place in absent:
        cells[place] = b""
    return cells


def _not_finite(number: float) -> str:
    """The text of what is no finite number."""
    if math.isnan(number):
        return "NaN"
    return "Infinity" if number > 0 else "-Infinity"


def _quoted(texts: list[str]) -> list[str]:
    """Texts as CSV has them: quoted where they have to be, as those with a line break are."""
    lines = io.StringIO(newline="")
    writer = csv.writer(lines, lineterminator=LINE_END)
    ends = [0]
    for text in texts:
        writer.writerow([text])
        ends.append(lines.tell())
    content = lines.getvalue()
    return [content[start : end - len(LINE_END)] for start, end in pairwise(ends)]


def _quoted_once(texts: list[str], as_text: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    known = list(dict.fromkeys(texts))
    return zip(known, _quoted([as_text(str(text)) for text in known]), strict=True)
