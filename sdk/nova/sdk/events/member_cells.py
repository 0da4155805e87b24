"""Flattens an event's members into table cells, for CSV and for typed columns.

A column is named by the path of a member in the envelope, `payload.battery.voltage`. An array is
one cell, as JSON.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from nova.sdk.events.envelope import STORED_HEADER
from nova.sdk.formula_text import escape_formula as escape_formula

JsonObject = dict[str, object]
Cell = str | int | float | bool | None

LINE_END = "\r\n"
"""RFC 4180; a text that contains CR or LF is quoted."""

as_json: Callable[[object], bytes] = msgspec.json.Encoder(order="deterministic").encode


def flatten(envelope: JsonObject) -> dict[str, Cell]:
    """Path and cell of every member that is not part of the header."""
    cells: dict[str, Cell] = {}
    for name, value in envelope.items():
        if name not in STORED_HEADER:
            if type(value) is dict:
                _flatten_into(value, name + ".", cells)
            else:
                cells[name] = _cell(value)
    return cells


def _flatten_into(members: JsonObject, head: str, cells: dict[str, Cell]) -> None:
    for name, value in members.items():
        kind = type(value)
        if kind is float or kind is int or kind is str or kind is bool:
            cells[head + name] = value  # type: ignore[assignment]  # one of these four types
        elif kind is dict:
            _flatten_into(value, f"{head}{name}.", cells)  # type: ignore[arg-type]  # checked above
        else:
            cells[head + name] = _cell(value)


def _cell(value: object) -> Cell:
    if value is None or isinstance(value, str | int | float):
        return value
    return as_json(value).decode()
