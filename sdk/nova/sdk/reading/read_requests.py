"""The requests that only read, by name, and how one is made of named texts such as those of a URL.

Every door that is not the protocol itself (HTTP, tools of an agent, gateways) offers these and
sends the message of the name; none reads the archive in a way of its own.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from math import ceil
from typing import Any

import msgspec
from msgspec import inspect

from nova.sdk import timestamps
from nova.sdk.errors import ProtocolError, TimestampError
from nova.sdk.pattern_words import in_words
from nova.sdk.protocol.alarm_messages import ALARMS_LIMIT_MAX, AlarmHistory, Alarms
from nova.sdk.protocol.column_messages import ROWS_LIMIT_MAX, Columns
from nova.sdk.protocol.health import Links, Status
from nova.sdk.protocol.message import Filters, Message
from nova.sdk.protocol.messages import (
    QUERY_LIMIT_MAX,
    SERIES_LIMIT_MAX,
    Discover,
    Latest,
    Query,
)
from nova.sdk.protocol.recording_messages import RECORDINGS_LIMIT_MAX, Recordings
from nova.sdk.protocol.text_messages import TEXT_LIMIT_MAX, FindText
from nova.sdk.protocol.timeline import (
    BUCKETS_MAX,
    FIND_LIMIT_MAX,
    Extent,
    Fields,
    Find,
    Neighbour,
    Sample,
    Summary,
)
from nova.sdk.protocol.views import STATES_LIMIT_MAX, GetUiState
from nova.sdk.reading.written_time import NS_PER_MS, written_time

READ_REQUESTS: Mapping[str, type[Message]] = {
    "entities": Discover,
    "fields": Fields,
    "latest": Latest,
    "state": GetUiState,
    "query": Query,
    "columns": Columns,
    "sample": Sample,
    "summary": Summary,
    "extent": Extent,
    "find": Find,
    "findText": FindText,
    "neighbour": Neighbour,
    "alarms": Alarms,
    "alarmHistory": AlarmHistory,
    "recordings": Recordings,
    "status": Status,
    "links": Links,
}

ITEMS: Mapping[type[Message], str] = {
    Discover: "entities",
    Fields: "fields",
    Latest: "events",
    GetUiState: "states",
    Query: "events",
    Find: "findings",
    FindText: "events",
    Alarms: "alarms",
    AlarmHistory: "transitions",
    Recordings: "recordings",
    Links: "links",
}
"""The member of the reply that lists what was asked for; the other replies are one thing each."""

PAGED: Mapping[type[Message], int] = {
    Discover: SERIES_LIMIT_MAX,
    Latest: SERIES_LIMIT_MAX,
    GetUiState: STATES_LIMIT_MAX,
    Query: QUERY_LIMIT_MAX,
    Columns: ROWS_LIMIT_MAX,
    Find: FIND_LIMIT_MAX,
    FindText: TEXT_LIMIT_MAX,
    Alarms: ALARMS_LIMIT_MAX,
    AlarmHistory: ALARMS_LIMIT_MAX,
    Recordings: RECORDINGS_LIMIT_MAX,
}
"""Requests whose replies are pages, and the most that a page may have: `afterKey` is the `nextKey`
of the page before.
"""

TIMES = ("startTime", "stopTime", "time")
INTERVAL = "intervalMs"
"""Instead of `buckets`: how wide one is to be, at least."""

NOT_TEXTS = ("ref", "filters", "timelineMode")
"""Members that no named text stands for."""

_COMMA = re.compile(r"(?<!\\),")

Texts = Iterable[tuple[str, str]]
"""Names with their texts; a name may come several times where a list is meant."""


class Parameter(msgspec.Struct, frozen=True):
    """A named text of a request. `is_list`: it may come several times, or have commas."""

    name: str
    type: type
    is_list: bool
    required: bool
    of_filters: bool = False


def parameters_of(kind: type[Message]) -> dict[str, Parameter]:
    """What a request of this kind is made of, by name."""
    found: dict[str, Parameter] = {}
    for field in msgspec.structs.fields(kind):
        if field.encode_name not in NOT_TEXTS:
            found[field.encode_name] = _parameter(field)
        elif field.encode_name == "filters":
            for one in msgspec.structs.fields(Filters):
                found[one.encode_name] = _parameter(one, of_filters=True)
    if "buckets" in found:
        found["buckets"] = msgspec.structs.replace(found["buckets"], required=False)
        found[INTERVAL] = Parameter(INTERVAL, int, is_list=False, required=False)
    return found


def _parameter(field: msgspec.structs.FieldInfo, *, of_filters: bool = False) -> Parameter:
    kind = inspect.type_info(field.type)
    parts = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
    is_list = any(isinstance(_bare(one), inspect.ListType) for one in parts)
    return Parameter(field.encode_name, field.type, is_list, field.required, of_filters)


def _bare(kind: inspect.Type) -> inspect.Type:
    return kind.type if isinstance(kind, inspect.Metadata) else kind


def read_request(
    kind: type[Message], texts: Texts, now_ns: int | None = None, *, beside: Sequence[str] = ()
) -> Message:
    """The request of named texts; raises ProtocolError that names what is wrong with which, and
    what there is, with those `beside` the members.
    """
    known = parameters_of(kind)
    now_ns = timestamps.now() if now_ns is None else now_ns
    members: dict[str, Any] = {}
    filters: dict[str, Any] = {}
    for name, text in texts:
        parameter = known.get(name)
        if parameter is None:
            there_are = _names([*known, *beside])
            raise ProtocolError("badRequest", f"unknown parameter {name[:64]!r}: {there_are}")
        place = filters if parameter.of_filters else members
        if parameter.is_list:
            if text:  # An empty variable of a dashboard narrows nothing.
                place.setdefault(name, []).extend(_listed(text))
        elif name in place:
            raise ProtocolError(
                "badRequest", f"parameter {name!r} is given twice: it has one value"
            )
        else:
            place[name] = _value(name, text, now_ns)
    if filters:
        members["filters"] = filters
    return _converted(kind, _with_buckets(members), known)


def _names(known: Collection[str]) -> str:
    return "there are " + ", ".join(known) if known else "there are none"


def _listed(text: str) -> list[str]:
    r"""The parts between commas; `\,` is a comma of a name."""
    return [part.replace("\\,", ",") for part in _COMMA.split(text)]


def _value(name: str, text: str, now_ns: int) -> object:
    if name in TIMES:
        try:
            return written_time(text, now_ns)
        except TimestampError as error:
            raise ProtocolError("badTime", f"{name} {error}") from None
    if name == "value":
        return _json_or_text(text)
    return text


def _json_or_text(text: str) -> object:
    """A number, a boolean or a quoted text as JSON has them; anything else is the text itself."""
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text
    return found if isinstance(found, bool | int | float | str) else text


def _with_buckets(members: dict[str, Any]) -> dict[str, Any]:
    """The number of buckets that an interval asks for, over the span of the request."""
    interval = members.pop(INTERVAL, None)
    if interval is None:
        return members
    if "buckets" in members:
        raise ProtocolError("badRequest", f"{INTERVAL} and buckets say the same: give one")
    if not interval.isascii() or not interval.isdigit() or not 0 < len(interval) <= 16:
        raise ProtocolError(
            "badRequest", f"{INTERVAL} {interval[:64]!r} is no number of milliseconds"
        )
    missing = [name for name in TIMES[:2] if name not in members]
    if missing:
        raise ProtocolError("badRequest", f"{missing[0]} is missing")
    start, stop = (timestamps.parse(members[name]) for name in TIMES[:2])
    width_ns = max(1, int(interval) * NS_PER_MS)
    members["buckets"] = min(max(ceil((stop - start) / width_ns), 1), BUCKETS_MAX)
    return members


def _converted(
    kind: type[Message], members: dict[str, Any], known: Mapping[str, Parameter]
) -> Message:
    for name, parameter in known.items():
        if parameter.required and name not in members:
            raise ProtocolError("badRequest", f"parameter {name!r} is missing: {_names(known)}")
    try:
        return msgspec.convert(members, kind, strict=False)
    except (msgspec.ValidationError, RecursionError) as error:
        raise ProtocolError("badRequest", in_words(str(error))) from None
