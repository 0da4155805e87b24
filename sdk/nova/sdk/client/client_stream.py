"""The stream of a client's connection."""

from __future__ import annotations

import asyncio

from nova.sdk.errors import ConnectionLostError
from nova.sdk.protocol import messages, timeline


class ClientStream:
    """A stream with its received frames; None in `frames` ends the consumer."""

    def __init__(self, start: messages.StartStream) -> None:
        self._start = start
        self.frames: asyncio.Queue[messages.Reply | ConnectionLostError | None] = asyncio.Queue()

    @property
    def playback_id(self) -> str:
        """The playbackRequestId in the frames of this stream."""
        return self._start.playback_request_id

    @property
    def is_present(self) -> bool:
        """Whether it shows the present from its first frame on."""
        return self._start.timeline_mode == "LIVE" and not self._start.has_history

    def owns(self, reply: messages.Reply) -> bool:
        """Whether a frame that is not a reply to a request belongs to this stream."""
        match reply:
            case messages.StreamChunk() | messages.StreamComplete() | timeline.StreamGap():
                return reply.playback_request_id == self.playback_id
            case messages.StreamCancelled():
                return reply.ref is None
            case messages.Error():
                return reply.ref in (None, self._start.ref)
        return False
