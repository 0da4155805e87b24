"""Replies as tables: the same columns for each row, for CSV, Arrow and whatever wants flat rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, cast

import msgspec
from msgspec import Raw

from nova.sdk import timestamps
from nova.sdk.events.stored_body import StoredBody, carried
from nova.sdk.protocol.alarm_messages import AlarmHistory, Alarms
from nova.sdk.protocol.health import Links, Status
from nova.sdk.protocol.message import Message
from nova.sdk.protocol.messages import Discover, Latest, Query
from nova.sdk.protocol.recording_messages import Recordings
from nova.sdk.protocol.text_messages import FindText
from nova.sdk.protocol.timeline import (
    Extent,
    Fields,
    Find,
    Neighbour,
    Sample,
    SampleResponse,
    Summary,
    SummaryResponse,
)
from nova.sdk.protocol.views import GetUiState
from nova.sdk.reading.read_requests import ITEMS

CellKind = Literal["time", "text", "number", "count", "flag", "json"]
"""`json`: the JSON text of a value of any kind."""

TableCell = str | int | float | bool | None
TableRow = tuple[TableCell, ...]


class ReplyColumn(NamedTuple):
    """A column by its name; times are RFC 3339 texts in UTC with nine digits."""

    name: str
    kind: CellKind


class ReplyTable(NamedTuple):
    """The columns of replies to a request, and the rows of one reply's frame."""

    columns: tuple[ReplyColumn, ...]
    rows: Callable[[bytes], Sequence[TableRow]]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)


_ADDRESS = ("scopeId", "systemId", "containerId", "uniqueId")


def _mixed(text: str) -> tuple[ReplyColumn, ...]:
    """Columns of `name` (a text) or `name:kind`, in their order."""
    parts = (one.partition(":") for one in text.split())
    return tuple(ReplyColumn(name, cast(CellKind, kind or "text")) for name, _, kind in parts)


EVENT_COLUMNS = _mixed(
    "sourceTruthTime:time canonicalTruthTime:time scopeId lane systemId containerId uniqueId "
    "messageType viewId eventId body:json"
)
_ALARM = (
    "rule title scopeId lane systemId containerId uniqueId messageType viewId field state severity "
    "since:time changed:time crossed:time value:json acknowledgedBy comment commentBy shelved:flag "
    "shelvedBy shelvedUntil:time disabled:flag"
)
_LISTED: Mapping[type[Message], tuple[ReplyColumn, ...]] = {
    Fields: _mixed("field kind"),
    GetUiState: _mixed(
        "scopeId systemId containerId uniqueId viewId manifestId manifestVersion lastTime:time "
        "lastEventId state:json"
    ),
    Find: _mixed(
        "startTime:time stopTime:time samples:count min:number max:number before:json after:json"
    ),
    Alarms: _mixed(_ALARM),
    Recordings: _mixed("startTime:time stopTime:time events:count entities:count"),
    Links: _mixed(
        "link connection received:count new:count duplicate:count rejected:count gaps:count "
        "lastSeen:time lag:count outages:count"
    ),
}
_ONE: Mapping[type[Message], tuple[ReplyColumn, ...]] = {
    Extent: _mixed(
        "timebase time:time startTime:time presentTime:time nextTime:time stopTime:time "
        "events:count ahead:count"
    ),
    Status: _mixed(
        "mode scopeId timebase events:count duplicates:count rejects:count series:count "
        "durableTime:time bytesOnDisk:count writerConnected:flag"
    ),
}
_SERIES = _mixed(
    "scopeId systemId containerId uniqueId lane messageType viewId firstTime:time lastTime:time"
)
_TRANSITION = _mixed(f"time:time change eventId {_ALARM}")
_SAMPLE = _mixed("time:time field count:count min:number max:number mean:number")
_SUMMARY = _mixed("time:time metadata:count command:count ui:count parsed:count raw:count")


class EventCells(StoredBody, kw_only=True):
    """What a table has of a stored envelope."""

    event_id: str
    scope_id: str
    system_id: str
    container_id: str
    unique_id: str
    source_truth_time: str
    canonical_truth_time: str
    message_type: str = ""
    view_id: str = ""


_event_cells = msgspec.json.Decoder(EventCells)
_objects = msgspec.json.Decoder(dict[str, Any])
_json = msgspec.json.Encoder()


