"""Messages between a replay and its shard processes, over pipes.

Requests are lines of JSON on the shard's stdin. Replies are frames on its stdout: the sizes of head
and body, the head as JSON, and the body: lines of stored envelopes, byte for byte.
"""

from __future__ import annotations

import struct

import msgspec

from nova.sdk.protocol.messages import Filters, Timebase

SIZES = struct.Struct(">IQ")
"""Sizes of the head and of the body in bytes."""


class ShardJob(msgspec.Struct, kw_only=True, tag="job"):
    """First request: the events to read, in a range of ns with both ends included.

    `after` is the hex of the order key to start after, `mark` the canonical time that limits the
    replay; if it is None, the shard uses its present durable watermark.
    """

    start_ns: int
    stop_ns: int
    timebase: Timebase
    filters: Filters
    after: str | None = None
    mark: int | None = None


class SplitRequest(msgspec.Struct, kw_only=True, tag="cut"):
    """Split the range into exactly `pieces`, or into at least `pieces_min` small ones."""

    pieces: int | None = None
    pieces_min: int = 1


class ReadRequest(msgspec.Struct, kw_only=True, tag="read"):
    """Send the events of a piece."""

    start_ns: int
    stop_ns: int
    after: str | None = None


class SinkRequest(msgspec.Struct, kw_only=True, tag="sink"):
    """Write the events of a range to a file, or pass them to a function `module:name`."""

    shard: int
    start_ns: int
    stop_ns: int
    path: str | None = None
    call: str | None = None


class RangePiece(msgspec.Struct, array_like=True, frozen=True):
    """A half-open range of time in ns, and its estimated number of events."""

    start_ns: int
    stop_ns: int
    events: int


class SplitReply(msgspec.Struct, kw_only=True, tag="planned"):
    """Reply to a cut: pieces that cover the range, and the watermark for all of them."""

    mark: int
    pieces: list[RangePiece]


class BlockReply(msgspec.Struct, kw_only=True, tag="block"):
    """Events of a piece, in the body, and the key after which to resume."""

    events: int
    after: str
    is_last: bool = False


class SinkProgress(msgspec.Struct, kw_only=True, tag="progress"):
    """The events and bytes that a sink has written, and the estimated number of the range's events
    that it has read.
    """

    events: int
    bytes: int
    passed: int
    is_done: bool = False


class ShardFailure(msgspec.Struct, kw_only=True, tag="failed"):
    """Why the shard failed."""

    reason: str


ShardRequest = ShardJob | SplitRequest | ReadRequest | SinkRequest
ShardReply = SplitReply | BlockReply | SinkProgress | ShardFailure

_REQUESTS: msgspec.json.Decoder[ShardRequest] = msgspec.json.Decoder(ShardRequest)
_REPLIES: msgspec.json.Decoder[ShardReply] = msgspec.json.Decoder(ShardReply)


def request_line(request: ShardRequest) -> bytes:
    """Encode a request as a line."""
    return msgspec.json.encode(request) + b"\n"


def decode_request(line: bytes) -> ShardRequest:
    return _REQUESTS.decode(line)


def reply_head(reply: ShardReply, body_bytes: int = 0) -> bytes:
    """Encode a reply's head, with the sizes that precede it."""
    head = msgspec.json.encode(reply)
    return SIZES.pack(len(head), body_bytes) + head


def decode_reply(head: bytes) -> ShardReply:
    return _REPLIES.decode(head)
