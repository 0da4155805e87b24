"""Rules that a TCP stream's definition must keep, at create and at edit alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from nova.edge.access import Access
from nova.sdk.address import is_id, is_name
from nova.sdk.errors import ProtocolError
from nova.sdk.events.reserved import is_audit_entity
from nova.sdk.protocol.message import Filters
from nova.sdk.protocol.tcp_streams import STREAM_SYSTEM_ID, TcpStreamDefinition

PREVIEW_CHARS = 64
FILTER_VALUES_MAX = 100
DEFINITION_MAX_BYTES = 8 * 1024
"""Of a definition as JSON: a list of streams holds all of them."""


def check_definition(definition: TcpStreamDefinition, *, is_ground: bool) -> None:
    """Raise ProtocolError `badStream` with the first rule that a definition breaks. A ground
    archive holds several scopes, so there a single entity needs one too.
    """
    for problem in (
        *_size_problems(definition),
        *_filter_problems(definition.filters),
        *_format_problems(definition, is_ground),
    ):
        raise ProtocolError("badStream", problem)


def check_creator(definition: TcpStreamDefinition, access: Access) -> None:
    """Raise ProtocolError `forbidden` if a definition names what its creator may not see."""
    for named, allowed, what in (
        (definition.filters.scope_ids, access.scopes, "scope"),
        (definition.filters.lanes, access.lanes, "lane"),
    ):
        for one in _outside(named, allowed):
            raise ProtocolError("forbidden", f"your access does not include {what} {one!r}")


def names_hidden(definition: TcpStreamDefinition, access: Access) -> bool:
    """Whether a definition names a scope or a lane that a principal may not see."""
    filters = definition.filters
    return bool(_outside(filters.scope_ids, access.scopes) or _outside(filters.lanes, access.lanes))


def _outside(named: Sequence[str] | None, allowed: Sequence[str] | None) -> list[str]:
    if allowed is None:
        return []
    return [one for one in named or () if one not in allowed]


def _size_problems(definition: TcpStreamDefinition) -> Iterator[str]:
    """These come first, so that the other rules look at few values."""
    filters = definition.filters
    for name, given in (
        ("scopeIds", filters.scope_ids),
        ("lanes", filters.lanes),
        ("messageTypes", filters.message_types),
    ):
        if given is not None and not given:
            yield f"{name} is empty, which selects nothing: leave it out to select all"
        elif given is not None and len(given) > FILTER_VALUES_MAX:
            yield f"{name} has {len(given)} values, the limit is {FILTER_VALUES_MAX}"
    if (size := len(msgspec.json.encode(definition))) > DEFINITION_MAX_BYTES:
        yield (
            f"the definition has {size} bytes of JSON, the limit is {DEFINITION_MAX_BYTES}: select "
            "with fewer values, or with several streams"
        )


def _filter_problems(filters: Filters) -> Iterator[str]:
    for name, ids in (
        ("scopeIds", filters.scope_ids),
        ("systemId", filters.system_id),
        ("containerId", filters.container_id),
        ("uniqueId", filters.unique_id),
        ("commandId", filters.command_id),
    ):
        for one in _values(ids):
            if not is_id(one):
                yield (
                    f"{name} {one[:PREVIEW_CHARS]!r} is not an id (1 to 64 letters, digits, - and "
                    "_): there are no wildcards, a filter that is left out selects all"
                )
    for name, names in (("messageTypes", filters.message_types), ("viewId", filters.view_id)):
        for one in _values(names):
            if not is_name(one):
                yield (
                    f"{name} {one[:PREVIEW_CHARS]!r} is not a name (1 to 128 letters, digits, "
                    "_, ., : and -): there are no wildcards, a filter that is left out selects all"
                )
    if filters.system_id == STREAM_SYSTEM_ID:
        yield (
            f"systemId {STREAM_SYSTEM_ID} stands for the TCP streams themselves: a stream cannot "
            "read streams, select another systemId"
        )
    if is_audit_entity(filters.system_id or "", filters.container_id or ""):
        yield "the audit trail never leaves over TCP: select another systemId or containerId"


def _format_problems(definition: TcpStreamDefinition, is_ground: bool) -> Iterator[str]:
    if definition.format == "payloadOnly":
        if missing := _missing_ids(definition.filters, is_ground):
            yield (
                "payloadOnly sends payloads without their ids, so it must select a single entity: "
                f"add {', '.join(missing)}, or use hierarchyPerMessage"
            )
        if definition.with_address:
            yield "withAddress is of hierarchyPerMessage: payloadOnly sends nothing but payloads"
    elif definition.framing != "none":
        yield (
            f"framing {definition.framing} is of payloadOnly: messages of hierarchyPerMessage "
            "always end with a newline"
        )


def _missing_ids(filters: Filters, is_ground: bool) -> list[str]:
    missing = [
        name
        for name, value in (
            ("systemId", filters.system_id),
            ("containerId", filters.container_id),
            ("uniqueId", filters.unique_id),
        )
        if value is None
    ]
    if is_ground and len(set(filters.scope_ids or ())) != 1:
        missing.append("one scopeId (this archive holds several scopes)")
    return missing


def _values(given: str | list[str] | None) -> Sequence[str]:
    if given is None:
        return ()
    return (given,) if isinstance(given, str) else given
