"""JSON forms of what reading libraries return: numpy's numbers, bytes, nested messages."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import SupportsFloat, SupportsInt

from nova.recordings.xtce_values import SAFE_INTEGER_MAX

DEPTH_MAX = 16
"""Nested messages that are followed; deeper ones are left out."""
VALUES_MAX = 1024
"""The most elements of an array that are published; of a longer one none is."""


def json_form(value: object, depth: int = 0) -> object:
    """The JSON form of a value; None if it has none. Bytes are hex, integers beyond 2^53 texts."""
    match value:
        case None | bool():
            return value
        case int():
            return int(value) if abs(value) <= SAFE_INTEGER_MAX else str(int(value))
        case float():
            return float(value) if math.isfinite(value) else None
        case str():
            return str(value).encode("utf-8", "replace").decode()
        case bytes() | bytearray() | memoryview():
            return bytes(value).hex() if len(value) <= VALUES_MAX else None
        case Mapping():
            return fields_of(value, depth + 1) if depth < DEPTH_MAX else None
        case list() | tuple():
            return _array(value, depth)
    return _library_form(value, depth)


def fields_of(values: Mapping[str, object], depth: int = 0) -> dict[str, object]:
    """The members of a message that have a JSON form."""
    found = ((str(name), json_form(value, depth)) for name, value in values.items())
    return {name: value for name, value in found if value is not None}


def _array(values: list[object] | tuple[object, ...], depth: int) -> object:
    if len(values) > VALUES_MAX or depth >= DEPTH_MAX:
        return None
    return [json_form(value, depth + 1) for value in values]


def _library_form(value: object, depth: int) -> object:
    """Of a type of a library: numpy's arrays and numbers, or the text of anything else."""
    if callable(to_list := getattr(value, "tolist", None)):
        size = getattr(value, "size", 0)
        return json_form(to_list(), depth) if size <= VALUES_MAX else None
    if isinstance(value, SupportsInt) and isinstance(value, SupportsFloat):
        return json_form(float(value), depth)
    return json_form(str(value), depth)
