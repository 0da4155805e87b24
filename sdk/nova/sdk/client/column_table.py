"""Columns of a series in memory, as numpy arrays or an Arrow table.

The arrays lie on the bytes of the replies: nothing is copied but where an array joins several
pages, or where a library keeps values in another form.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from nova.sdk.client.arrow_frames import ArrowFrames
from nova.sdk.optional_imports import import_optional
from nova.sdk.protocol.column_messages import ColumnsResponse, ColumnValues
from nova.sdk.protocol.message import Timebase
from nova.sdk.protocol.timeline import FieldKind

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

NUMPY_EXTRA, ARROW_EXTRA = "columns", "arrow"
FIELD_ENDING, TEXT_ENDING = " (field)", " (text)"
"""Of the names of columns whose field's name is taken."""

_FORMS = {"number": "<f8", "boolean": "?", "string": "<u4"}


class TableColumn(NamedTuple):
    """A column's name, field and kind, and its parts: None for a page without such values."""

    name: str
    field: str
    kind: FieldKind
    parts: list[ColumnValues | None]


class ColumnTable(ArrowFrames):
    """Rows in the order of the timebase, one for each event that has one of the fields.

    `table[name]` is a numpy array of float64, bool or object (texts). If some rows have no value it
    is a masked array, so that a NaN stays one. A field that has numbers in some events and texts in
    others makes two columns: the other one is named `… (text)`. The column of a field with the name
    of the times, `time_name`, is named `… (field)`. The ending is repeated while a name is taken.

    `behind`: the newest events are missing, those received after `complete_until`. Ask again, or in
    canonical time, in which an answer is always complete.

    `unknown_series`: no event of the series was ever received. `unknown_fields`: the requested ones
    that none of its events has, whatever the span.
    """

    def __init__(self, pages: Sequence[ColumnsResponse]) -> None:
        self._rows = [page.rows for page in pages]
        self._times = [page.times for page in pages]
        self.timebase: Timebase = pages[0].timebase
        self.behind = any(page.behind for page in pages)
        self.complete_until = pages[-1].complete_until
        self.unknown_series = pages[-1].unknown_series
        self.unknown_fields = pages[-1].unknown_fields
        self.time_name = f"{self.timebase}TruthTime"
        """What the times are called, as in the files of drivers."""

        self._columns = {one.name: one for one in _columns_of(pages, self.time_name)}

    @classmethod
    def of_pages(cls, pages: Sequence[ColumnsResponse]) -> ColumnTable:
        """The table of all pages of an answer."""
        return cls([page for page in pages if page.rows] or pages[-1:])

    def __len__(self) -> int:
        return sum(self._rows)

    @property
    def names(self) -> list[str]:
        """The columns that have values, in the order of the requested fields."""
        return list(self._columns)

    @property
    def fields(self) -> list[str]:
        """The requested fields that have values."""
        return list(dict.fromkeys(column.field for column in self._columns.values()))

    @property
    def kinds(self) -> dict[str, FieldKind]:
        """The kind of each column's values."""
        return {name: column.kind for name, column in self._columns.items()}

    @property
    def times_ns(self) -> NDArray[np.int64]:
        """Nanoseconds since 1970."""
        numpy = import_optional("numpy", NUMPY_EXTRA)
        return _joined([numpy.frombuffer(times, "<i8") for times in self._times])

    @property
    def times(self) -> NDArray[np.datetime64]:
        """The same as datetime64 in UTC."""
        return cast("NDArray[np.datetime64]", self.times_ns.view("datetime64[ns]"))

    def __getitem__(self, name: str) -> NDArray[Any]:
        numpy = import_optional("numpy", NUMPY_EXTRA)
        column = self._columns[name]
        parts = [
            _values(part, column.kind, rows)
            for part, rows in zip(column.parts, self._rows, strict=True)
        ]
        masks = [_mask(part, rows) for part, rows in zip(column.parts, self._rows, strict=True)]
        values = _joined(parts)
        if not any(mask is not None for mask in masks):
            return values
        whole = [
            numpy.zeros(rows, bool) if mask is None else mask
            for mask, rows in zip(masks, self._rows, strict=True)
        ]
        return cast("NDArray[Any]", numpy.ma.MaskedArray(values, _joined(whole)))

    def to_numpy(self) -> dict[str, NDArray[Any]]:
        """All columns by name."""
        return {name: self[name] for name in self._columns}

    def to_arrow(self) -> pa.Table:
        """An Arrow table with a chunk for each page: times (ns, UTC), then columns; texts are
        dictionaries. Raises NovaError if pyarrow is not installed.
        """
        arrow = import_optional("pyarrow", ARROW_EXTRA)
        time_type = arrow.timestamp("ns", "UTC")
        times = [
            arrow.Array.from_buffers(time_type, rows, [None, arrow.py_buffer(raw)])
            for rows, raw in zip(self._rows, self._times, strict=True)
        ]
        arrays = [arrow.chunked_array(times, time_type)]
        for column in self._columns.values():
            parts = zip(column.parts, self._rows, strict=True)
            chunks = [_chunk(arrow, part, column.kind, rows) for part, rows in parts]
            arrays.append(arrow.chunked_array(chunks, chunks[0].type))
        table = arrow.Table.from_arrays(arrays, names=[self.time_name, *self._columns])
        return table.unify_dictionaries()

    def to_rows(self) -> Iterator[dict[str, object]]:
        """Each row by name, with the time in ns and without the values that it does not have."""
        held = [(name, self[name].tolist()) for name in self._columns]
        for place, time in enumerate(self.times_ns.tolist()):
            row: dict[str, object] = {self.time_name: time}
            for name, values in held:
                if values[place] is not None:
                    row[name] = values[place]
            yield row


