"""The scalar fields of an event: members of its payload or view data, named by dot paths.

A path joins member names from the outside in. Elements of arrays have no path.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

DEPTH_MAX = 8
FIELDS_MAX = 1_000

FieldKind = Literal["number", "boolean", "string"]
JsonMembers = dict[str, object]


class _FieldsBody(msgspec.Struct, rename="camel"):
    payload: JsonMembers | None = None
    data: JsonMembers | None = None


_body_decoder = msgspec.json.Decoder(_FieldsBody)


def field_kinds(events: Iterable[bytes]) -> dict[str, FieldKind]:
    """Fields and kinds of stored envelopes; of a field with several kinds, the one that comes
    first. At most FIELDS_MAX.
    """
    kinds: dict[str, FieldKind] = {}
    for stored in events:
        body = _body_decoder.decode(stored)
        for path, value in _leaves(body.payload or body.data or {}, "", DEPTH_MAX):
            if (kind := _kind(value)) is not None and len(kinds) < FIELDS_MAX:
                kinds.setdefault(path, kind)
    return kinds


def _leaves(members: JsonMembers, head: str, depth: int) -> Iterator[tuple[str, object]]:
    """Paths and values of the members that are neither object nor array."""
    for name, value in members.items():
        if isinstance(value, dict):
            if depth:
                yield from _leaves(value, f"{head}{name}.", depth - 1)
        elif not isinstance(value, list):
            yield head + name, value


def _kind(value: object) -> FieldKind | None:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "string" if isinstance(value, str) else None
