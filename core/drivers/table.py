"""`csv`: one row an event, one column a member; the columns are those of the file's first event.

What a later event has beyond them stands in the last column, `more`, as JSON: so the columns of a
file never change, and nothing is left out.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from operator import itemgetter
from typing import cast

import msgspec

from core.drivers.cells import LINE_END, Cell, JsonObject, as_json, escaped, flattened
from sdk.drivers.driver import Driver, File, stem_of
from sdk.drivers.stream import Stream

FIRST = ("canonicalTruthTime", "sourceTruthTime", "eventId")
MORE = "more"
COLUMNS = "columns"
NUMBERS = frozenset((float, int))
"""Kinds of cells that are written as they are."""

_header = itemgetter(*FIRST)
_envelopes = msgspec.json.Decoder(JsonObject)


class Table(Driver):
    """Any lane but raw, flattened."""

    driver_id = "csv"
    lanes = frozenset({"metadata", "command", "ui", "parsed"})

    def parts(self, stream: Stream) -> tuple[str, ...]:
        """One file for a stream."""
        return (f"{stem_of(stream)}.csv",)

    def write(self, events: Sequence[bytes], file: File) -> Sequence[bytes]:
        """A row for each, and the names of the columns in front of the first."""
        out = io.StringIO()
        rows = csv.writer(out, lineterminator=LINE_END)
        for stored in events:
            envelope = _envelopes.decode(stored)
            cells = flattened(envelope)
            columns = cast("list[str] | None", file.memory.get(COLUMNS))
            if columns is None:
                columns = file.memory[COLUMNS] = list(cells)
                rows.writerow([*FIRST, *map(escaped, columns), MORE])
            rows.writerow([*_header(envelope), *_row(cells, columns)])
        return (out.getvalue().encode(),)


def _row(cells: dict[str, Cell], columns: list[str]) -> list[Cell]:
    values = list(cells.values())
    more: Cell = None
    if list(cells) != columns:
        known = set(columns)
        extra = {name: value for name, value in cells.items() if name not in known}
        more = escaped(as_json(extra).decode()) if extra else None
        values = [cells.get(name) for name in columns]
    row = [value if type(value) in NUMBERS else _text(value) for value in values]
    row.append(more)
    return row


def _text(value: Cell) -> Cell:
    if isinstance(value, str):
        return escaped(value)
    return None if value is None else "true" if value else "false"