def _columns_of(pages: Sequence[ColumnsResponse], time_name: str) -> Iterator[TableColumn]:
    """The columns of all pages, each with a name of its own. Booleans are numbers if another page
    has numbers.
    """
    order: dict[str, dict[bool, None]] = {}
    for page in pages:
        for one in page.columns:
            order.setdefault(one.field, {}).setdefault(one.kind == "string")
    taken = {time_name, *order}
    for field, texts in order.items():
        plain = free_name(field, FIELD_ENDING, taken) if field == time_name else field
        for is_text in sorted(texts):
            parts = [_part_of(page, field, is_text) for page in pages]
            kinds = {part.kind for part in parts if part is not None}
            kind: FieldKind = "number" if len(kinds) > 1 else kinds.pop()
            is_second = is_text and len(texts) > 1
            name = free_name(field, TEXT_ENDING, taken) if is_second else plain
            yield TableColumn(name, field, kind, parts)


def free_name(field: str, ending: str, taken: set[str]) -> str:
    """The field's name with the ending, repeated while that is taken; then it is."""
    name = field + ending
    while name in taken:
        name += ending
    taken.add(name)
    return name


def _part_of(page: ColumnsResponse, field: str, is_text: bool) -> ColumnValues | None:
    for one in page.columns:
        if one.field == field and (one.kind == "string") == is_text:
            return one
    return None


def _joined(parts: list[NDArray[Any]]) -> NDArray[Any]:
    if len(parts) == 1:
        return parts[0]
    return cast("NDArray[Any]", import_optional("numpy", NUMPY_EXTRA).concatenate(parts))


def _values(part: ColumnValues | None, kind: FieldKind, rows: int) -> NDArray[Any]:
    numpy = import_optional("numpy", NUMPY_EXTRA)
    if part is None:
        form = "O" if kind == "string" else _FORMS[kind]
        return cast("NDArray[Any]", numpy.zeros(rows, form))
    values = numpy.frombuffer(part.values, _FORMS[part.kind])
    if kind == "string":
        values = numpy.array(part.texts, object)[values]
    elif part.kind != kind:
        values = values.astype(_FORMS[kind])
    return cast("NDArray[Any]", values)


def _mask(part: ColumnValues | None, rows: int) -> NDArray[np.bool_] | None:
    """Which rows have no value; None if each has one."""
    numpy = import_optional("numpy", NUMPY_EXTRA)
    if part is None:
        return cast("NDArray[np.bool_]", numpy.ones(rows, bool))
    if not part.present:
        return None
    bits = numpy.frombuffer(part.present, "u1")
    return cast("NDArray[np.bool_]", numpy.unpackbits(bits, count=rows, bitorder="little") == 0)


def _chunk(arrow: Any, part: ColumnValues | None, kind: FieldKind, rows: int) -> Any:
    """The Arrow array of one page."""
    types = {"number": arrow.float64(), "boolean": arrow.bool_(), "string": arrow.uint32()}
    if part is None:
        absent = arrow.dictionary(types[kind], arrow.string()) if kind == "string" else types[kind]
        return arrow.nulls(rows, absent)
    present = arrow.py_buffer(part.present) if part.present else None
    if part.kind == "boolean":
        values = arrow.Array.from_buffers(
            arrow.uint8(), rows, [present, arrow.py_buffer(part.values)]
        )
        return values.cast(types["boolean"]).cast(types[kind])
    values = arrow.Array.from_buffers(
        types[part.kind], rows, [present, arrow.py_buffer(part.values)]
    )
    if kind != "string":
        return values
    return arrow.DictionaryArray.from_arrays(values, arrow.array(part.texts, arrow.string()))
