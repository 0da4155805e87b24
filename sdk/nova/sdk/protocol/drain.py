"""How a server that is stopping treats its connections: it refuses new requests, answers those that
run, ends streams with their cursor, and then closes.
"""

from __future__ import annotations

from nova.sdk.errors import ProtocolError
from nova.sdk.protocol.message import Message

SHUTTING_DOWN = "shuttingDown"
"""The code of a refused request, and the reason with which a stream is cancelled."""

REFUSAL = "NOVA is stopping and takes no more requests; send the request again when it runs again"


class StreamCancelled(Message, kw_only=True, tag="streamCancelled"):
    """The stream was stopped, by the server if there is a `reason`; `last_key` resumes it."""

    playback_request_id: str | None = None
    reason: str | None = None
    cursor: str | None = None
    last_key: str | None = None


class Drain(Message, kw_only=True, tag="drain"):
    """An edge's request to a reader: let this connection end. The reader closes it when all of the
    requests before this one are answered.
    """


def refusal() -> ProtocolError:
    return ProtocolError(SHUTTING_DOWN, REFUSAL)
