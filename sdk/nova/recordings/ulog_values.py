"""The field types of ULog files, and conversion of their values to JSON."""

from __future__ import annotations

from nova.recordings.decimals import shortest
from nova.recordings.xtce_values import json_value

CODES = {
    "int8_t": "b",
    "uint8_t": "B",
    "int16_t": "h",
    "uint16_t": "H",
    "int32_t": "i",
    "uint32_t": "I",
    "int64_t": "q",
    "uint64_t": "Q",
    "float": "f",
    "double": "d",
    "bool": "?",
}
"""The `struct` code of each basic type."""
FLOAT32_BITS = 32


def json_form(value: object) -> object:
    """The JSON form of a value; None if it has none."""
    if isinstance(value, bool):
        return value
    return json_value(value)


def field_value(code: str, value: object) -> object:
    """The JSON form of a field that `struct` has unpacked."""
    if isinstance(value, bytes):
        return value.split(b"\0", 1)[0].decode("utf-8", "replace")
    if isinstance(value, float) and code == "f":
        return json_value(shortest(value, FLOAT32_BITS))
    return json_form(value)