def event_row(envelope: bytes | Raw) -> TableRow:
    """The row of a stored envelope."""
    event = _event_cells.decode(envelope)
    return (
        timestamps.normal(event.source_truth_time),
        event.canonical_truth_time,
        event.scope_id,
        event.lane,
        event.system_id,
        event.container_id,
        event.unique_id,
        event.message_type,
        event.view_id,
        event.event_id,
        bytes(carried(event, envelope)).decode(),
    )


def _event_rows(frame: bytes) -> list[TableRow]:
    return [event_row(envelope) for envelope in items_of("events", frame)]


def items_of(member: str, frame: bytes) -> list[Raw]:
    """What a reply lists in a member."""
    found = msgspec.json.decode(frame, type=dict[str, Raw]).get(member)
    return [] if found is None else msgspec.json.decode(found, type=list[Raw])


def table_of(request: Message) -> ReplyTable:
    """The table of replies to a request. Columns requests have tables of their own."""
    kind = type(request)
    if kind in (Query, Latest, FindText):
        return ReplyTable(
            EVENT_COLUMNS, lambda frame: list(map(event_row, items_of("events", frame)))
        )
    if kind in _LISTED:
        return ReplyTable(_LISTED[kind], lambda frame: _listed(frame, ITEMS[kind], _LISTED[kind]))
    if kind in _ONE:
        return ReplyTable(_ONE[kind], lambda frame: [_row(_objects.decode(frame), _ONE[kind])])
    return _OTHERS[kind]


def item_table(member: str, columns: str) -> ReplyTable:
    """The table of a reply that lists objects in a member; columns are `name` or `name:kind`."""
    found = _mixed(columns)
    return ReplyTable(found, lambda frame: _listed(frame, member, found))


def _listed(frame: bytes, member: str, columns: Sequence[ReplyColumn]) -> list[TableRow]:
    return [_row(_objects.decode(item), columns) for item in items_of(member, frame)]


def _row(members: Mapping[str, Any], columns: Iterable[ReplyColumn]) -> TableRow:
    return tuple(_cell(members, column) for column in columns)


def _cell(members: Mapping[str, Any], column: ReplyColumn) -> TableCell:
    value = members.get(column.name)
    if column.kind == "json":
        return None if value is None else _json.encode(value).decode()
    if value is None and column.kind == "flag":
        return False
    if value is None and column.kind == "text":
        return ""
    return value


def _entity_rows(frame: bytes) -> list[TableRow]:
    """A row for each series of each entity; entities without one have only a descriptor."""
    rows: list[TableRow] = []
    for item in items_of("entities", frame):
        entity = _objects.decode(item)
        address = {name: entity[name] for name in _ADDRESS}
        rows += [_row({**address, **series}, _SERIES) for series in entity["series"]]
    return rows


def _transition_rows(frame: bytes) -> list[TableRow]:
    found = map(_objects.decode, items_of("transitions", frame))
    return [_row({**one["alarm"], **one}, _TRANSITION) for one in found]


def _sample_rows(frame: bytes) -> list[TableRow]:
    """A row for each bucket and field; without values it has a count of 0 alone."""
    reply = msgspec.json.decode(frame, type=SampleResponse)
    start_ns = timestamps.parse(reply.start_time)
    return [
        (timestamps.text(start_ns + place * reply.bucket_ns), one.field, *cells)
        for one in reply.fields
        for place, cells in enumerate(zip(one.count, one.min, one.max, one.mean, strict=True))
    ]


def _summary_rows(frame: bytes) -> list[TableRow]:
    reply = msgspec.json.decode(frame, type=SummaryResponse)
    start_ns, lanes = timestamps.parse(reply.start_time), reply.lanes
    counts = zip(lanes.metadata, lanes.command, lanes.ui, lanes.parsed, lanes.raw, strict=True)
    return [
        (timestamps.text(start_ns + place * reply.bucket_ns), *cells)
        for place, cells in enumerate(counts)
    ]


def _neighbour_rows(frame: bytes) -> list[TableRow]:
    event = msgspec.json.decode(frame, type=dict[str, Raw]).get("event")
    return [] if event is None else [event_row(event)]


_OTHERS: Mapping[type[Message], ReplyTable] = {
    Discover: ReplyTable(_SERIES, _entity_rows),
    AlarmHistory: ReplyTable(_TRANSITION, _transition_rows),
    Sample: ReplyTable(_SAMPLE, _sample_rows),
    Summary: ReplyTable(_SUMMARY, _summary_rows),
    Neighbour: ReplyTable(EVENT_COLUMNS, _neighbour_rows),
}
