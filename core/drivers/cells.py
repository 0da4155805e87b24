"""Cells of tables: what an event's members are in CSV and in typed columns.

A column is the path of a member in the envelope, `payload.battery.voltage`. Arrays are one cell, as
JSON.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from sdk.envelope import STORED_HEADER

JsonObject = dict[str, object]
Cell = str | int | float | bool | None

LINE_END = "\r\n"
"""RFC 4180; a text that holds either of the two is put in quotes."""

DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet take a text for a formula (pitfalls row 31)."""

as_json: Callable[[object], bytes] = msgspec.json.Encoder(order="deterministic").encode


def escaped(text: str) -> str:
    """A text that no spreadsheet runs: with an apostrophe in front where it looks like a formula.

    A NUL, which CSV readers stumble over, becomes U+FFFD.
    """
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    return "'" + text if text.startswith(DANGEROUS) else text


def flattened(envelope: JsonObject) -> dict[str, Cell]:
    """The members that are no header by their paths."""
    cells: dict[str, Cell] = {}
    for name, value in envelope.items():
        if name not in STORED_HEADER:
            if type(value) is dict:
                _flatten(value, name + ".", cells)
            else:
                cells[name] = _cell(value)
    return cells


def _flatten(members: JsonObject, head: str, cells: dict[str, Cell]) -> None:
    for name, value in members.items():
        kind = type(value)
        if kind is float or kind is int or kind is str or kind is bool:
            cells[head + name] = value  # type: ignore[assignment]  # it is one of the four
        elif kind is dict:
            _flatten(value, f"{head}{name}.", cells)  # type: ignore[arg-type]  # just seen
        else:
            cells[head + name] = _cell(value)


def _cell(value: object) -> Cell:
    if value is None or isinstance(value, str | int | float):
        return value
    return as_json(value).decode()
