"""The NOVA protocol: JSON text frames between browsers, edge and Core.

A request may carry a `ref`, which its reply repeats. Stored envelopes are framed as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from nova.sdk.default_view import DefaultView
from nova.sdk.errors import ProtocolError
from nova.sdk.field_types import JsonObject
from nova.sdk.manifests.manifest import CardManifest
from nova.sdk.protocol.alarm_messages import AlarmReply, AlarmRequest
from nova.sdk.protocol.column_messages import COLUMNS_MAX, Columns, ColumnsResponse
from nova.sdk.protocol.decoding import decode_with
from nova.sdk.protocol.drain import StreamCancelled as StreamCancelled
from nova.sdk.protocol.edge_replies import EdgeReply
from nova.sdk.protocol.export import ExportReply, ExportRequest
from nova.sdk.protocol.health import FollowStatus as FollowStatus
from nova.sdk.protocol.health import HealthReply, HealthRequest
from nova.sdk.protocol.health import LinkInfo as LinkInfo
from nova.sdk.protocol.health import Links as Links
from nova.sdk.protocol.health import LinksResponse as LinksResponse
from nova.sdk.protocol.health import Metrics as Metrics
from nova.sdk.protocol.health import MetricsResponse as MetricsResponse
from nova.sdk.protocol.health import OutageInfo as OutageInfo
from nova.sdk.protocol.health import RejectInfo as RejectInfo
from nova.sdk.protocol.health import Rejects as Rejects
from nova.sdk.protocol.health import RejectsResponse as RejectsResponse
from nova.sdk.protocol.health import Status as Status
from nova.sdk.protocol.health import StatusResponse as StatusResponse
from nova.sdk.protocol.message import Filters as Filters
from nova.sdk.protocol.message import GivenBackInfo as GivenBackInfo
from nova.sdk.protocol.message import KnownEvents, RequestId
from nova.sdk.protocol.message import Message as Message
from nova.sdk.protocol.message import Ref as Ref
from nova.sdk.protocol.message import Timebase as Timebase
from nova.sdk.protocol.message import TimelineMode as TimelineMode
from nova.sdk.protocol.submission import Submission, SubmissionReply
from nova.sdk.protocol.timeline import FieldPath, TimelineReply, TimelineRequest
from nova.sdk.protocol.views import DescriptorInfo as DescriptorInfo
from nova.sdk.protocol.views import EntityInfo as EntityInfo
from nova.sdk.protocol.views import GetUiState as GetUiState
from nova.sdk.protocol.views import SeriesInfo as SeriesInfo
from nova.sdk.protocol.views import UiStateResponse as UiStateResponse

QUERY_LIMIT_DEFAULT = 1_000
QUERY_LIMIT_MAX = 10_000
FRAME_MAX_BYTES = 16 * 1024 * 1024
REQUEST_MAX_BYTES = 64 * 1024
SERIES_LIMIT_DEFAULT = 1_000
SERIES_LIMIT_MAX = 10_000

Rate = float | Literal["max", "-max"]
"""The speed of a REPLAY: a factor other than 0 (negative: backwards), or as fast as the client
reads, in either direction.
"""

SeriesLimit = Annotated[int, Meta(ge=1, le=SERIES_LIMIT_MAX)]
PageKey = Annotated[str, Meta(min_length=1, max_length=512)]
"""The `nextKey` of the previous page."""


# --- requests ---


class Auth(Message, kw_only=True, tag="auth"):
    """First message to an edge: the access token of a login, or an API key. Later, on the same
    connection: the next access token of the same session.
    """

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
    """Start a stream at start_time: REPLAY to stop_time at a rate, or LIVE history and then the
    tail. With `shed`, a LIVE stream whose client is too slow skips to the present and sends a gap.
    """

    playback_request_id: RequestId
    timeline_mode: TimelineMode
    start_time: str | None = None
    stop_time: str | None = None
    rate: Rate = 1.0
    timebase: Timebase | None = None
    filters: Filters = msgspec.field(default_factory=Filters)
    after_key: str | None = None
    shed: bool = False

    @property
    def has_history(self) -> bool:
        """Whether a LIVE stream starts before the present."""
        return self.start_time is not None or self.after_key is not None


class CancelStream(Message, kw_only=True, tag="cancelStream"):
    """Stop the connection's stream; if an id is given, only that one."""

    playback_request_id: RequestId | None = None


class SetCursor(Message, kw_only=True, tag="setCursor"):
    """Report the time of the client's timeline while no stream moves it; None is the present."""

    time: str | None = None


class Discover(Message, kw_only=True, tag="discover"):
    """The entities known at a time, page by page, and, unless left out, the manifests in effect.
    With `received_after` only those series, without descriptors, that received events since.
    """

    time: str | None = None
    timebase: Timebase | None = None
    filters: Filters = msgspec.field(default_factory=Filters)
    limit: SeriesLimit = SERIES_LIMIT_DEFAULT
    after_key: PageKey | None = None
    manifests: bool = True
    received_after: str | None = None


class Latest(Message, kw_only=True, tag="latest"):
    """The last event up to a time of each wanted series, or that has each of `fields`."""

    time: str | None = None
    timebase: Timebase | None = None
    filters: Filters = msgspec.field(default_factory=Filters)
    limit: SeriesLimit = SERIES_LIMIT_DEFAULT
    after_key: PageKey | None = None
    known: KnownEvents = msgspec.field(default_factory=list)
    fields: Annotated[list[FieldPath], Meta(min_length=1, max_length=COLUMNS_MAX)] | None = None


