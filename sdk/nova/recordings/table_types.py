"""Decides whether each column of a table holds numbers or text, from the whole file.

An id that looks like a number in one row (38e123, 0012) makes the column text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from enum import Enum
from functools import lru_cache

from nova.recordings.recording import RecordingError
from nova.sdk.errors import TimestampError

CELLS_REMEMBERED_MAX = 65_536
MIXED = "kept as text: the column has numeric and other cells"
AMBIGUOUS = "kept as text: the comma may separate thousands or decimals; give --decimal"
POINT_AMBIGUOUS = "kept as text: the point may separate thousands or decimals; give --decimal"

_INTEGER = re.compile(r"[+-]?(?:0|[1-9]\d{0,14})", re.ASCII)
_WHOLE = r"(?:0|[1-9]\d*)"
_FLOAT = re.compile(rf"[+-]?(?:{_WHOLE}\.\d*|\.\d+|{_WHOLE}(?=[eE]))(?:[eE][+-]?\d+)?", re.ASCII)
_COMMA = re.compile(rf"[+-]?(?:{_WHOLE},\d*|,\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)
_POINT_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}", re.ASCII)
_LIKE_ID = re.compile(r"\d{2,}[eE]\d+", re.ASCII)
_NOT_FINITE = re.compile(r"[+-]?(?:inf|infinity|1\.#inf)", re.IGNORECASE | re.ASCII)
_MISSING_CELLS = frozenset(("", "-", "--", "na", "n/a", "null", "none", "nan", "+nan", "-nan"))
_NAN = re.compile(r"-?(?:nan\(\w*\)|1\.#(?:qnan|snan|ind))", re.IGNORECASE | re.ASCII)


class CellKind(Enum):
    """What a single cell may be."""

    MISSING = "nothing"
    NUMBER = "number"
    POINT = "number with a decimal point"
    POINT_EITHER = "thousands or decimals, with a point"
    COMMA = "number with a decimal comma"
    EITHER = "thousands or decimals"
    TEXT = "text"


@lru_cache(CELLS_REMEMBERED_MAX)
def kind_of(cell: str) -> CellKind:
    """The kind of a cell, regardless of its column."""
    if _is_missing(cell) or _NOT_FINITE.fullmatch(cell):
        return CellKind.MISSING
    if _LIKE_ID.fullmatch(cell):
        return CellKind.TEXT
    if isinstance(cell_value(cell), int | float):
        if _POINT_THOUSANDS.fullmatch(cell):
            return CellKind.POINT_EITHER
        return CellKind.POINT if "." in cell else CellKind.NUMBER
    if _THOUSANDS.fullmatch(cell):
        return CellKind.EITHER
    if _COMMA.fullmatch(cell) and isinstance(cell_value(cell.replace(",", ".")), float):
        return CellKind.COMMA
    return CellKind.TEXT


class ColumnTypes:
    """The types of a table's columns, after `observe` of all rows and `decide`; `notes` names
    columns left as text.
    """

    def __init__(self, names: Sequence[str], text: Sequence[str], decimal: str | None) -> None:
        for name in text:
            if name not in names:
                raise RecordingError(f"--text names an unknown column {name!r}; there are {names}")
        self._names = names
        self._seen: list[set[CellKind]] = [set() for _ in names]
        self._decimal = decimal
        self._comma: frozenset[str] = frozenset()
        self._text: frozenset[str] = frozenset(text)
        self._forced_text = self._text
        self._ambiguous: frozenset[str] = frozenset()
        self.notes: list[tuple[str, str]] = []

    def observe(self, cells: Iterable[str]) -> None:
        """Record the kinds of a row's cells."""
        for seen, cell in zip(self._seen, cells, strict=False):
            seen.add(kind_of(cell))

    def decide(self, is_comma_free: bool) -> None:
        """Decide each column. Without --decimal, a comma is a decimal sign only if it delimits no
        cells.
        """
        is_said = self._decimal == ","
        is_shown = self._decimal is None and is_comma_free
        sure = is_said or (is_shown and any(CellKind.COMMA in seen for seen in self._seen))
        comma, text, ambiguous = set(), set(self._forced_text), set()
        for name, seen in zip(self._names, self._seen, strict=True):
            commas = seen & {CellKind.COMMA, CellKind.EITHER}
            points = seen & {CellKind.POINT, CellKind.POINT_EITHER}
            numbers = commas | points | seen & {CellKind.NUMBER}
            if name in self._forced_text:
                continue
            if CellKind.TEXT in seen:
                text.add(name)
                self.notes += [(name, MIXED)] if numbers else []
            elif commas and (points or not sure):
                text.add(name)
                self.notes.append((name, AMBIGUOUS))
            elif commas:
                comma.add(name)
            elif sure and points == {CellKind.POINT_EITHER}:
                text.add(name)
                ambiguous.add(name)
                self.notes.append((name, POINT_AMBIGUOUS))
        self._comma, self._text = frozenset(comma), frozenset(text)
        self._ambiguous = frozenset(ambiguous)

    def number_text(self, name: str, cell: str) -> str:
        """The cell with a decimal point, if its column has decimal commas. Raises TimestampError
        for a cell of a time column that may have either.
        """
        if name in self._ambiguous and "." in cell:
            raise TimestampError(
                f"{cell[:64]!r} may be thousands or decimals: give --decimal . for decimals"
            )
        return cell.replace(",", ".") if name in self._comma else cell

    def value(self, name: str, cell: str) -> object:
        """The value of a cell; an empty string for a missing value."""
        if name in self._text:
            return cell
        if _is_missing(cell):
            return ""
        return cell_value(self.number_text(name, cell))


def _is_missing(cell: str) -> bool:
    return cell.lower() in _MISSING_CELLS or _NAN.fullmatch(cell) is not None


def cell_value(cell: str) -> object:
    """A cell as a number if it is one; an empty string for NaN."""
    if _INTEGER.fullmatch(cell):
        return int(cell)
    if _FLOAT.fullmatch(cell):
        number = float(cell)
        return number if math.isfinite(number) else cell
    return "" if cell.lower() in ("nan", "+nan", "-nan") else cell
