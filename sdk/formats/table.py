"""Tables (CSV): a parsed event per row, its time in one of the columns.

Where a view is named, the columns that its manifest knows are told as its updates.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from sdk.errors import EnvelopeError, TimestampError
from sdk.event import Event
from sdk.formats import counter
from sdk.formats.cell_time import TimeColumn
from sdk.formats.lines import lines
from sdk.formats.recording import RecordingError, Step, step
from sdk.observation import Entity, Observation, Observer
from sdk.updates import Views

LINE_MAX_BYTES = 1024 * 1024
MESSAGE_TYPE = "Row"
ENTITY = Entity("table", "csv", "rows")
UNITS = ("iso", *counter.UNITS_NS)
DELIMITERS = ",;\t"
BLANK = " "

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


class _Texts:
    """The lines of a file as text, and how far they are taken; ends at one that is too long."""

    def __init__(self, file: BinaryIO) -> None:
        self._lines = lines(file, LINE_MAX_BYTES)
        self.number = self.end_bytes = 0
        self.too_long: str | None = None

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.number, self.end_bytes = line.number, line.end_bytes
            if line.data is None:
                self.too_long = f"{line.size_bytes} bytes in a line, {LINE_MAX_BYTES} are allowed"
                return
            # Bytes that are no UTF-8 come through, so that only their own row is refused.
            encoding = "utf-8-sig" if line.number == 1 else "utf-8"
            yield line.data.decode(encoding, "surrogateescape") + "\n"


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
    ) -> None:
        self._path = path
        self._columns = columns
        self._views = views
        self._view_id = view_id
        self._observer = observer
        self._time = time
        self._row_times = RowTimes()
        self._entity = entity
        self._message_type = message_type

    def steps(self) -> Iterator[Step]:
        """A step per row, and one for the place where the file cannot be read on."""
        with self._path.open("rb") as file:
            delimiter = _delimiter(file.readline(LINE_MAX_BYTES))
            file.seek(0)
            texts = _Texts(file)
            # Strict, so that a quote that never ends is an error and not one row of half the file.
            reader = csv.reader(iter(texts), delimiter=delimiter, strict=True)
            names = column_names(self._columns or next(reader, []))
            if names:
                self._check_time_column(names)
                yield from self._rows(reader, texts, names)
            if texts.too_long:
                place = f"line {texts.number}"
                yield Step(texts.end_bytes, place, problem=f"{texts.too_long}; reading ends here")

    def _check_time_column(self, names: Sequence[str]) -> None:
        name = self._time.name
        if self._time.columns(names) is None:
            why = "none is given" if name is None else f"there is no {name!r}"
            raise RecordingError(
                f"say by --time-column which column holds the time ({why}): {', '.join(names)}"
            )

    def _rows(
        self, reader: Iterator[list[str]], texts: _Texts, names: Sequence[str]
    ) -> Iterator[Step]:
        while True:
            first = texts.number + 1
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                place = f"lines {first} to {texts.number}"
                yield Step(texts.end_bytes, place, problem=f"no CSV row: {error}")
                continue
            if row:
                yield self._step(names, row, f"line {first}", texts.end_bytes)

    def _step(self, names: Sequence[str], row: Sequence[str], place: str, end_bytes: int) -> Step:
        cells = [cell.strip() for cell in row]
        extra = [f"column_{index + 1}" for index in range(len(names), len(cells))]
        named = dict(zip([*names, *extra], cells, strict=False))
        try:
            "".join(cells).encode()
            at_ns = self._time.time_ns(self._time.cell(self._time.columns(names) or (), named))
            payload = {
                name: value for name, cell in named.items() if (value := cell_value(cell)) != ""
            }
            observation = self._observer.observe(self._entity, self._row_times.next(at_ns))
            return step(end_bytes, place, self._events(observation, payload))
        except UnicodeEncodeError:
            return Step(end_bytes, place, problem="the row is not UTF-8")
        except (EnvelopeError, TimestampError) as error:
            return Step(end_bytes, place, problem=str(error))

    def _events(self, observation: Observation, payload: dict[str, object]) -> Iterator[Event]:
        yield observation.parsed(self._message_type, payload)
        if self._views is not None and self._view_id is not None:
            times = self._time.columns(list(payload)) or (self._time.name,)
            data = {name: value for name, value in payload.items() if name not in times}
            yield from self._views.tell(observation, self._view_id, data)


def _delimiter(header: bytes) -> str:
    """The sign that the first line has most of; the blank where it has none of them."""
    sign = max(DELIMITERS, key=lambda sign: header.count(sign.encode()))
    return sign if sign.encode() in header else BLANK


def column_names(header: Sequence[str]) -> list[str]:
    """The columns' names: no blanks around, no comment sign, a number behind a repeated one."""
    taken: set[str] = set()
    names = []
    for index, cell in enumerate(header):
        stem = (cell.strip().lstrip("#").strip() if index == 0 else cell.strip()) or "column"
        stem = f"column_{index + 1}" if stem == "column" else stem
        name, number = stem, 2
        while name in taken:
            name, number = f"{stem}_{number}", number + 1
        taken.add(name)
        names.append(name)
    return names


def cell_value(cell: str) -> object:
    """A cell as a number where it is one; an empty text for one that says nothing (NaN too)."""
    if _INTEGER.fullmatch(cell):
        return int(cell)
    if _FLOAT.fullmatch(cell):
        number = float(cell)
        return number if math.isfinite(number) else cell
    return "" if cell.lower() in ("nan", "+nan", "-nan") else cell
