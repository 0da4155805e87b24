"""Tables (CSV): a parsed event per row, with the time from one of the columns.

If a view is named, the columns that its manifest has are published as its updates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nova.recordings import counter
from nova.recordings.cell_time import TimeColumn
from nova.recordings.recording import Step, event_step
from nova.recordings.table_header import TableHeader, find_header
from nova.recordings.table_text import TableRow, TableText, detect_encoding, rows
from nova.recordings.table_types import CellKind, ColumnTypes, kind_of
from nova.sdk.errors import EnvelopeError, TimestampError
from nova.sdk.events.event import Event
from nova.sdk.events.observation import Entity, Observation, Observer
from nova.sdk.producer.view_updates import ViewUpdates

MESSAGE_TYPE = "Row"
ENTITY = Entity("table", "csv", "rows")
UNITS = ("iso", *counter.UNITS_NS)

BEFORE_HEADER = "skipped: a line before the header"
REPEATED_HEADER = "skipped: a repeated header"
COMMENT = "skipped: a comment"
UNITS_ROW = "skipped: a row of units below the header"

CUT = (
    "the last line has no line end, so its last cell may be cut: it is left out; "
    "if it is whole, end the file with a line end"
)
CUT_TIME = "cut short: the line has no line end, and its last cell is the time"

ROW_TIMES_MAX = 524_288
"""Distinct times whose row counts are remembered, in about 60 MB."""


class RowTimes:
    """Makes equal times of rows distinct and ordered, by adding a nanosecond each.

    Unlike packets, rows carry no identity: two equal rows at one time would be the same event. The
    same rows get the same times in every file that contains all rows of a time.
    """

    def __init__(self, remembered_max: int = ROW_TIMES_MAX) -> None:
        self._remembered_max = remembered_max
        self._rows: dict[int, int] = {}

    def next(self, time_ns: int) -> int:
        """The time of the next row with this time."""
        earlier = self._rows.pop(time_ns, 0)
        self._rows[time_ns] = earlier + 1
        if len(self._rows) > self._remembered_max:
            del self._rows[next(iter(self._rows))]
        return time_ns + earlier


@dataclass(kw_only=True, slots=True)
class TableReader:
    """Reads a file of rows under a header line, or without one under the names of `columns`."""

    path: Path = field(kw_only=False)
    observer: Observer = field(kw_only=False)
    time: TimeColumn
    entity: Entity = ENTITY
    message_type: str = MESSAGE_TYPE
    columns: Sequence[str] = ()
    views: ViewUpdates | None = None
    view_id: str | None = None
    encoding: str | None = None
    skip_lines: int | None = None
    text_columns: Sequence[str] = ()
    decimal: str | None = None
    _row_times: RowTimes = field(default_factory=RowTimes, init=False)

    def steps(self) -> Iterator[Step]:
        """A step per row, and one for each skipped line."""
        encoding = detect_encoding(self.path, self.encoding)
        types = self._column_types(encoding)
        with self.path.open("rb") as file:
            text = TableText(file, encoding)
            header = self._header(text)
            if header is None or types is None:
                return
            for name, note in types.notes:
                yield Step(0, f"column {name}", note=note)
            for line in header.before:
                yield Step(line.end_bytes, f"line {line.number}", note=BEFORE_HEADER)
            is_first = True
            for row in rows(text, header.delimiter):
                yield self._step(header, types, row, text, is_first)
                is_first = False

    def _header(self, text: TableText) -> TableHeader | None:
        return find_header(text, self.time, self.columns, self.skip_lines)

    def _column_types(self, encoding: str) -> ColumnTypes | None:
        """The column types, from all rows of the file; None for an empty file."""
        with self.path.open("rb") as file:
            text = TableText(file, encoding)
            header = self._header(text)
            if header is None:
                return None
            types = ColumnTypes(header.names, self.text_columns, self.decimal)
            is_first = True
            for row in rows(text, header.delimiter):
                is_text = text.check("".join(row.cells), row.number) is None
                if is_text and self._skip_reason(header, row.cells, is_first) is None:
                    cells = _trimmed(row.cells, len(header.names))
                    if len(cells) == len(header.names) and self._has_time(header, cells):
                        types.observe(cells[:-1] if row.is_cut else cells)
                is_first = False
        types.decide(is_comma_free=header.delimiter != ",")
        return types

    def _skip_reason(self, header: TableHeader, cells: list[str], is_first: bool) -> str | None:
        """Why a row is skipped; None if it holds values."""
        if cells == header.cells:
            return REPEATED_HEADER
        time = self._time_cell(header, cells)
        if cells and cells[0].startswith("#") and not self._is_time(time):
            return COMMENT
        if is_first and len(cells) == len(header.names) and _are_units(cells, time):
            return UNITS_ROW
        return None

    def _time_cell(self, header: TableHeader, cells: Sequence[str]) -> str:
        named = dict(zip(header.names, cells, strict=False))
        return self.time.cell(self.time.columns(header.names) or (), named)

    def _has_time(self, header: TableHeader, cells: Sequence[str]) -> bool:
        """Whether a row has a time, before the role of the comma is known."""
        time = self._time_cell(header, cells)
        return self._is_time(time) or self._is_time(time.replace(",", "."))

    def _is_time(self, cell: str) -> bool:
        try:
            self.time.time_ns(cell)
        except TimestampError:
            return False
        return True

    def _step(
        self,
        header: TableHeader,
        types: ColumnTypes,
        row: TableRow,
        text: TableText,
        is_first: bool,
    ) -> Step:
        place = f"line {row.number}"
        problem = row.problem or text.check("".join(row.cells), row.number)
        if problem is not None:
            return Step(row.end_bytes, place, problem=problem)
        note = self._skip_reason(header, row.cells, is_first)
        if note is not None:
            return Step(row.end_bytes, place, note=note)
        cells = _trimmed(row.cells, len(header.names))
        if len(cells) != len(header.names):
            problem_text = f"{len(cells)} cells where the table has {len(header.names)} columns"
            return Step(row.end_bytes, place, problem=problem_text)
        is_cut = row.is_cut and len(row.cells) == len(cells)
        if is_cut and header.names[-1] in (self.time.columns(header.names) or ()):
            return Step(row.end_bytes, place, problem=CUT_TIME)
        named = dict(zip(header.names, cells[:-1] if is_cut else cells, strict=False))
        try:
            observation = self.observer.observe(self.entity, self._time_ns(named, types))
            values = ((name, types.value(name, cell)) for name, cell in named.items())
            payload = {name: value for name, value in values if value != ""}
            events = self._events(observation, payload)
            return event_step(row.end_bytes, place, events, CUT if is_cut else None)
        except (EnvelopeError, TimestampError) as error:
            return Step(row.end_bytes, place, problem=str(error))

    def _time_ns(self, named: Mapping[str, str], types: ColumnTypes) -> int:
        times = self.time.columns(list(named)) or ()
        texts = {name: types.number_text(name, named[name]) for name in times}
        return self._row_times.next(self.time.time_ns(self.time.cell(times, texts)))

    def _events(self, observation: Observation, payload: dict[str, object]) -> Iterator[Event]:
        yield observation.parsed(self.message_type, payload)
        if self.views is not None and self.view_id is not None:
            times = self.time.columns(list(payload)) or (self.time.name,)
            data = {name: value for name, value in payload.items() if name not in times}
            yield from self.views.update(observation, self.view_id, data)


def _trimmed(cells: list[str], size: int) -> list[str]:
    """A row without empty cells beyond the last column."""
    while len(cells) > size and not cells[-1]:
        cells = cells[:-1]
    return cells


def _are_units(cells: Sequence[str], time: str) -> bool:
    """Whether a row holds units: no digit in the time cell, and no numeric cell."""
    has_number = any(kind_of(cell) not in (CellKind.TEXT, CellKind.MISSING) for cell in cells)
    return bool(time.strip()) and not has_number and not any(sign.isdigit() for sign in time)
