"""Values of ULog files: the types of their fields, and what JSON says of them."""

from __future__ import annotations

from sdk.formats.decimals import shortest
from sdk.formats.xtce import json_value

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
"""Of each basic type, how `struct` names it."""
FLOAT32_BITS = 32


def said(value: object) -> object:
    """A value of a log as JSON can say it; None where it cannot."""
    if isinstance(value, bool):
        return value
    return json_value(value)


def value_of(code: str, value: object) -> object:
    """A field of a type that `struct` has unpacked."""
    if isinstance(value, bytes):
        return value.split(b"\0", 1)[0].decode("utf-8", "replace")
    if isinstance(value, float) and code == "f":
        return json_value(shortest(value, FLOAT32_BITS))
    return said(value)
