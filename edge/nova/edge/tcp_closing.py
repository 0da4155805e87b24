"""The last message of a TCP stream: why it ended, and where its client can continue."""

from __future__ import annotations

from typing import NamedTuple

from nova.sdk.protocol import messages
from nova.sdk.protocol.messages import StreamCancelled
from nova.sdk.protocol.tcp_streams import TcpStreamFormat

STOPPED = "stopped"
"""The reason of a stream that was stopped, changed or deleted, or whose creator may not read any
more. That of an edge that stops is the protocol's `shuttingDown`.
"""


class Reached(NamedTuple):
    """Up to where a client has got a stream: the time of its clock, and the key of the last event
    before that.
    """

    cursor: str | None = None
    last_key: str | None = None


def closing_message(stream_format: TcpStreamFormat, reason: str, reached: Reached) -> bytes:
    """A line that is the protocol's `streamCancelled`; empty where all bytes are payload."""
    if stream_format == "payloadOnly":
        return b""
    cancelled = StreamCancelled(reason=reason, cursor=reached.cursor, last_key=reached.last_key)
    return messages.encode(cancelled) + b"\n"
