"""What a replay and its shard processes say to each other over pipes.

Requests are lines of JSON on the shard's stdin. Replies are frames on its stdout: the sizes of head
and body, the head as JSON, and as the body lines of stored envelopes, byte for byte.
"""

from __future__ import annotations

import struct

import msgspec

from sdk.protocol import Filters, Timebase

SIZES = struct.Struct(">IQ")
"""Bytes of the head and of the body."""


class Job(msgspec.Struct, kw_only=True, tag="job"):
    """First request: which events of which time, both ends included, in ns.

    `after` is the hex of the order key behind which to begin, `mark` the canonical time behind
    which nothing counts; where it is None the shard finds what is durable now.
    """

    start_ns: int
    stop_ns: int
    timebase: Timebase
    filters: Filters
    after: str | None = None
    mark: int | None = None


class Cut(msgspec.Struct, kw_only=True, tag="cut"):
    """Cut what is to be replayed into so many pieces, or by itself into small ones."""

    pieces: int | None = None
    pieces_min: int = 1


class Read(msgspec.Struct, kw_only=True, tag="read"):
    """Send the events of a piece."""

    start_ns: int
    stop_ns: int
    after: str | None = None


class Sink(msgspec.Struct, kw_only=True, tag="sink"):
    """Bring the events of a range to a file, or to a function `module:name`, by yourself."""

    shard: int
    start_ns: int
    stop_ns: int
    path: str | None = None
    call: str | None = None


class Piece(msgspec.Struct, array_like=True, frozen=True):
    """A half-open range of time in ns, and about how many events it holds."""

    start_ns: int
    stop_ns: int
    events: int


class Planned(msgspec.Struct, kw_only=True, tag="planned"):
    """Answer to a cut: pieces that cover the span, and the mark that holds for all of them."""

    mark: int
    pieces: list[Piece]


class Block(msgspec.Struct, kw_only=True, tag="block"):
    """Some events of a piece, in the body, and the key behind which a reading goes on."""

    events: int
    after: str
    is_last: bool = False


class Progress(msgspec.Struct, kw_only=True, tag="progress"):
    """What a sink has done since it began, and about how many events it has passed by of those
    that the range holds.
    """

    events: int
    bytes: int
    passed: int
    is_done: bool = False


class Failed(msgspec.Struct, kw_only=True, tag="failed"):
    """Why the shard cannot go on."""

    reason: str


Request = Job | Cut | Read | Sink
Reply = Planned | Block | Progress | Failed

_REQUESTS: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)
_REPLIES: msgspec.json.Decoder[Reply] = msgspec.json.Decoder(Reply)


def request_line(request: Request) -> bytes:
    """A request as the shard reads it."""
    return msgspec.json.encode(request) + b"\n"


def decode_request(line: bytes) -> Request:
    """A request as it was sent."""
    return _REQUESTS.decode(line)


def reply_head(reply: Reply, body_bytes: int = 0) -> bytes:
    """What goes before the body of a frame."""
    head = msgspec.json.encode(reply)
    return SIZES.pack(len(head), body_bytes) + head


def decode_reply(head: bytes) -> Reply:
    """A reply as it was sent."""
    return _REPLIES.decode(head)
