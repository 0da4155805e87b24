"""The scalar fields of events: members of a payload or of a view's data, named by dot paths.

A path joins member names from the outside in. Elements of arrays have no path.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import msgspec

from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_key import event_keys
from nova.core.query.lookup import require_envelope
from nova.core.query.visibility import EVERYTHING, Visibility
from nova.sdk.events.event import Series
from nova.sdk.protocol.column_messages import Columns
from nova.sdk.protocol.timeline import (
    FieldInfo,
    FieldKind,
    Fields,
    FieldsResponse,
    Find,
    Sample,
)
from nova.sdk.timestamps import NS_MAX

NEWEST_EVENTS = 20
"""Events that are searched for fields. One view update has only some of its view's fields; this
many together have most of them.
"""

DEPTH_MAX = 8
FIELDS_MAX = 1_000

JsonMembers = dict[str, object]


class _FieldsBody(msgspec.Struct, rename="camel"):
    payload: JsonMembers | None = None
    data: JsonMembers | None = None


_body_decoder = msgspec.json.Decoder(_FieldsBody)


SeriesRequest = Fields | Sample | Find | Columns


def series_of_request(request: SeriesRequest) -> Series:
    return Series(
        scope_id=request.scope_id,
        lane=request.lane,
        system_id=request.system_id,
        container_id=request.container_id,
        unique_id=request.unique_id,
        message_type=request.message_type,
        view_id=request.view_id,
    )


def visible_number(
    snapshot: ArchiveSnapshot, request: SeriesRequest, visibility: Visibility
) -> int | None:
    """The number of the requested series; None if there is none, or it may not be seen."""
    series = series_of_request(request)
    return snapshot.series.number(series) if visibility.matches(series) else None


def _leaves_of(body: _FieldsBody) -> Iterator[tuple[str, object]]:
    """Paths and values of the members that are neither object nor array."""
    return _leaves(body.payload or body.data or {}, "", DEPTH_MAX)


def _leaves(members: JsonMembers, head: str, depth: int) -> Iterator[tuple[str, object]]:
    for name, value in members.items():
        if isinstance(value, dict):
            if depth:
                yield from _leaves(value, f"{head}{name}.", depth - 1)
        elif not isinstance(value, list):
            yield head + name, value


def list_fields(
    snapshot: ArchiveSnapshot, request: Fields, visibility: Visibility = EVERYTHING
) -> FieldsResponse:
    """The fields of a series' newest events, sorted by path."""
    snapshot.refresh()
    number = visible_number(snapshot, request, visibility)
    kinds: dict[str, FieldKind] = {}
    events = snapshot.archive.events
    if number is not None:
        newest = islice(
            event_keys(snapshot, number, "canonical", NS_MAX, reverse=True), NEWEST_EVENTS
        )
        for event_key in newest:
            key = event_key.canonical_key
            stored = require_envelope(key, events.envelope(key))
            for path, value in _leaves_of(_body_decoder.decode(stored)):
                if (kind := _kind(value)) is not None and len(kinds) < FIELDS_MAX:
                    kinds.setdefault(path, kind)
    return FieldsResponse(
        fields=[FieldInfo(field=path, kind=kind) for path, kind in sorted(kinds.items())]
    )


def _kind(value: object) -> FieldKind | None:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "string" if isinstance(value, str) else None
