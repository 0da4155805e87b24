"""Answers as tables: CSV, and JSON objects that all have the same members."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence

import msgspec

from nova.edge.read_api.encoder import Broken, Encoder, LineEncoder
from nova.edge.read_api.reply_page import ReplyPage
from nova.sdk.formula_text import escape_formula
from nova.sdk.reading.reply_table import ReplyTable, TableCell

LINE_END = "\n"
"""That of every CSV of NOVA."""
QUOTED_END = "\r\n"
"""What the library ends lines with, so that it quotes texts with either sign."""
BROKEN = "error"
"""The first cell of the last line of a CSV answer that is not whole."""


def csv_lines(rows: Iterable[Iterable[TableCell]]) -> bytes:
    """Lines of CSV; texts that a spreadsheet would run are none any more."""
    lines = _Lines()
    csv.writer(lines, lineterminator=QUOTED_END).writerows(map(_csv_cell, row) for row in rows)
    return "".join(lines.texts).encode()


class _Lines:
    """What the library writes line by line."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def write(self, line: str) -> None:
        self.texts.append(line.removesuffix(QUOTED_END) + LINE_END)


def _csv_cell(cell: TableCell) -> TableCell:
    if isinstance(cell, str):
        return escape_formula(cell)
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return cell


class CsvRowEncoder(Encoder):
    """Lines of CSV. An answer that is not whole ends with a line that says so."""

    media_type = "text/csv"

    def end(self) -> bytes:
        return b""

    def broken(self, error: Broken) -> bytes:
        cells = (BROKEN, error.code, error.message, error.after_key or "", error.request_id or "")
        return csv_lines([cells])


class CsvEncoder(CsvRowEncoder):
    """A line of names, then a line for each row."""

    def __init__(self, table: ReplyTable) -> None:
        self._table = table

    def first(self, page: ReplyPage) -> bytes:
        return csv_lines([self._table.names]) + self.further(page)

    def further(self, page: ReplyPage) -> bytes:
        return csv_lines(self._table.rows(page.frame))


class RowLinesEncoder(LineEncoder):
    """A line of JSON for each row; cells of JSON are values."""

    def __init__(self, table: ReplyTable) -> None:
        self._table = table

    def further(self, page: ReplyPage) -> bytes:
        return b"".join(line + b"\n" for line in self.objects(page))

    def objects(self, page: ReplyPage) -> list[bytes]:
        """The JSON of each row."""
        kinds = [(column.name, column.kind == "json") for column in self._table.columns]
        return [_object(kinds, row) for row in self._table.rows(page.frame)]


class RowsEncoder(Encoder):
    """A list of such objects."""

    media_type = "application/json"

    def __init__(self, table: ReplyTable) -> None:
        self._lines = RowLinesEncoder(table)
        self._has_rows = False

    def first(self, page: ReplyPage) -> bytes:
        return b"[" + self.further(page)

    def further(self, page: ReplyPage) -> bytes:
        objects = b",".join(self._lines.objects(page))
        if not objects:
            return b""
        lead, self._has_rows = b"," if self._has_rows else b"", True
        return lead + objects

    def end(self) -> bytes:
        return b"]"

    def broken(self, error: Broken) -> bytes:
        lead = b"," if self._has_rows else b""
        return lead + b'{"error":' + msgspec.json.encode(error) + b"}]"


def _object(kinds: Sequence[tuple[str, bool]], row: Sequence[TableCell]) -> bytes:
    members = {
        name: msgspec.Raw(cell.encode()) if is_json and isinstance(cell, str) else cell
        for (name, is_json), cell in zip(kinds, row, strict=True)
    }
    return msgspec.json.encode(members)
