"""The tools that an agent has: one for each request that only reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec

from nova.sdk.field_types import JsonObject
from nova.sdk.protocol.column_messages import Columns
from nova.sdk.protocol.message import Message
from nova.sdk.reading.read_requests import (
    INTERVAL,
    ITEMS,
    PAGED,
    READ_REQUESTS,
    TIMES,
    Parameter,
    parameters_of,
)
from nova.sdk.reading.written_time import FORMS

ITEMS_DEFAULT, ITEMS_MAX = 50, 1_000
"""Items of an answer, if the agent names no `limit`, and at most."""

LIMIT = "limit"
MEANINGS: Mapping[str, str] = {
    **{name: FORMS for name in TIMES},
    "timebase": "source: when it happened; canonical: when NOVA received it",
    "afterKey": "the nextKey of the answer before, for the items behind it",
    LIMIT: f"most items of the answer, up to {ITEMS_MAX}",
    INTERVAL: "width of a bucket at least, in ms, instead of buckets",
    "eventId": "64 hexadecimal digits",
}
SUMMARIES: Mapping[str, str] = {
    "scopes": "The scopes of the archive, with the number of their entities and their times.",
    "entities": "The entities (things that send telemetry) with their series, as of a time.",
    "fields": "The fields of a series, with their units and kinds.",
    "latest": "The newest event of each series up to a time.",
    "state": "What the cards of entities show at a time.",
    "query": "The stored events of a time range, in order.",
    "columns": "Values of fields of one series over a time range, as rows.",
    "sample": "Least, greatest and mean of fields over a time range, in buckets.",
    "summary": "How many events of each lane a time range has, in buckets.",
    "extent": "The first and the last time of the archive.",
    "find": "Where the values of a field meet a condition, change, or have gaps.",
    "findText": "Events that have a text in their type or body.",
    "neighbour": "The next or previous event of a moment.",
    "alarms": "Alarms and their states at a time.",
    "alarmHistory": "When alarms were raised, became worse, were acknowledged, or cleared.",
    "recordings": "Stretches of telemetry between silences.",
    "status": "Whether NOVA works, and how much it has.",
    "links": "The sources that it takes events from, and their state.",
    "event": "One stored event by its id and its source time.",
}
Schema = dict[str, Any]


class ReadTool(NamedTuple):
    """A tool: its route below `/api/v1`, and the JSON schema of its arguments. `items` is the
    member of the answer that lists things, of which `limit` says how many. `is_rows`: the answer
    has a line for each instead.
    """

    name: str
    route: str
    summary: str
    schema: Schema
    items: str | None = None
    is_paged: bool = False
    is_rows: bool = False


def _of_request(name: str, kind: type[Message]) -> ReadTool:
    known = parameters_of(kind)
    properties = {one: _property(parameter) for one, parameter in known.items()}
    required = [one for one, parameter in known.items() if parameter.required]
    summary = SUMMARIES.get(name) or (kind.__doc__ or name).strip().split("\n\n")[0]
    schema = _object(properties, required)
    return ReadTool(
        name, name, summary, schema, ITEMS.get(kind), kind in PAGED, is_rows=kind is Columns
    )


def _property(parameter: Parameter) -> Schema:
    schema = msgspec.json.schema(parameter.type)
    some = [one for one in schema.pop("anyOf", ()) if one != {"type": "null"}]
    schema = {**schema, **(some[0] if len(some) == 1 else {"anyOf": some} if some else {})}
    schema.pop("default", None)
    if parameter.name == LIMIT:
        schema = {"type": "integer", "minimum": 1, "maximum": ITEMS_MAX, "default": ITEMS_DEFAULT}
    if parameter.name in MEANINGS:
        schema["description"] = MEANINGS[parameter.name]
    return schema


def _object(properties: Schema, required: list[str]) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _texts(*names: str) -> Schema:
    return {name: {"type": "string", "description": MEANINGS[name]} for name in names}


def read_tools() -> dict[str, ReadTool]:
    """All tools, by name."""
    found = [
        ReadTool(
            "scopes", "scopes", SUMMARIES["scopes"], _object(_texts("time", "timebase"), []),
            "scopes",
        ),
        *(_of_request(name, kind) for name, kind in READ_REQUESTS.items()),
        ReadTool(
            "event", "events/{eventId}", SUMMARIES["event"],
            _object(_texts("eventId", "time"), ["eventId", "time"]),
        ),
    ]  # fmt: skip
    return {tool.name: tool for tool in found}


class ReadPath(NamedTuple):
    """A path below `/api/v1` with its parameters."""

    path: str
    texts: list[tuple[str, str]]


def asked(tool: ReadTool, arguments: JsonObject) -> ReadPath:
    """What a call of a tool asks the edge for, which checks what it is given."""
    path, texts = tool.route, []
    for name, value in arguments.items():
        if f"{{{name}}}" in path:
            path = path.replace(f"{{{name}}}", _path_part(str(value)))
        elif isinstance(value, list):
            texts += [(name, _text(name, one).replace(",", "\\,")) for one in value]
        elif value is not None:
            texts.append((name, _text(name, value)))
    return ReadPath(path, texts)


def _path_part(text: str) -> str:
    """One part of a path, whatever is in it."""
    return quote(text, safe="") if text.strip(".") else "-"


def _text(name: str, value: object) -> str:
    if isinstance(value, str) and name != "value":
        return value
    return msgspec.json.encode(value).decode()
