"""Frames of the WebSocket subprotocol `foxglove.sdk.v1`, as far as a gateway that only reads needs
them (https://github.com/foxglove/foxglove-sdk, rust/foxglove/src/protocol/v1).

Text frames are JSON objects with `op`. Binary frames begin with an opcode; their numbers are
little-endian.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta

from nova.sdk.errors import NovaError

SUBPROTOCOLS = ("foxglove.sdk.v1", "foxglove.websocket.v1")
"""The same frames; older Lichtblick offers only the second."""

UINT32_MAX = 2**32 - 1
SHOWN_CHARS = 64

REFUSED_OPS = frozenset(
    (
        *("advertise", "unadvertise", "getParameters", "setParameters", "fetchAsset"),
        *("subscribeParameterUpdates", "unsubscribeParameterUpdates"),
        *("subscribeConnectionGraph", "unsubscribeConnectionGraph"),
    )
)
REFUSED_OPCODES = {1: "a published message", 2: "a service call"}
CONTROL_OPCODE = 3

_MESSAGE = struct.Struct("<BIQ")
_TIME = struct.Struct("<BQ")
_STATE = struct.Struct("<BBQfBI")
_CONTROL = struct.Struct("<BfBQI")

MessageHead = _MESSAGE
Uint32 = Annotated[int, Meta(ge=0, le=UINT32_MAX)]


class ViewerError(NovaError):
    """A frame of a viewer that is not answered."""


class StatusLevel(IntEnum):
    """How bad a status is."""

    INFO = 0
    WARNING = 1
    ERROR = 2


class PlaybackStatus(IntEnum):
    """What a playback does."""

    PLAYING = 0
    PAUSED = 1
    BUFFERING = 2
    ENDED = 3


class PlaybackControl(NamedTuple):
    """What a viewer wants of the playback."""

    is_play: bool
    speed: float
    seek_ns: int | None
    request_id: str


class PlaybackState(NamedTuple):
    """What a viewer learns of the playback; `request_id` is that of the request it answers."""

    status: PlaybackStatus
    time_ns: int
    speed: float
    did_seek: bool = False
    request_id: str = ""

    def frame(self) -> bytes:
        written = self.request_id.encode()
        return (
            _STATE.pack(
                5, self.status, max(self.time_ns, 0), self.speed, self.did_seek, len(written)
            )
            + written
        )


class ChannelSubscription(msgspec.Struct, rename="camel"):
    """The id that a viewer gives to its subscription of a channel."""

    id: Uint32
    channel_id: int


class Subscribe(msgspec.Struct, tag_field="op", tag="subscribe"):
    """The viewer wants the messages of channels."""

    subscriptions: list[ChannelSubscription]


class Unsubscribe(msgspec.Struct, tag_field="op", tag="unsubscribe", rename="camel"):
    """The viewer no longer wants them."""

    subscription_ids: list[Uint32]


class _Op(msgspec.Struct):
    op: str


_requests: msgspec.json.Decoder[Subscribe | Unsubscribe] = msgspec.json.Decoder(
    Subscribe | Unsubscribe
)
_ops = msgspec.json.Decoder(_Op)


def text_request(frame: str) -> Subscribe | Unsubscribe:
    """The request of a text frame; raises ViewerError."""
    try:
        op = _ops.decode(frame).op
        if op in REFUSED_OPS:
            raise ViewerError(f"{op} is refused: this gateway only reads")
        return _requests.decode(frame)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ViewerError(f"a text frame is not a request of this protocol: {error}") from None


def control_request(frame: bytes) -> PlaybackControl:
    """The playback control of a binary frame; raises ViewerError."""
    opcode = frame[0] if frame else None
    if opcode in REFUSED_OPCODES:
        raise ViewerError(f"{REFUSED_OPCODES[opcode]} is refused: this gateway only reads")
    if opcode != CONTROL_OPCODE:
        raise ViewerError(f"a binary frame has the opcode {opcode}, which this protocol has not")
    try:
        command, speed, has_seek, seek_ns, id_bytes = _CONTROL.unpack_from(frame, 1)
    except struct.error:
        raise ViewerError(f"a playback control has only {len(frame)} bytes") from None
    behind = 1 + _CONTROL.size
    written = frame[behind : behind + id_bytes]
    if command > 1 or len(written) < id_bytes:
        raise ViewerError("a playback control has an unknown command, or is cut")
    try:
        request_id = written.decode()
    except UnicodeError:
        raise ViewerError("the requestId of a playback control is not UTF-8") from None
    return PlaybackControl(command == 0, speed, seek_ns if has_seek else None, request_id)


def time_frame(time_ns: int) -> bytes:
    return _TIME.pack(2, max(time_ns, 0))


def message_frame(subscription: int, log_ns: int, stored: bytes) -> bytes:
    return _MESSAGE.pack(1, subscription, max(log_ns, 0)) + stored


def text_frame(op: str, **members: Any) -> bytes:
    return msgspec.json.encode({"op": op, **members})


def status_frame(level: StatusLevel, message: str) -> bytes:
    return text_frame("status", level=level, message=message)
