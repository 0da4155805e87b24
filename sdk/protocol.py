"""The NOVA protocol (nova.md §8): JSON text frames between browsers, edge and Core.

Every request may carry a `ref`, which its reply repeats. Frames that carry stored events are joined
from their stored bytes by `chunk_frame` and `events_frame`, never encoded again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from sdk.envelope import JsonObject, Lane
from sdk.errors import ProtocolError
from sdk.export import ExportReply, ExportRequest
from sdk.message import Filters as Filters
from sdk.message import Message as Message
from sdk.message import Ref as Ref
from sdk.message import RequestId
from sdk.message import Timebase as Timebase
from sdk.message import TimelineMode as TimelineMode
from sdk.timeline import TimelineReply, TimelineRequest

QUERY_LIMIT_DEFAULT = 1_000
QUERY_LIMIT_MAX = 10_000
FRAME_MAX_BYTES = 16 * 1024 * 1024
REQUEST_MAX_BYTES = 64 * 1024
SERIES_LIMIT_DEFAULT = 1_000
SERIES_LIMIT_MAX = 10_000

SeriesLimit = Annotated[int, Meta(ge=1, le=SERIES_LIMIT_MAX)]
PageKey = Annotated[str, Meta(min_length=1, max_length=512)]
"""The `nextKey` of the page before."""


# --- requests ---


class Auth(Message, kw_only=True, tag="auth"):
    """First message to the edge: the JWT that `POST /auth/login` gave."""

    token: str


class Query(Message, kw_only=True, tag="query"):
    """Events of a range, both ends included, in the order of the timebase."""

    start_time: str | None = None
    stop_time: str | None = None
    timebase: Timebase | None = None
    filters: Filters = msgspec.field(default_factory=Filters)
    limit: Annotated[int, Meta(ge=1, le=QUERY_LIMIT_MAX)] = QUERY_LIMIT_DEFAULT
    after_key: str | None = None
    reverse: bool = False
    timeline_mode: TimelineMode = "REPLAY"


class StartStream(Message, kw_only=True, tag="startStream"):
    """Play from start_time on: REPLAY towards stop_time at a rate, LIVE history and then
    the tail. With `shed` a LIVE stream that its client does not keep up with skips to the present
    and says so by a gap.
    """

    playback_request_id: RequestId
    timeline_mode: TimelineMode
    start_time: str | None = None
    stop_time: str | None = None
    rate: float | Literal["max"] = 1.0
    timebase: Timebase | None = None
    filters: Filters = msgspec.field(default_factory=Filters)
    after_key: str | None = None
    shed: bool = False


class CancelStream(Message, kw_only=True, tag="cancelStream"):
    """Stop the connection's stream, or only the named one."""

    playback_request_id: RequestId | None = None


class Discover(Message, kw_only=True, tag="discover"):
    """The entities known at a time, page by page."""

    time: str | None = None
    timebase: Timebase | None = None
    filters: Filters = msgspec.field(default_factory=Filters)
    limit: SeriesLimit = SERIES_LIMIT_DEFAULT
    after_key: PageKey | None = None


class Latest(Message, kw_only=True, tag="latest"):
    """The last event at or before a time of every series that the filters name, page by page."""

    time: str | None = None
    timebase: Timebase | None = None
    filters: Filters = msgspec.field(default_factory=Filters)
    limit: SeriesLimit = SERIES_LIMIT_DEFAULT
    after_key: PageKey | None = None


class Rejects(Message, kw_only=True, tag="rejects"):
    """The reject log, oldest first; `after` is the number of the last one seen."""

    limit: Annotated[int, Meta(ge=1, le=1_000)] = 100
    after: Annotated[int, Meta(ge=0, le=2**53 - 1)] | None = None


class Status(Message, kw_only=True, tag="status"):
    """How the Core is."""


class Links(Message, kw_only=True, tag="links"):
    """How the transports are that the Core consumes from; cheap enough to ask every second."""


Request = (
    Query
    | StartStream
    | CancelStream
    | Discover
    | Latest
    | Rejects
    | Status
    | Links
    | TimelineRequest
    | ExportRequest
)


# --- replies and stream frames ---


class Error(Message, kw_only=True, tag="error"):
    """A request could not be served; the connection stays open."""

    code: str
    message: str


class Authenticated(Message, kw_only=True, tag="authenticated"):
    """The token was good."""

    user: str
    role: str
    expires_at: str


class QueryResponse(Message, kw_only=True, tag="queryResponse"):
    """Stored envelopes in order; `next_key` is the `afterKey` of the next page, absent on
    the last.
    """

    events: list[msgspec.Raw]
    next_key: str | None = None


class StreamStarted(Message, kw_only=True, tag="streamStarted"):
    """The stream was accepted; chunks follow."""

    playback_request_id: str


class StreamChunk(Message, kw_only=True, tag="streamChunk"):
    """A step of a stream: the timeline's clock and the events up to it; `last_key` resumes behind
    them.
    """

    playback_request_id: str
    cursor: str
    events: list[msgspec.Raw]
    last_key: str | None = None


class StreamComplete(Message, kw_only=True, tag="streamComplete"):
    """The stream has reached its end."""

    playback_request_id: str
    cursor: str


class StreamCancelled(Message, kw_only=True, tag="streamCancelled"):
    """The stream was stopped, or there was none."""

    playback_request_id: str | None = None


