"""Protocol messages of a timeline: event counts, extent, samples of numbers, and stepping."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from nova.sdk.events.body_fields import FieldKind as FieldKind
from nova.sdk.field_types import Lane
from nova.sdk.protocol.message import Filters, GivenBackInfo, Message, Timebase
from nova.sdk.protocol.recording_messages import Recordings as Recordings
from nova.sdk.protocol.recording_messages import RecordingsResponse as RecordingsResponse
from nova.sdk.protocol.text_messages import FindText as FindText
from nova.sdk.protocol.text_messages import FindTextResponse as FindTextResponse

BUCKETS_MAX = 4_096
FIELDS_MAX = 16

Buckets = Annotated[int, Meta(ge=1, le=BUCKETS_MAX)]
FieldPath = Annotated[str, Meta(min_length=1, max_length=512)]
"""Path of a member inside payload or data; names joined by dots."""


FindCondition = Literal[
    "above", "atLeast", "below", "atMost", "equal", "notEqual", "steady", "change", "gap"
]
FIND_LIMIT_DEFAULT = 100
FIND_LIMIT_MAX = 1_000
FIND_MAX_S = 1e10
"""More than all times that there are."""


# --- requests ---


class Summary(Message, kw_only=True, tag="summary"):
    """Event counts of each lane in each bucket of a span."""

    start_time: str
    stop_time: str
    buckets: Buckets
    timebase: Timebase | None = None
    scope_ids: list[str] | None = None


class Extent(Message, kw_only=True, tag="extent"):
    """The times of the first and the last event."""

    timebase: Timebase | None = None


class Sample(Message, kw_only=True, tag="sample"):
    """Minimum, maximum and mean of a series' numeric fields in each bucket of a span."""

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


class Find(Message, kw_only=True, tag="find"):
    """Where the values of a series' field meet a condition: runs of values that compare with
    `value`, or of a value that stays the same, at least `min_samples` of them over at least
    `min_seconds`; changes of the value; or gaps of more than `min_seconds` without one.
    """

    start_time: str | None = None
    stop_time: str | None = None
    timebase: Timebase | None = None
    scope_id: str
    system_id: str
    container_id: str
    unique_id: str
    lane: Literal["ui", "parsed"]
    message_type: str
    view_id: str = ""
    field: FieldPath
    condition: FindCondition
    value: bool | float | str | None = None
    min_samples: Annotated[int, Meta(ge=1)] = 1
    min_seconds: Annotated[float, Meta(ge=0, le=FIND_MAX_S)] = 0.0
    reverse: bool = False
    limit: Annotated[int, Meta(ge=1, le=FIND_LIMIT_MAX)] = FIND_LIMIT_DEFAULT
    after_key: str | None = None


class Fields(Message, kw_only=True, tag="fields"):
    """The fields in the newest events of a series."""

    scope_id: str
    system_id: str
    container_id: str
    unique_id: str
    lane: Lane
    message_type: str = ""
    view_id: str = ""


class Neighbour(Message, kw_only=True, tag="neighbour"):
    """The nearest event strictly before or after a time, or after a key in that direction."""

    time: str
    direction: Literal["next", "previous"]
    timebase: Timebase | None = None
    filters: Filters = msgspec.field(default_factory=Filters)
    after_key: str | None = None


TimelineRequest = Summary | Extent | Sample | Find | FindText | Recordings | Fields | Neighbour


# --- replies ---


class LaneCounts(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Event counts per bucket, by lane."""

    metadata: list[int]
    command: list[int]
    ui: list[int]
    parsed: list[int]
    raw: list[int]


class SummaryResponse(Message, kw_only=True, tag="summaryResponse"):
    """Bucket i covers `bucket_ns` from `start_time` + i × `bucket_ns` on, its end excluded."""

    start_time: str
    bucket_ns: int
    timebase: Timebase
    lanes: LaneCounts


AHEAD_MAX = 1_000
"""The limit to which events dated in the future are counted."""


class ExtentResponse(Message, kw_only=True, tag="extentResponse"):
    """Times of the first and last event, absent if there is none, and the number of events.

    `time` is now, `present_time` the last event not dated after it. In source time there may be
    later ones: `next_time` is the first of them, and `ahead` counts them up to `AHEAD_MAX`.
    `given_back`: what retention has deleted of the visible scopes and lanes.
    """

    time: str
    start_time: str | None = None
    present_time: str | None = None
    next_time: str | None = None
    stop_time: str | None = None
    timebase: Timebase
    events: int
    ahead: int = 0
    given_back: list[GivenBackInfo] = msgspec.field(default_factory=list)


class FieldSample(
    msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """One field: value counts per bucket, and the statistics of buckets that have values."""

    field: str
    count: list[int]
    min: list[float | None]
    max: list[float | None]
    mean: list[float | None]


class SampleResponse(Message, kw_only=True, tag="sampleResponse"):
    """Buckets as in a summary; `behind` if the newest events are not sampled yet. `unknown_series`:
    no event of it was ever received; `unknown_fields`: none of its events has them.
    """

    start_time: str
    bucket_ns: int
    timebase: Timebase
    fields: list[FieldSample]
    behind: bool = False
    unknown_series: bool = False
    unknown_fields: list[str] = msgspec.field(default_factory=list)


class FieldFinding(
    msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """A run from its first to its last value, with their number, least and greatest; a gap from the
    value before to the one after; or a change, at the first new value.
    """

    start_time: str
    stop_time: str
    samples: int = 0
    min: float | None = None
    max: float | None = None
    before: bool | float | str | None = None
    after: bool | float | str | None = None


class FindResponse(Message, kw_only=True, tag="findResponse"):
    """Findings in order, perhaps none; with `next_key` the search continues behind the time
    `reached`. `behind` if the newest values were not searched. `unknown_series` and
    `unknown_fields` as in a SampleResponse.
    """

    timebase: Timebase
    findings: list[FieldFinding]
    next_key: str | None = None
    reached: str | None = None
    behind: bool = False
    unknown_series: bool = False
    unknown_fields: list[str] = msgspec.field(default_factory=list)


class FieldInfo(
    msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """A field of a series and the kind of its newest value."""

    field: str
    kind: FieldKind


class FieldsResponse(Message, kw_only=True, tag="fieldsResponse"):
    """The fields, ordered by name."""

    fields: list[FieldInfo]


class NeighbourResponse(Message, kw_only=True, tag="neighbourResponse"):
    """The event with its time in the timebase and its key; all absent if there is none."""

    time: str | None = None
    key: str | None = None
    event: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class StreamGap(Message, kw_only=True, tag="gap"):
    """A range that a LIVE stream skipped because its client is too slow: `shed` events with
    canonical times from `from_time` to `to_time`.
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
    | FindResponse
    | FindTextResponse
    | RecordingsResponse
    | FieldsResponse
    | NeighbourResponse
    | StreamGap
)
