"""The fields of a series, from its newest events."""

from __future__ import annotations

from itertools import islice

from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_key import event_keys
from nova.core.query.lookup import require_envelope
from nova.core.query.visibility import EVERYTHING, Visibility
from nova.sdk.events.body_fields import field_kinds
from nova.sdk.events.event import Series
from nova.sdk.protocol.column_messages import Columns
from nova.sdk.protocol.timeline import (
    FieldInfo,
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


def list_fields(
    snapshot: ArchiveSnapshot, request: Fields, visibility: Visibility = EVERYTHING
) -> FieldsResponse:
    """The fields of a series' newest events, sorted by path."""
    snapshot.refresh()
    number = visible_number(snapshot, request, visibility)
    if number is None:
        return FieldsResponse(fields=[])
    keys = event_keys(snapshot, number, "canonical", NS_MAX, reverse=True)
    newest = [one.canonical_key for one in islice(keys, NEWEST_EVENTS)]
    events = snapshot.archive.events
    kinds = field_kinds(require_envelope(key, events.envelope(key)) for key in newest)
    return FieldsResponse(
        fields=[FieldInfo(field=path, kind=kind) for path, kind in sorted(kinds.items())]
    )
