"""What a reader answers beside the protocol: an edge lets one stream follow the timeline of another
of its connections. Clients of an edge have no such messages.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from nova.sdk.errors import ProtocolError
from nova.sdk.protocol.decoding import decode_with
from nova.sdk.protocol.drain import Drain
from nova.sdk.protocol.message import Filters, Message, RequestId
from nova.sdk.protocol.messages import Reply, Request

ConnectionName = Annotated[str, Meta(min_length=1, max_length=128)]


class FollowStream(Message, kw_only=True, tag="followStream"):
    """Stream what the filters select of the range that another connection's stream covers, as far
    as that has got: the same span, order and direction, LIVE where it is LIVE, silence while it is
    paused. `connection` is that connection's name, which its edge gave it in CONNECTION_HEADER.

    Replies: streamStarted, chunks, and `followEnded`. It replaces the connection's active stream.
    """

    playback_request_id: RequestId
    connection: ConnectionName
    filters: Filters = msgspec.field(default_factory=Filters)


class FollowEnded(Message, kw_only=True, tag="followEnded"):
    """The connection that the stream followed has ended; nothing comes after this message."""

    playback_request_id: str


class FollowSkipped(Message, kw_only=True, tag="followSkipped"):
    """The owner left ranges that the follower was far behind in: their rest is not sent. `ranges`
    is the number of such ranges since the last message.
    """

    playback_request_id: str
    ranges: int


ReaderRequest = Request | FollowStream
FollowReply = FollowEnded | FollowSkipped
ReaderReply = Reply | FollowReply

_requests: msgspec.json.Decoder[ReaderRequest | Drain] = msgspec.json.Decoder(ReaderRequest | Drain)
_replies: msgspec.json.Decoder[ReaderReply] = msgspec.json.Decoder(ReaderReply)


def decode_reader_request(frame: bytes | str) -> ReaderRequest | Drain:
    """Decode a request to a reader; raises ProtocolError as `decode_with` does."""
    return decode_with(_requests, frame)


def decode_reader_reply(frame: bytes | str) -> ReaderReply:
    """Decode a frame of a reader; raises ProtocolError if it is invalid."""
    try:
        return _replies.decode(frame)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolError("badReply", str(error)) from None