Request = (
    Query
    | StartStream
    | CancelStream
    | SetCursor
    | Discover
    | Latest
    | GetUiState
    | HealthRequest
    | TimelineRequest
    | Columns
    | AlarmRequest
    | Submission
    | ExportRequest
)


# --- replies and stream frames ---


class Error(Message, kw_only=True, tag="error"):
    """A request failed; the connection stays open. An error of a stream has its id. `busy` and
    `rateLimited` may have the delay after which to retry. `request_id` is the one in the logs.
    """

    code: str
    message: str
    playback_request_id: str | None = None
    retry_after_ms: Annotated[int, Meta(ge=0)] | None = None
    request_id: str | None = None


class Authenticated(Message, kw_only=True, tag="authenticated"):
    """The token is valid; `default_view` is the instance's, if it has one. `expires_at` is absent
    for an API key that does not expire. With `must_change_password` only `changePassword` is
    answered.
    """

    user: str
    role: str
    expires_at: str | None = None
    must_change_password: bool = False
    default_view: DefaultView | None = None


class QueryResponse(Message, kw_only=True, tag="queryResponse"):
    """Stored envelopes in order; `next_key` is the `afterKey` of the next page (absent: none)."""

    events: list[msgspec.Raw]
    next_key: str | None = None
    given_back: list[GivenBackInfo] = msgspec.field(default_factory=list)


class StreamStarted(Message, kw_only=True, tag="streamStarted"):
    """The stream was accepted; chunks follow. `given_back` as in a queryResponse."""

    playback_request_id: str
    given_back: list[GivenBackInfo] = msgspec.field(default_factory=list)


class StreamChunk(Message, kw_only=True, tag="streamChunk"):
    """A step of a stream: the cursor and the events up to it; `last_key` resumes after them."""

    playback_request_id: str
    cursor: str
    events: list[msgspec.Raw]
    last_key: str | None = None


class StreamComplete(Message, kw_only=True, tag="streamComplete"):
    """The stream has reached its end."""

    playback_request_id: str
    cursor: str


class CursorSet(Message, kw_only=True, tag="cursorSet"):
    """Confirms the reported time of the client's timeline."""

    time: str | None = None


class DiscoverResponse(Message, kw_only=True, tag="discoverResponse"):
    """Entities ordered by their ids; `next_key` is absent on the last page. All versions of the
    manifests that are in effect at that time come before the first entity, on one page or several.
    """

    time: str
    entities: list[EntityInfo]
    manifests: list[CardManifest] = msgspec.field(default_factory=list)
    next_key: str | None = None


class LatestResponse(Message, kw_only=True, tag="latestResponse"):
    """Stored envelopes in order; no `next_key` on the last page. `unchanged` counts the `known`
    ones, which are left out. `behind`: some field may have a later event.
    """

    time: str
    events: list[msgspec.Raw]
    next_key: str | None = None
    unchanged: int = 0
    behind: bool = False


Reply = (
    Error
    | Authenticated
    | QueryResponse
    | StreamStarted
    | StreamChunk
    | StreamComplete
    | StreamCancelled
    | CursorSet
    | DiscoverResponse
    | LatestResponse
    | UiStateResponse
    | HealthReply
    | TimelineReply
    | ColumnsResponse
    | AlarmReply
    | SubmissionReply
    | ExportReply
    | EdgeReply
)

_request_decoder: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)
_reply_decoder: msgspec.json.Decoder[Reply] = msgspec.json.Decoder(Reply)
_encoder = msgspec.json.Encoder()


class _Refs(msgspec.Struct):
    ref: Ref = None


def ref_of(frame: bytes | str) -> Ref:
    """The `ref` of a frame, even of an invalid request, so that its error can be correlated."""
    try:
        return msgspec.json.decode(frame, type=_Refs).ref
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def encode(message: Message) -> bytes:
    return _encoder.encode(message)


def decode_request(frame: bytes | str) -> Request:
    """Decode a request to a Core; raises ProtocolError as `decode_with` does."""
    return decode_with(_request_decoder, frame)


def decode_reply(frame: bytes | str) -> Reply:
    """Decode a reply; raises ProtocolError if it is invalid."""
    try:
        return _reply_decoder.decode(frame)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolError("badReply", str(error)) from None


CHUNK_PREFIX = b'{"type":"streamChunk","playbackRequestId":"'
GAP_PREFIX = b'{"type":"gap","playbackRequestId":"'


def chunk_frame(
    playback_id: str, cursor: str, events: Sequence[bytes], last_key: str | None
) -> bytes:
    """A streamChunk of stored envelopes, joined without parsing. Ids need no escapes in JSON."""
    last = f',"lastKey":"{last_key}"' if last_key else ""
    head = f'{playback_id}","cursor":"{cursor}"{last},"events":['.encode()
    return b"".join((CHUNK_PREFIX, head, b",".join(events), b"]}"))


def events_frame(
    kind: str, ref: Ref, events: Sequence[bytes], extra: JsonObject | None = None
) -> bytes:
    """A queryResponse or latestResponse of stored envelopes, joined without parsing."""
    head: JsonObject = {"type": kind, **({} if ref is None else {"ref": ref}), **(extra or {})}
    return b"".join((_encoder.encode(head)[:-1], b',"events":[', b",".join(events), b"]}"))