class SeriesInfo(
    msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """One series of an entity, and when it was first and last seen up to the asked time."""

    lane: Lane
    message_type: str = ""
    view_id: str = ""
    first_time: str
    last_time: str


class EntityInfo(
    msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """One entity with its series and, if it has told, its latest descriptor's capabilities."""

    scope_id: str
    system_id: str
    container_id: str
    unique_id: str
    series: list[SeriesInfo]


class DiscoverResponse(Message, kw_only=True, tag="discoverResponse"):
    """Entities in the order of their ids; `next_key` is absent on the last page."""

    time: str
    entities: list[EntityInfo]
    next_key: str | None = None


class LatestResponse(Message, kw_only=True, tag="latestResponse"):
    """One stored envelope per series of the page, in the order of the timebase; `next_key` is
    absent on the last page.
    """

    time: str
    events: list[msgspec.Raw]
    next_key: str | None = None


class RejectInfo(
    msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """One refused record, its first bytes as base64 in `raw`."""

    number: int
    time: str
    code: str
    member: str
    reason: str
    link: str
    position: str
    address: str | None = None
    size: int
    raw: bytes


class RejectsResponse(Message, kw_only=True, tag="rejectsResponse"):
    """A page of the reject log and how many there are in all."""

    rejects: list[RejectInfo]
    total: int


class OutageInfo(
    msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """A time in which a transport's backend did not answer; `ended` is absent while it lasts."""

    began: str
    ended: str | None = None
    reason: str


LinkConnection = Literal["connected", "unreachable", "unknown"]
"""Unknown: not tried yet, no longer configured, or the writer itself is away."""


class LinkInfo(
    msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """One transport the Core consumes from, or did.

    Counts are since the archive was made, outages since the writer started. `lag` is the number of
    records that its backend is known to hold behind the stored positions, `lag_by_stream` the same
    for each stream; `last_seen` is when its last record was stored.
    """

    link: str
    connection: LinkConnection = "unknown"
    received: int = 0
    new: int = 0
    duplicate: int = 0
    rejected: int = 0
    gaps: int = 0
    last_seen: str | None = None
    lag: int | None = None
    lag_by_stream: dict[str, int] = msgspec.field(default_factory=dict)
    positions: dict[str, int] = msgspec.field(default_factory=dict)
    outages: int = 0
    last_outage: OutageInfo | None = None
    warnings: list[str] = msgspec.field(default_factory=list)


class LinksResponse(Message, kw_only=True, tag="linksResponse"):
    """Every link in the order of its name."""

    links: list[LinkInfo]


class StatusResponse(Message, kw_only=True, tag="statusResponse"):
    """Counts since the archive was made, its newest canonical time, and its size on disk."""

    mode: Literal["payload", "ground"]
    scope_id: str | None = None
    timebase: Timebase
    events: int
    duplicates: int
    rejects: int
    series: int
    durable_time: str | None = None
    bytes_on_disk: int
    links: list[LinkInfo]
    writer_connected: bool


Reply = (
    Error
    | Authenticated
    | QueryResponse
    | StreamStarted
    | StreamChunk
    | StreamComplete
    | StreamCancelled
    | DiscoverResponse
    | LatestResponse
    | RejectsResponse
    | StatusResponse
    | LinksResponse
    | TimelineReply
    | ExportReply
)

_request_decoder: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)
_reply_decoder: msgspec.json.Decoder[Reply] = msgspec.json.Decoder(Reply)
_encoder = msgspec.json.Encoder()


class _Refs(msgspec.Struct):
    ref: Ref = None


def ref_of(frame: bytes | str) -> Ref:
    """The `ref` of a frame that may be no valid request, so that its error can be matched to it."""
    try:
        return msgspec.json.decode(frame, type=_Refs).ref
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def encode(message: Message) -> bytes:
    """One frame's bytes."""
    return _encoder.encode(message)


def decode_request(frame: bytes | str) -> Request:
    """The request in a frame; raises ProtocolError `badRequest` naming the member that is wrong."""
    try:
        return _request_decoder.decode(frame)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolError("badRequest", str(error)) from None


def decode_reply(frame: bytes | str) -> Reply:
    """The reply in a frame; raises ProtocolError if it is none."""
    try:
        return _reply_decoder.decode(frame)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolError("badReply", str(error)) from None


CHUNK_PREFIX = b'{"type":"streamChunk","playbackRequestId":"'
GAP_PREFIX = b'{"type":"gap","playbackRequestId":"'


def chunk_frame(
    playback_id: str, cursor: str, events: Sequence[bytes], last_key: str | None
) -> bytes:
    """A streamChunk of stored envelopes, joined without a parse; ids hold no character to
    escape.
    """
    last = f',"lastKey":"{last_key}"' if last_key else ""
    head = f'{playback_id}","cursor":"{cursor}"{last},"events":['
    return b"".join((CHUNK_PREFIX, head.encode(), b",".join(events), b"]}"))


def events_frame(
    kind: str, ref: Ref, events: Sequence[bytes], extra: JsonObject | None = None
) -> bytes:
    """A queryResponse or latestResponse of stored envelopes, joined without a parse."""
    head: JsonObject = {"type": kind, **({} if ref is None else {"ref": ref}), **(extra or {})}
    return b"".join((_encoder.encode(head)[:-1], b',"events":[', b",".join(events), b"]}"))
