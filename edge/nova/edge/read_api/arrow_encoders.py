"""Answers as Arrow IPC streams, where pyarrow is installed: a record batch for each page."""

from __future__ import annotations

import io
from abc import abstractmethod
from typing import Any

import msgspec

from nova.edge.read_api.encoder import Broken, Encoder
from nova.edge.read_api.reply_page import ReplyPage
from nova.sdk import timestamps
from nova.sdk.client.column_table import ARROW_EXTRA
from nova.sdk.errors import NovaError, ProtocolError
from nova.sdk.optional_imports import import_optional
from nova.sdk.reading.reply_table import CellKind, ReplyTable, TableCell

END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"
"""As the format has it; a stream that is not whole ends without."""


def require_arrow() -> Any:
    """The module pyarrow; raises ProtocolError that says what to install or to ask for instead."""
    try:
        return import_optional("pyarrow", ARROW_EXTRA)
    except NovaError as error:
        raise ProtocolError(
            "notAcceptable", f"this edge has no Arrow: {error}; or ask for json, ndjson or csv"
        ) from None


class ArrowStream(Encoder):
    """The stream of one schema. A broken one ends with an empty batch, whose metadata has the
    member `error`.
    """

    media_type = "application/vnd.apache.arrow.stream"

    def __init__(self) -> None:
        self.arrow = require_arrow()
        self._out = io.BytesIO()
        self._writer: Any = None
        self._schema: Any = None

    @abstractmethod
    def batches(self, page: ReplyPage) -> Any:
        """The rows of a page, a table of Arrow."""

    def first(self, page: ReplyPage) -> bytes:
        return self.further(page)

    def further(self, page: ReplyPage) -> bytes:
        table = self.batches(page)
        if self._writer is None:
            self._schema = table.schema
            self._writer = self.arrow.ipc.new_stream(self._out, table.schema)
        self._writer.write_table(table)
        return self._taken()

    def end(self) -> bytes:
        return END_OF_STREAM

    def broken(self, error: Broken) -> bytes:
        assert self._schema is not None
        empty = self.arrow.RecordBatch.from_pylist([], schema=self._schema)
        metadata = {b"error": msgspec.json.encode(error)}
        self._writer.write_batch(empty, custom_metadata=metadata)
        return self._taken()

    def _taken(self) -> bytes:
        """What the writer has written since the last time."""
        block = self._out.getvalue()
        self._out.seek(0)
        self._out.truncate()
        return block


class ArrowTableEncoder(ArrowStream):
    """Rows of a table: times in ns UTC, numbers as float64, counts as int64, texts as they are."""

    def __init__(self, table: ReplyTable) -> None:
        super().__init__()
        self._table = table
        types = {
            "time": self.arrow.timestamp("ns", "UTC"),
            "text": self.arrow.string(),
            "json": self.arrow.string(),
            "number": self.arrow.float64(),
            "count": self.arrow.int64(),
            "flag": self.arrow.bool_(),
        }
        self._of_rows = self.arrow.schema(
            [(column.name, types[column.kind]) for column in table.columns]
        )

    def batches(self, page: ReplyPage) -> Any:
        rows = self._table.rows(page.frame)
        columns = zip(*rows, strict=True) if rows else ((),) * len(self._table.columns)
        arrays = [
            self.arrow.array(_values(cells, column.kind), field.type)
            for cells, column, field in zip(
                columns, self._table.columns, self._of_rows, strict=True
            )
        ]
        return self.arrow.Table.from_arrays(arrays, schema=self._of_rows)


def _values(cells: tuple[TableCell, ...], kind: CellKind) -> list[TableCell]:
    if kind != "time":
        return list(cells)
    return [timestamps.parse_accepted(cell) if isinstance(cell, str) else None for cell in cells]
