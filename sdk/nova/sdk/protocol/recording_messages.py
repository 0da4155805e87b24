"""Protocol messages of recordings: stretches of telemetry between silences."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from nova.sdk.protocol.message import Filters, GivenBackInfo, Message, Timebase

GAP_MIN_S = 1.0
"""Silences are found by event counts of buckets, which are no narrower."""

GAP_MAX_S = 366 * 86_400.0
RECORDINGS_LIMIT_DEFAULT = 100
RECORDINGS_LIMIT_MAX = 1_000


class Recordings(Message, kw_only=True, tag="recordings"):
    """The stretches of wanted events without a silence longer than `gap_seconds`, newest first.
    Without `gap_seconds` it is learnt from the events, without lanes in the filters telemetry
    counts: ui, parsed and raw.
    """

    timebase: Timebase | None = None
    filters: Filters = msgspec.field(default_factory=Filters)
    gap_seconds: Annotated[float, Meta(ge=GAP_MIN_S, le=GAP_MAX_S)] | None = None
    limit: Annotated[int, Meta(ge=1, le=RECORDINGS_LIMIT_MAX)] = RECORDINGS_LIMIT_DEFAULT
    after_key: str | None = None


class RecordingInfo(
    msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """The times of the first and the last event. `events` and `entities` are absent where a reply
    would have had to read too much for them.
    """

    start_time: str
    stop_time: str
    events: int | None = None
    entities: int | None = None


class RecordingsResponse(Message, kw_only=True, tag="recordingsResponse"):
    """Recordings, newest first, perhaps none. With `next_key` there are more before `reached`."""

    timebase: Timebase
    gap_seconds: float
    recordings: list[RecordingInfo]
    next_key: str | None = None
    reached: str | None = None
    given_back: list[GivenBackInfo] = msgspec.field(default_factory=list)
