"""The messages of a timeline: how much there is and when, numbers over time, and steps from event
to event.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from sdk.envelope import Lane
from sdk.message import Filters, Message, Timebase

BUCKETS_MAX = 4_096
FIELDS_MAX = 16

Buckets = Annotated[int, Meta(ge=1, le=BUCKETS_MAX)]
FieldPath = Annotated[str, Meta(min_length=1, max_length=512)]
"""Names of members inside payload or data, joined by dots."""

FieldKind = Literal["number", "boolean", "string"]


# --- requests ---


class Summary(Message, kw_only=True, tag="summary"):
    """How many events there are of each lane in each bucket of a span."""

    start_time: str
    stop_time: str
    buckets: Buckets
    timebase: Timebase | None = None
    scope_ids: list[str] | None = None


class Extent(Message, kw_only=True, tag="extent"):
    """When the first and the last event are."""

    timebase: Timebase | None = None


class Sample(Message, kw_only=True, tag="sample"):
    """The least, greatest and mean value of numeric fields of one series in each bucket of a
    span.
    """

    start_time: str
    stop_time: str
    buckets: Buckets
    timebase: Timebase | None = None
    scope_id: str
    system_id: str
    container_id: str
    unique_id: str
    lane: Literal["ui", "parsed"]
    message_type: str
    view_id: str = ""
    fields: Annotated[list[FieldPath], Meta(min_length=1, max_length=FIELDS_MAX)]


class Fields(Message, kw_only=True, tag="fields"):
    """Which fields the newest events of one series have."""

    scope_id: str
    system_id: str
    container_id: str
    unique_id: str
    lane: Lane
    message_type: str = ""
    view_id: str = ""


class Neighbour(Message, kw_only=True, tag="neighbour"):
    """The nearest event strictly before or after a time, or behind a key in that direction."""

    time: str
    direction: Literal["next", "previous"]
    timebase: Timebase | None = None
    filters: Filters = msgspec.field(default_factory=Filters)
    after_key: str | None = None


TimelineRequest = Summary | Extent | Sample | Fields | Neighbour


# --- replies ---


class LaneCounts(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A number of events for each bucket, lane by lane."""

    metadata: list[int]
    command: list[int]
    ui: list[int]
    parsed: list[int]
    raw: list[int]


class SummaryResponse(Message, kw_only=True, tag="summaryResponse"):
    """Bucket i begins at `start_time` + i × `bucket_ns` and holds what lies before the next."""

    start_time: str
    bucket_ns: int
    timebase: Timebase
    lanes: LaneCounts


AHEAD_MAX = 1_000
"""Of the events that are dated ahead no more are counted."""


class ExtentResponse(Message, kw_only=True, tag="extentResponse"):
    """Times of the first and last event, absent where there is none, and how many there are.

    `time` is now, `present_time` the last event that is not dated ahead of it. In source time there
    may be later ones: the first is at `next_time`, and `ahead` counts them up to `AHEAD_MAX`.
    """

    time: str
    start_time: str | None = None
    present_time: str | None = None
    next_time: str | None = None
    stop_time: str | None = None
    timebase: Timebase
    events: int
    ahead: int = 0


class FieldSample(
    msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """One field: how many values each bucket holds, and where it holds any, what they are."""

    field: str
    count: list[int]
    min: list[float | None]
    max: list[float | None]
    mean: list[float | None]


class SampleResponse(Message, kw_only=True, tag="sampleResponse"):
    """Buckets as in a summary; `behind` where the newest events are not sampled yet."""

    start_time: str
    bucket_ns: int
    timebase: Timebase
    fields: list[FieldSample]
    behind: bool = False


class FieldInfo(
    msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """One field of a series and the kind of its newest value."""

    field: str
    kind: FieldKind


class FieldsResponse(Message, kw_only=True, tag="fieldsResponse"):
    """The fields in the order of their names."""

    fields: list[FieldInfo]


class NeighbourResponse(Message, kw_only=True, tag="neighbourResponse"):
    """The event with its time in the timebase and its key; all absent where there is none."""

    time: str | None = None
    key: str | None = None
    event: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class StreamGap(Message, kw_only=True, tag="gap"):
    """What a LIVE stream has not sent because its client is slow: `shed` events with canonical
    times from `from_time` to `to_time`.
    """

    playback_request_id: str
    from_time: str
    to_time: str
    shed: int
    reason: Literal["slow"]


TimelineReply = (
    SummaryResponse
    | ExtentResponse
    | SampleResponse
    | FieldsResponse
    | NeighbourResponse
    | StreamGap
)
