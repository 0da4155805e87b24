"""The numeric fields of single events, by the simplest program: what columns are compared with."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from nova.sdk import timestamps
from nova.sdk.events.body_fields import DEPTH_MAX


class NumericFields(NamedTuple):
    """The numeric fields of one event by path, and its source time."""

    source_ns: int
    values: dict[str, float]


def numeric_fields(stored: bytes) -> NumericFields:
    """True is 1, false is 0; of members that share a path, the last one wins."""
    body = msgspec.json.decode(stored)
    values: dict[str, float] = {}
    _collect(body.get("payload") or body.get("data") or {}, "", DEPTH_MAX, values)
    return NumericFields(timestamps.parse(body["sourceTruthTime"]), values)


def _collect(members: dict[str, Any], head: str, depth: int, values: dict[str, float]) -> None:
    for name, value in members.items():
        if isinstance(value, float | int):
            values[head + name] = float(value)
        elif isinstance(value, dict) and depth:
            _collect(value, f"{head}{name}.", depth - 1, values)
