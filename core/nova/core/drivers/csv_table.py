"""`csv`: one row per event, one column per member of the file's first event.

Members of later events without a column are in the last column, `more`, as JSON. The columns of a
file therefore never change, and no member is lost.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from operator import itemgetter
from typing import cast

import msgspec

from nova.core.drivers.csv_pattern import CsvPattern, pattern_of
from nova.sdk.drivers.driver import Driver, DriverFile, stem_of
from nova.sdk.drivers.driver_stream import DriverStream
from nova.sdk.events.member_cells import (
    LINE_END,
    Cell,
    JsonObject,
    as_json,
    escape_formula,
    flatten,
)

HEADER_COLUMNS = ("canonicalTruthTime", "sourceTruthTime", "eventId")
MORE = "more"
COLUMNS = "columns"
PATTERNS_PER_WRITE = 8
"""Attempts to copy rows of the shape of the event before, within one batch."""

NO_MORE = b"," + LINE_END.encode()
NUMERIC_TYPES = frozenset((float, int))
"""Cell types that are passed to the csv module as they are; others are converted to text."""

_header = itemgetter(*HEADER_COLUMNS)
_envelopes = msgspec.json.Decoder(JsonObject)


class CsvTable(Driver):
    """All lanes except raw, flattened."""

    driver_id = "csv"
    lanes = frozenset({"metadata", "command", "ui", "parsed"})

    def parts(self, stream: DriverStream) -> tuple[str, ...]:
        """One file per stream."""
        return (f"{stem_of(stream)}.csv",)

    def write(self, events: Sequence[bytes], file: DriverFile) -> Sequence[bytes]:
        """One row per event; the first event of a file is preceded by the header row."""
        lines: list[bytes] = []
        pattern: CsvPattern | None = None
        patterns_left, is_other = PATTERNS_PER_WRITE, False
        for stored in events:
            row = None if pattern is None else pattern.row(stored)
            if row is not None:
                lines += row, NO_MORE
                is_other = False
                continue
            envelope = _envelopes.decode(stored)
            cells = flatten(envelope)
            columns = cast("list[str] | None", file.memory.get(COLUMNS))
            if columns is None:
                columns = file.memory[COLUMNS] = list(cells)
                lines.append(_line([*HEADER_COLUMNS, *map(escape_formula, columns), MORE]))
            lines.append(_line([*_header(envelope), *_row(cells, columns)]))
            if patterns_left and (is_other or pattern is None) and list(cells) == columns:
                patterns_left -= 1
                pattern = pattern_of(stored, envelope, HEADER_COLUMNS)
            is_other = True
        return (b"".join(lines),)


def _line(row: Sequence[Cell]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator=LINE_END).writerow(row)
    return out.getvalue().encode()


def _row(cells: dict[str, Cell], columns: list[str]) -> list[Cell]:
    values = list(cells.values())
    more: Cell = None
    if list(cells) != columns:
        known = set(columns)
        extra = {name: value for name, value in cells.items() if name not in known}
        more = escape_formula(as_json(extra).decode()) if extra else None
        values = [cells.get(name) for name in columns]
    row = [value if type(value) in NUMERIC_TYPES else _text(value) for value in values]
    row.append(more)
    return row


def _text(value: Cell) -> Cell:
    if isinstance(value, str):
        return escape_formula(value)
    return None if value is None else "true" if value else "false"
