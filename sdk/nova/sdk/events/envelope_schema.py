"""JSON schemas of stored envelopes, with the types of the fields in their bodies."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import msgspec

from nova.sdk.events.envelope import envelope_type

BODIES = ("payload", "data")
"""The members of envelopes that have fields."""

Schema = dict[str, Any]


def envelope_schema(lane: str, message_type: str, fields: Iterable[tuple[str, str]] = ()) -> Schema:
    """The schema of a stored envelope. `fields` are paths in its body, and their kinds: `number`,
    `boolean` or `string`.
    """
    schema = dict(_plain(lane, message_type))
    properties = dict(schema.get("properties", {}))
    for body in BODIES:
        if body in properties:
            properties[body] = _object(fields)
    return {**schema, "properties": properties} if properties else schema


@cache
def _plain(lane: str, message_type: str) -> Schema:
    kind = envelope_type(lane, message_type)
    if kind is None:
        return {}
    (_, parts) = msgspec.json.schema_components([kind], schema_hook=_any)
    schema = dict(parts[kind.__name__])
    stamp = {"canonicalTruthTime": {"type": "string"}}
    schema["properties"] = {**schema.get("properties", {}), **stamp}
    return schema


def _object(fields: Iterable[tuple[str, str]]) -> Schema:
    """The schema of a body; where a path and the begin of another are the same, the object wins."""
    root: Schema = {"type": "object"}
    for path, kind in sorted(fields):
        node = root
        *heads, name = path.split(".")
        for head in heads:
            inner = node.setdefault("properties", {}).setdefault(head, {})
            inner["type"] = "object"
            node = inner
        node.setdefault("properties", {})[name] = {"type": kind}
    return root


def _any(kind: type) -> dict[str, object]:
    if kind is object:
        return {"description": "Any JSON value."}
    raise NotImplementedError
