"""The CSV rows of events of one shape, copied from their stored JSON instead of decoded and written
again: a third of the time.

A pattern is made of one event. It matches only events with the same members, of the same types and
in the same order, whose texts are the same in CSV as in JSON.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec

from nova.sdk.events.envelope import STORED_HEADER
from nova.sdk.events.member_cells import JsonObject

NUMBER = rb"(-?(?:0\.(?!0000)\d++(?<!0)|[1-9]\d{0,14}+(?:\.\d++(?<!0))?+)|0)"
"""Python writes smaller, larger and negative zero otherwise than JSON, and drops zeros at the end.
"""

SHORT_NUMBER = rb"(-?(?:0\.(?!0000)\d{1,14}+(?<!0)|[1-9]\d{0,3}+(?:\.\d{1,11}+(?<!0))?+)|0)"
"""The same with at most 15 digits, which a float is sure to keep."""

TEXT = rb'"((?:[A-Za-z0-9_][A-Za-z0-9_ .:;/+*=@()\[\]{}<>|~^%#&!?$-]*)?)"'
"""Needs no quotes, is not read as a formula, and has no escapes."""

BOOL = rb"(true|false)"
HEADER_TEXT = rb'"([A-Za-z0-9_.:-]*)"'
PATTERNS_MAX = 256

_json = msgspec.json.Encoder().encode


class CsvPattern:
    """Writes the rows of the events that it matches."""

    def __init__(self, short: re.Pattern[bytes], any_: re.Pattern[bytes], groups: _Groups) -> None:
        """`short` matches events whose numbers are all short."""
        self._short = short.fullmatch
        self._any = any_.fullmatch
        self._order = groups.order
        self._is_number = groups.are_numbers

    def row(self, stored: bytes) -> bytes | None:
        """The cells of an event; None if it does not match."""
        if (match := self._short(stored)) is not None:
            return b",".join(match.group(*self._order))
        if (match := self._any(stored)) is not None:
            return b",".join(map(_rounded, match.group(*self._order), self._is_number))
        return None


def _rounded(cell: bytes, is_number: bool) -> bytes:
    """A cell with the digits that a float keeps."""
    return repr(float(cell)).encode() if is_number and b"." in cell else cell


def pattern_of(stored: bytes, envelope: JsonObject, header: Sequence[str]) -> CsvPattern | None:
    """The pattern of an event and those like it, whose rows begin with members of the header; None
    if it has members that differ in CSV and JSON.
    """
    short, any_ = _Builder(SHORT_NUMBER), _Builder(NUMBER)
    try:
        patterns = [builder.members(envelope, STORED_HEADER) for builder in (short, any_)]
    except _NoPatternError:
        return None
    return CsvPattern(_compiled(patterns[0]), _compiled(patterns[1]), any_.groups(header))


class _NoPatternError(Exception):
    """A member has no text that is the same in CSV and JSON."""


class _Groups(NamedTuple):
    """The groups of a pattern in the order of the columns, and which of them are numbers."""

    order: list[int]
    are_numbers: list[bool]


class _Builder:
    """Builds the pattern of an envelope, and numbers its groups."""

    def __init__(self, number: bytes) -> None:
        self._cells = {float: number, int: number, str: TEXT, bool: BOOL}
        self._header: dict[str, int] = {}
        self._columns: list[int] = []
        self._are_numbers: list[bool] = []
        self._count = 0

    def groups(self, header: Sequence[str]) -> _Groups:
        order = [*(self._header[name] for name in header), *self._columns]
        return _Groups(order, [*([False] * len(header)), *self._are_numbers])

    def members(self, members: JsonObject, header: Collection[str] = ()) -> bytes:
        parts = [
            re.escape(_json(name)) + b":" + self._value(name, value, name in header)
            for name, value in members.items()
        ]
        return rb"\{" + b",".join(parts) + rb"\}"

    def _value(self, name: str, value: object, is_header: bool) -> bytes:
        if isinstance(value, dict) and value and not is_header:
            return self.members(value)
        self._count += 1
        cell = self._cells.get(type(value))
        if cell is None or (is_header and cell is not TEXT):
            raise _NoPatternError
        if is_header:
            self._header[name] = self._count
            return HEADER_TEXT
        self._columns.append(self._count)
        self._are_numbers.append(type(value) in (float, int))
        return cell


@lru_cache(maxsize=PATTERNS_MAX)
def _compiled(pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(pattern)
