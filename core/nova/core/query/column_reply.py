"""The columns of a page of rows, and their reply."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nova.core.ordering import Timebase
from nova.core.query.field_columns import FieldValues
from nova.core.query.series_rows import ChosenRows, SeriesRows
from nova.core.store.column import Column, Mask
from nova.core.store.column_codec import Integers
from nova.core.store.sample_store import FieldColumn, SampledSeries
from nova.sdk.protocol.column_messages import ColumnsResponse, ColumnValues
from nova.sdk.protocol.timeline import FieldKind


class PageColumn(NamedTuple):
    """A field's values at the rows of a page; those of texts are positions in `texts`."""

    path: str
    kind: FieldKind
    values: Column
    texts: list[str]

    @classmethod
    def read(
        cls,
        reading: SeriesRows,
        record: SampledSeries,
        field: FieldColumn,
        in_tail: FieldValues | None,
        chosen: ChosenRows,
    ) -> PageColumn:
        """The values of a field in the blocks and in the events of no block."""
        number = record.number_of(field.path, is_text=field.is_text)
        tail = None if in_tail is None else in_tail.column
        texts = [] if number is None else list(record.texts.get(number) or ())
        if in_tail is not None and in_tail.texts is not None:
            tail = _with_texts(in_tail, texts)
        kind: FieldKind = "string" if field.is_text else "number"
        if not field.is_text and (number is None or number in record.booleans):
            kind = "boolean" if in_tail is None or in_tail.is_boolean else "number"
        return cls(field.path, kind, reading.values(number, tail, chosen), texts)

    def select(self, kept: Mask) -> PageColumn:
        return self._replace(values=self.values.select(kept))

    def encoded(self, rows: int) -> ColumnValues:
        """The column as the reply has it, with a zero where a row has no value."""
        values, present = self.values.values, b""
        if self.values.rows is not None:
            has = np.zeros(rows, np.bool_)
            whole = np.zeros(rows)
            has[self.values.rows], whole[self.values.rows] = True, values
            values, present = whole, np.packbits(has, bitorder="little").tobytes()
        form = {"number": "<f8", "boolean": "u1", "string": "<u4"}[self.kind]
        return ColumnValues(
            field=self.path,
            kind=self.kind,
            values=values.astype(form, copy=False).tobytes(),
            texts=self.texts,
            present=present,
        )


def _with_texts(values: FieldValues, texts: list[str]) -> Column:
    """The values as positions in `texts`, to which new ones are added."""
    own = values.texts or []
    known = frozenset(texts)
    texts += [text for text in own if text not in known]
    places = {text: place for place, text in enumerate(texts)}
    positions = np.array([places[text] for text in own], np.float64)
    return Column(positions[values.column.values.astype(np.int64)], values.column.rows)


def columns_response(
    timebase: Timebase, times: Integers, columns: list[PageColumn]
) -> ColumnsResponse:
    """A reply with the rows that have a value in one of the columns."""
    if all(one.values.rows is not None for one in columns):
        kept = np.zeros(len(times), np.bool_)
        for one in columns:
            kept[one.values.rows] = True
        if not kept.all():
            times, columns = times[kept], [one.select(kept) for one in columns]
    rows = len(times)
    return ColumnsResponse(
        timebase=timebase,
        rows=rows,
        times=times.astype("<i8", copy=False).tobytes(),
        columns=[one.encoded(rows) for one in columns if len(one.values.values) or not rows],
    )
