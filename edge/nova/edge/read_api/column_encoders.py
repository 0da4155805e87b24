"""Answers of values: the columns of a series as CSV, JSON lines and Arrow."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from nova.edge.read_api.arrow_encoders import ArrowStream
from nova.edge.read_api.encoder import LineEncoder
from nova.edge.read_api.reply_page import ReplyPage
from nova.edge.read_api.table_encoders import CsvRowEncoder
from nova.sdk.client.column_lines import csv_head, csv_rows, json_lines
from nova.sdk.client.column_table import ColumnTable
from nova.sdk.errors import ProtocolError
from nova.sdk.formula_text import escape_formula
from nova.sdk.protocol.column_messages import Columns, ColumnsResponse, ColumnValues
from nova.sdk.protocol.timeline import FieldKind

_pages = msgspec.json.Decoder(ColumnsResponse)
ABSENT_KIND: tuple[FieldKind, ...] = ("number",)
_VALUE_BYTES = {"number": 8, "boolean": 1, "string": 4}


class ColumnPages:
    """The tables of the pages of one answer, all with the columns of the first. A field without
    values there has a column of numbers.
    """

    def __init__(self, request: Columns) -> None:
        self._fields = list(dict.fromkeys(request.fields))
        self._columns: list[tuple[str, FieldKind]] = []

    def table(self, page: ReplyPage) -> ColumnTable:
        """The rows of a page; raises ProtocolError if it has values that no column takes."""
        reply = _pages.decode(page.frame)
        if not self._columns:
            self._columns = self._first(reply)
        reply.columns = [self._part(reply, field, kind) for field, kind in self._columns]
        return ColumnTable([reply])

    def _first(self, reply: ColumnsResponse) -> list[tuple[str, FieldKind]]:
        found: list[tuple[str, FieldKind]] = []
        for field in self._fields:
            kinds = [one.kind for one in reply.columns if one.field == field]
            found += [(field, kind) for kind in kinds or ABSENT_KIND]
        return found

    def _part(self, reply: ColumnsResponse, field: str, kind: FieldKind) -> ColumnValues:
        for one in reply.columns:
            if one.field == field:
                self._require(one)
                if one.kind == kind:
                    return one
                if (one.kind, kind) == ("boolean", "number"):
                    return _as_numbers(one)
        bits = bytes((reply.rows + 7) // 8)
        values = bytes(_VALUE_BYTES[kind] * reply.rows)
        return ColumnValues(field=field, kind=kind, values=values, present=bits)

    def _require(self, one: ColumnValues) -> None:
        kinds = [kind for field, kind in self._columns if field == one.field]
        if one.kind in kinds or (one.kind == "boolean" and "number" in kinds):
            return
        raise ProtocolError(
            "stream",
            f"from here on {one.field!r} has values of the kind {one.kind}, for which the columns "
            "of this answer have no room: ask for the rest alone",
        )


def _as_numbers(one: ColumnValues) -> ColumnValues:
    values = np.frombuffer(one.values, "u1").astype("<f8").tobytes()
    return ColumnValues(field=one.field, kind="number", values=values, present=one.present)


class ColumnCsvEncoder(CsvRowEncoder):
    """A line of names, then a line for each row; what a row does not have is empty."""

    def __init__(self, request: Columns) -> None:
        self._pages = ColumnPages(request)

    def first(self, page: ReplyPage) -> bytes:
        table = self._pages.table(page)
        return csv_head(table, escape_formula) + b"".join(csv_rows(table, escape_formula))

    def further(self, page: ReplyPage) -> bytes:
        return b"".join(csv_rows(self._pages.table(page), escape_formula))


class ColumnLinesEncoder(LineEncoder):
    """A JSON object for each row, without what it does not have."""

    def __init__(self, request: Columns) -> None:
        self._pages = ColumnPages(request)

    def further(self, page: ReplyPage) -> bytes:
        return b"".join(json_lines(self._pages.table(page)))


class ColumnArrowEncoder(ArrowStream):
    """Numbers lie in the batches as the reader has sent them."""

    def __init__(self, request: Columns) -> None:
        super().__init__()
        self._pages = ColumnPages(request)

    def batches(self, page: ReplyPage) -> Any:
        table = self._pages.table(page).to_arrow()
        texts = [
            self.arrow.field(one.name, self.arrow.string())
            if self.arrow.types.is_dictionary(one.type)
            else one
            for one in table.schema
        ]
        return table.cast(self.arrow.schema(texts))
