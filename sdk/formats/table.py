"""Tables (CSV): a parsed event per row, its time in one of the columns.

Where a view is named, the columns that its manifest knows are told as its updates.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from sdk.errors import EnvelopeError, TimestampError
from sdk.event import Event
from sdk.formats import counter
from sdk.formats.cell_time import TimeColumn
from sdk.formats.recording import RecordingError, Step, step
from sdk.formats.table_header import Header, find_header
from sdk.formats.table_text import Row, TableText, encoding_of, rows
from sdk.observation import Entity, Observation, Observer
from sdk.updates import Views

MESSAGE_TYPE = "Row"
ENTITY = Entity("table", "csv", "rows")
UNITS = ("iso", *counter.UNITS_NS)

BEFORE_HEADER = "passed over: a line before the header"
REPEATED_HEADER = "passed over: the header once more"
COMMENT = "passed over: a comment"
UNITS_ROW = "passed over: a row of units below the header"

TIMES_REMEMBERED_MAX = 65_536
"""Of so many times it is remembered how many rows have had them."""

_INTEGER = re.compile(r"[+-]?(?:0|[1-9]\d{0,14})", re.ASCII)
_FLOAT = re.compile(r"[+-]?(?:\d+\.\d*|\.\d+|\d+(?=[eE]))(?:[eE][+-]?\d+)?", re.ASCII)


class RowTimes:
    """Times of rows that keep the file's order among equal ones, by a nanosecond each.

    Rows carry no identity as packets do: without this, two equal ones would be one event. The
    same rows get the same times in every file that holds all rows of a time.
    """

    def __init__(self, remembered_max: int = TIMES_REMEMBERED_MAX) -> None:
        self._remembered_max = remembered_max
        self._rows: dict[int, int] = {}

    def next(self, time_ns: int) -> int:
        """When the next row with a time is."""
        earlier = self._rows.pop(time_ns, 0)
        self._rows[time_ns] = earlier + 1
        if len(self._rows) > self._remembered_max:
            del self._rows[next(iter(self._rows))]
        return time_ns + earlier


class TableReader:
    """Reads a file of rows under one header line, or without one under the names of `columns`."""

    def __init__(
        self,
        path: Path,
        observer: Observer,
        *,
        time: TimeColumn,
        entity: Entity = ENTITY,
        message_type: str = MESSAGE_TYPE,
        columns: Sequence[str] = (),
        views: Views | None = None,
        view_id: str | None = None,
        encoding: str | None = None,
        skip_lines: int | None = None,
    ) -> None:
        self._path = path
        self._columns = columns
        self._views = views
        self._view_id = view_id
        self._encoding = encoding
        self._skip_lines = skip_lines
        self._observer = observer
        self._time = time
        self._row_times = RowTimes()
        self._entity = entity
        self._message_type = message_type

    def steps(self) -> Iterator[Step]:
        """A step per row, and one for each line that is passed over."""
        encoding = encoding_of(self._path, self._encoding)
        with self._path.open("rb") as file:
            text = TableText(file, encoding)
            header = find_header(text, self._time, self._columns, self._skip_lines)
            if header is None:
                return
            for line in header.before:
                yield Step(line.end_bytes, f"line {line.number}", note=BEFORE_HEADER)
            times = self._time.columns(header.names) or ()
            is_first = True
            for row in rows(text, header.delimiter):
                yield self._step(header, times, row, text, is_first)
                is_first = False

    def _step(
        self, header: Header, times: Sequence[str], row: Row, text: TableText, is_first: bool
    ) -> Step:
        place, cells = f"line {row.number}", row.cells
        problem = row.problem or text.check("".join(cells), row.number)
        if problem is not None:
            return Step(row.end_bytes, place, problem=problem)
        if cells == header.cells:
            return Step(row.end_bytes, place, note=REPEATED_HEADER)
        while len(cells) > len(header.names) and not cells[-1]:
            cells.pop()
        named = dict(zip(header.names, cells, strict=False))
        try:
            _check_whole(header.names, cells)
            at_ns = self._time.time_ns(self._time.cell(times, named))
            payload = {
                name: value for name, cell in named.items() if (value := cell_value(cell)) != ""
            }
            observation = self._observer.observe(self._entity, self._row_times.next(at_ns))
            return step(row.end_bytes, place, self._events(observation, payload))
        except (EnvelopeError, TimestampError, RecordingError) as error:
            if cells and cells[0].startswith("#"):
                return Step(row.end_bytes, place, note=COMMENT)
            if is_first and len(cells) == len(header.names) and _are_units(cells):
                return Step(row.end_bytes, place, note=UNITS_ROW)
            return Step(row.end_bytes, place, problem=str(error))

    def _events(self, observation: Observation, payload: dict[str, object]) -> Iterator[Event]:
        yield observation.parsed(self._message_type, payload)
        if self._views is not None and self._view_id is not None:
            times = self._time.columns(list(payload)) or (self._time.name,)
            data = {name: value for name, value in payload.items() if name not in times}
            yield from self._views.tell(observation, self._view_id, data)


def _check_whole(names: Sequence[str], cells: Sequence[str]) -> None:
    """A row with more or fewer cells than columns is torn: its values may be another column's."""
    if len(cells) != len(names):
        raise RecordingError(f"{len(cells)} cells where the table has {len(names)} columns")


def _are_units(cells: Sequence[str]) -> bool:
    """Whether a row below the header says units: no cell of it is a number."""
    return all(
        isinstance(cell_value(cell), str) and cell_value(cell) != "" for cell in cells if cell
    )


def cell_value(cell: str) -> object:
    """A cell as a number where it is one; an empty text for one that says nothing (NaN too)."""
    if _INTEGER.fullmatch(cell):
        return int(cell)
    if _FLOAT.fullmatch(cell):
        number = float(cell)
        return number if math.isfinite(number) else cell
    return "" if cell.lower() in ("nan", "+nan", "-nan") else cell
