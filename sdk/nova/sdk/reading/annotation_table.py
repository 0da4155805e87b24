"""Events, transitions of alarms and findings as marks on a time axis, for dashboards."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from nova.sdk import timestamps
from nova.sdk.errors import ProtocolError, TimestampError
from nova.sdk.protocol.alarm_messages import AlarmHistory
from nova.sdk.protocol.message import Message
from nova.sdk.protocol.messages import Query
from nova.sdk.protocol.text_messages import FindText
from nova.sdk.protocol.timeline import Find, FindResponse
from nova.sdk.reading.reply_table import (
    ReplyColumn,
    ReplyTable,
    TableRow,
    event_row,
    items_of,
)

ANNOTATION_COLUMNS = (
    ReplyColumn("time", "time"),
    ReplyColumn("timeEnd", "time"),
    ReplyColumn("title", "text"),
    ReplyColumn("text", "text"),
    ReplyColumn("tags", "text"),
)
TEXT_MAX_CHARS = 300

_objects = msgspec.json.Decoder(dict[str, Any])


def annotation_table(request: Message) -> ReplyTable:
    """The marks of replies to a request; raises ProtocolError if it gives none."""
    rows: Callable[[bytes], list[TableRow]]
    if isinstance(request, Query | FindText):
        rows = partial(_of_events, request.timebase == "canonical")
    elif isinstance(request, AlarmHistory):
        rows = _of_transitions
    elif isinstance(request, Find):
        rows = partial(_of_findings, request)
    else:
        raise ProtocolError(
            "badRequest", "shape annotations is of query, findText, alarmHistory and find"
        )
    return ReplyTable(ANNOTATION_COLUMNS, rows)


def _of_events(is_canonical: bool, frame: bytes) -> list[TableRow]:
    return [_of_event(envelope, is_canonical) for envelope in items_of("events", frame)]


def _of_event(envelope: msgspec.Raw, is_canonical: bool) -> TableRow:
    """A mark of an event. That of a note is where the note says, that of a command has its type."""
    source, canonical, scope, lane, *address, message_type, _, _, body = event_row(envelope)
    members = msgspec.json.decode(str(body))
    members = members if isinstance(members, dict) else {}
    if message_type == "UserNote":
        start, stop = _time(members.get("fromTime")), _time(members.get("toTime"))
        if start is not None:
            return (start, stop, "Note", _cut(members.get("text", "")), f"{lane},{scope}")
    title = members.get("commandType") if lane == "command" else None
    path = "/".join(map(str, address))
    text = _cut(f"{path} {body}")
    time = canonical if is_canonical else source
    return (time, None, str(title or message_type or lane), text, f"{lane},{scope},{address[-1]}")


def _of_transitions(frame: bytes) -> list[TableRow]:
    rows: list[TableRow] = []
    for item in items_of("transitions", frame):
        found = _objects.decode(item)
        alarm = found["alarm"]
        title = f"{alarm.get('title') or alarm['rule']}: {found['change']}"
        value = "" if alarm.get("value") is None else f" = {alarm['value']}"
        path = "/".join(alarm[name] for name in ("systemId", "containerId", "uniqueId"))
        tags = ["alarm", alarm["scopeId"], alarm["state"]]
        if "severity" in alarm:
            tags.append(alarm["severity"])
        text = f"{path} {alarm['field']}{value}"
        rows.append((found["time"], None, title, text, ",".join(tags)))
    return rows


def _of_findings(request: Find, frame: bytes) -> list[TableRow]:
    reply = msgspec.json.decode(frame, type=FindResponse)
    path = f"{request.system_id}/{request.container_id}/{request.unique_id} {request.field}"
    rows: list[TableRow] = []
    for one in reply.findings:
        span = "" if one.min is None else f", {one.min:g} to {one.max:g}"
        stop = None if one.stop_time == one.start_time else one.stop_time
        tags = f"{request.condition},{request.scope_id},{request.unique_id}"
        rows.append((one.start_time, stop, request.condition, f"{path}{span}", tags))
    return rows


def _time(written: object) -> str | None:
    try:
        return timestamps.normal(written) if isinstance(written, str) else None
    except TimestampError:
        return None


def _cut(text: object) -> str:
    shown = str(text)
    return shown if len(shown) <= TEXT_MAX_CHARS else shown[: TEXT_MAX_CHARS - 1] + "…"
