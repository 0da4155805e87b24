"""TCP streams: outputs of an edge that programs read with a plain socket."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from nova.sdk.field_types import Id
from nova.sdk.protocol.message import Filters, Message, Timebase

TcpStreamFormat = Literal["payloadOnly", "hierarchyPerMessage"]
Framing = Literal["none", "newline", "length2", "length4", "slip"]
"""How messages of `payloadOnly` are separated; lengths are big-endian and count the payload."""

Backpressure = Literal["catchUp", "disconnect"]
"""What a client gets that does not read in time: later messages only, or the end."""

StreamVisibility = Literal["private", "public"]
StreamId = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"\A[A-Za-z0-9_-]+\Z")]
Port = Annotated[int, Meta(ge=1, le=65_535)]

STREAM_SYSTEM_ID = "tcpStream"
STREAM_CONTAINER_ID = "streams"
STREAM_ENTITY_TYPE = "tcp-stream"
SETUP_CONTAINER_ID = "system"
SETUP_UNIQUE_ID = "setupStreams"
SETUP_ENTITY_TYPE = "setup-streams"
SETUP_NAME = "Setup Streams"
MANIFEST_VERSION = "1.0.0"
"""Of the card manifests of both entity types."""

STREAM_MANIFEST_ID = "tcpStream"
SETUP_MANIFEST_ID = "setupStreams"

StreamState = Literal["stopped", "failed", "live", "tied", "elsewhere"]
"""What an enabled stream does: it does not listen and has a `problem`, follows the present, follows
a timeline, or is served by another edge, which alone knows.
"""


class TcpStreamDefinition(msgspec.Struct, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What a TCP stream gives to its clients, and where.

    `timebase` is that of the times in the messages, and of their order unless the stream is tied.
    `with_address` adds scope, lane and message type to messages of `hierarchyPerMessage`.
    """

    name: Id
    port: Port
    bind: str = "127.0.0.1"
    filters: Filters = msgspec.field(default_factory=Filters)
    format: TcpStreamFormat = "hierarchyPerMessage"
    with_address: bool = False
    framing: Framing = "none"
    timebase: Timebase | None = None
    backpressure: Backpressure = "catchUp"
    visibility: StreamVisibility = "private"


class ListStreams(Message, kw_only=True, tag="listStreams"):
    """The TCP streams that the client may see, or only the one with this name."""

    name: Id | None = None


class CreateTcpStream(Message, kw_only=True, tag="createTcpStream"):
    """Add a TCP stream; it starts at once if it is `enabled`, and with every start of the edge."""

    definition: TcpStreamDefinition
    enabled: bool = True


class EditTcpStream(Message, kw_only=True, tag="editTcpStream"):
    """Replace the definition of a TCP stream; its clients are disconnected, its tie ends."""

    stream_id: StreamId
    definition: TcpStreamDefinition


class StartTcpStream(Message, kw_only=True, tag="startTcpStream"):
    """Listen for clients, now and after every restart."""

    stream_id: StreamId


class StopTcpStream(Message, kw_only=True, tag="stopTcpStream"):
    """Disconnect the clients and listen no longer, also after a restart."""

    stream_id: StreamId


class DeleteTcpStream(Message, kw_only=True, tag="deleteTcpStream"):
    """Delete a TCP stream."""

    stream_id: StreamId


class TieTcpStream(Message, kw_only=True, tag="tieTcpStream"):
    """Let the stream follow this connection's timeline: play, pause, seek, rate and direction. The
    last connection that ties a stream has it.
    """

    stream_id: StreamId


class UntieTcpStream(Message, kw_only=True, tag="untieTcpStream"):
    """Let the stream follow the present again."""

    stream_id: StreamId


class TcpStreamInfo(msgspec.Struct, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A TCP stream with its state. Counts are since the stream was started last.

    `selects` is the selection in a few words. `problem` says why an enabled stream does not listen.
    `tied_by` is the user whose connection the stream follows, `tied_here` whether it is the
    connection that asks. `cursor` is the time up to which messages were sent, `dropped` counts what
    slow clients did not get, `too_large` what none got because its length does not fit the framing.
    """

    stream_id: str
    definition: TcpStreamDefinition
    created_by: str
    created: str
    enabled: bool
    system_id: str
    container_id: str
    unique_id: str
    entity_type: str
    manifest_id: str
    manifest_version: str
    state: StreamState
    selects: str
    listening: bool = False
    problem: str | None = None
    tied_by: str | None = None
    tied_here: bool = False
    may_change: bool = False
    cursor: str | None = None
    connections: int = 0
    messages: int = 0
    dropped: int = 0
    too_large: int = 0
    bytes_sent: int = 0
    bytes_per_s: float = 0.0


class StreamSetup(msgspec.Struct, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The entity by which streams are created; it is always there. `streams` counts those that the
    client may see; `served_by` says which other edge serves them.
    """

    system_id: str
    container_id: str
    unique_id: str
    entity_type: str
    manifest_id: str
    manifest_version: str
    name: str
    streams: int
    may_create: bool
    served_by: str | None = None


class StreamsResponse(Message, kw_only=True, tag="streamsResponse"):
    """The TCP streams by name. `served_here` is false on an edge that only shows what another edge
    of the archive serves; `server` says which. `streams_left_out` counts those for which a reply
    has no room, which happens only with definitions that are larger than allowed now.
    """

    streams: list[TcpStreamInfo]
    setup: StreamSetup
    served_here: bool = True
    server: str | None = None
    streams_left_out: int = 0


class TcpStreamChanged(Message, kw_only=True, tag="tcpStreamChanged"):
    """The stream after the change; absent: deleted."""

    stream: TcpStreamInfo | None = None


TcpStreamRequest = (
    ListStreams
    | CreateTcpStream
    | EditTcpStream
    | StartTcpStream
    | StopTcpStream
    | DeleteTcpStream
    | TieTcpStream
    | UntieTcpStream
)
TcpStreamReply = StreamsResponse | TcpStreamChanged
