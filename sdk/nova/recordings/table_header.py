"""Finds the header of a table by its time column, whatever lines precede it."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from typing import NamedTuple

from nova.recordings.cell_time import TimeColumn
from nova.recordings.recording import RecordingError
from nova.recordings.table_text import TableText, TextLine, cells_of, delimiter_of

HEADER_LINES_MAX = 100
"""Lines that are searched for the header."""

_SEP = re.compile(r"sep=(.)\s*", re.IGNORECASE)


class TableHeader(NamedTuple):
    """The column names, the cells that they came from, and the lines before the header."""

    names: list[str]
    cells: list[str]
    delimiter: str
    before: list[TextLine]


def find_header(
    text: TableText, time: TimeColumn, columns: Sequence[str], skip_lines: int | None
) -> TableHeader | None:
    """Read up to the first row of values; returns None for an empty file.

    Raises RecordingError if no line has the time column, or if the header is not decodable.
    """
    lines = _read_lines(text, skip_lines or 0)
    before = lines[: skip_lines or 0]
    lines = lines[len(before) :]
    separator = _SEP.fullmatch(lines[0].text) if lines else None
    if separator is not None:
        before.append(lines.pop(0))
    while lines and not lines[0].text.strip():
        lines.pop(0)
    if not lines:
        return None
    delimiter = None if separator is None else separator[1]
    if columns:
        return _given_header(text, time, columns, delimiter, before, lines)
    looked = lines[:1] if skip_lines is not None else lines
    for index, line in enumerate(looked):
        found = _parse_header(line, delimiter)
        if time.columns(found.names) is None:
            continue
        problem = text.check(line.text, line.number)
        if problem is not None:
            raise RecordingError(problem)
        text.put_back(lines[index + 1 :])
        skipped = [one for one in lines[:index] if one.text.strip()]
        return found._replace(before=before + skipped)
    raise _no_time_column(time, looked, delimiter)


def _given_header(
    text: TableText,
    time: TimeColumn,
    columns: Sequence[str],
    delimiter: str | None,
    before: list[TextLine],
    lines: list[TextLine],
) -> TableHeader:
    names = column_names(columns)
    if time.columns(names) is None:
        raise _missing_time_column(time, names)
    rows = [line for line in lines if not line.text.startswith("#")] or lines
    text.put_back(lines)
    return TableHeader(names, list(columns), delimiter or delimiter_of(rows[0].text), before)


def _read_lines(text: TableText, skip_lines: int) -> list[TextLine]:
    lines: list[TextLine] = []
    for line in iter(text.next, None):
        lines.append(line)
        if len(lines) >= skip_lines + HEADER_LINES_MAX:
            break
    return lines


def _parse_header(line: TextLine, delimiter: str | None) -> TableHeader:
    delimiter = delimiter or delimiter_of(line.text)
    try:
        cells = cells_of([line.text], delimiter)
    except csv.Error:
        cells = []
    return TableHeader(column_names(cells), cells, delimiter, [])


def _no_time_column(
    time: TimeColumn, lines: Sequence[TextLine], delimiter: str | None
) -> RecordingError:
    values = [line for line in lines if line.text.strip() and not line.text.startswith("#")]
    return _missing_time_column(time, _parse_header((values or lines)[0], delimiter).names)


def _missing_time_column(time: TimeColumn, names: Sequence[str]) -> RecordingError:
    why = "none is given" if time.name is None else f"there is no {time.name!r}"
    listed = ", ".join(names).encode("utf-8", "replace").decode()
    return RecordingError(
        f"name the time column by --time-column ({why}); columns: {listed[:1000]}"
    )


def column_names(header: Sequence[str]) -> list[str]:
    """The column names, without blanks and comment sign; repeated ones get a number."""
    taken: set[str] = set()
    numbers: dict[str, int] = {}
    names = []
    for index, cell in enumerate(header):
        stem = (cell.strip().lstrip("#").strip() if index == 0 else cell.strip()) or "column"
        stem = f"column_{index + 1}" if stem == "column" else stem
        name, number = stem, numbers.get(stem, 2)
        while name in taken:
            name, number = f"{stem}_{number}", number + 1
        numbers[stem] = number
        taken.add(name)
        names.append(name)
    return names
