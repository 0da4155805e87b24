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

from nova.core.drivers.cells import LINE_END, Cell, JsonObject, as_json, escape_formula, flatten
from nova.sdk.drivers.driver import Driver, DriverFile, stem_of
from nova.sdk.drivers.driver_stream import DriverStream

HEADER_COLUMNS = ("canonicalTruthTime", "sourceTruthTime", "eventId")
MORE = "more"
COLUMNS = "columns"
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
        out = io.StringIO()
        rows = csv.writer(out, lineterminator=LINE_END)
        for stored in events:
            envelope = _envelopes.decode(stored)
            cells = flatten(envelope)
            columns = cast("list[str] | None", file.memory.get(COLUMNS))
            if columns is None:
                columns = file.memory[COLUMNS] = list(cells)
                rows.writerow([*HEADER_COLUMNS, *map(escape_formula, columns), MORE])
            rows.writerow([*_header(envelope), *_row(cells, columns)])
        return (out.getvalue().encode(),)


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
