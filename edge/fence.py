"""The fence of one connection: only chunks of the stream that its client asked for last may pass,
and only what is said of that stream's gaps.

These frames are told apart by their first bytes and never parsed (A-141, A-142, AMB-36).
"""

from __future__ import annotations

import msgspec

from sdk.envelope import Lane
from sdk.errors import ProtocolError
from sdk.protocol import CHUNK_PREFIX, GAP_PREFIX, CancelStream, StartStream

STREAMED_LANES: tuple[Lane, ...] = ("metadata", "command", "ui")

_OF_STREAMS = (b'{"type":"streamChunk"', b'{"type":"gap"')
_COMPLETE = b'{"type":"streamComplete"'


class _Playback(msgspec.Struct, rename="camel"):
    playback_request_id: str


_playback = msgspec.json.Decoder(_Playback)


class Fence:
    """Which stream is the connection's, and which ids it has used up."""

    def __init__(self, streams_max: int) -> None:
        self._streams_max = streams_max
        self._used: set[str] = set()
        self._active: str | None = None
        self._heads: tuple[bytes, ...] = ()

    def start(self, request: StartStream) -> StartStream:
        """Make a stream the active one; returns what to ask the reader, raises ProtocolError."""
        lanes = request.filters.lanes
        refused = [lane for lane in lanes or () if lane not in STREAMED_LANES]
        if refused:
            raise ProtocolError(
                "lanesNotStreamed",
                f"filters.lanes holds {', '.join(refused)}: streams carry "
                f"{', '.join(STREAMED_LANES)}; ask for the others by query",
            )
        self._use(request.playback_request_id)
        if lanes:
            return request
        filters = msgspec.structs.replace(request.filters, lanes=list(STREAMED_LANES))
        return msgspec.structs.replace(request, filters=filters)

    def cancel(self, request: CancelStream) -> None:
        """From now on nothing of the named stream passes; without a name, of none."""
        if request.playback_request_id in (None, self._active):
            self._activate(None)

    def lose(self) -> str | None:
        """The reader is gone and the active stream with it; returns its id."""
        lost = self._active
        self._activate(None)
        return lost

    def passes(self, frame: bytes) -> bool:
        """Whether a frame of the reader may go to the client."""
        if frame.startswith(self._heads):
            return True
        if frame.startswith(_OF_STREAMS):
            return False
        if frame.startswith(_COMPLETE):
            return self._completes(frame)
        return True

    def _completes(self, frame: bytes) -> bool:
        try:
            playback_id = _playback.decode(frame).playback_request_id
        except msgspec.DecodeError:
            return False
        if playback_id != self._active:
            return False
        self._activate(None)
        return True

    def _use(self, playback_id: str) -> None:
        if playback_id in self._used:
            raise ProtocolError(
                "playbackRequestIdReused",
                f"playbackRequestId {playback_id!r} was used on this connection before",
            )
        if len(self._used) >= self._streams_max:
            raise ProtocolError(
                "tooManyStreams",
                f"this connection has started {self._streams_max} streams: open a new one",
            )
        self._used.add(playback_id)
        self._activate(playback_id)

    def _activate(self, playback_id: str | None) -> None:
        self._active = playback_id
        tail = b"" if playback_id is None else playback_id.encode() + b'"'
        self._heads = (CHUNK_PREFIX + tail, GAP_PREFIX + tail) if tail else ()
