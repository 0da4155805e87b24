"""Filters a connection's frames: only chunks, gaps and the end of its active stream pass.

The active stream follows the reader's replies, not the client's requests. If the reader refuses a
start, the previous stream stays active; until the reply, frames belong to the previous stream.
Frames are told apart by their first bytes, so chunks are never parsed.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

import msgspec

from sdk import timestamps
from sdk.envelope import Lane
from sdk.errors import ProtocolError, TimestampError
from sdk.protocol import CHUNK_PREFIX, GAP_PREFIX, CancelStream, SetCursor, StartStream
from sdk.replay_gate import SERVED_REPLAY, ReplayGate

STREAMED_LANES: tuple[Lane, ...] = ("metadata", "command", "ui")

_OF_STREAMS = (b'{"type":"streamChunk"', b'{"type":"gap"')
_COMPLETE = b'{"type":"streamComplete"'
_STARTED = b'{"type":"streamStarted"'
_ERROR = b'{"type":"error"'


class _Playback(msgspec.Struct, rename="camel"):
    playback_request_id: str | None = None


_playback = msgspec.json.Decoder(_Playback)


@dataclass(slots=True)
class _Asked:
    """A start without a reply yet; `is_wanted` is False once the client has cancelled it."""

    request: StartStream
    is_wanted: bool = True


class Fence:
    """The active stream, the pending starts and the used request ids of one connection, and whether
    its client views the past.
    """

    def __init__(self, streams_max: int) -> None:
        self._streams_max = streams_max
        self._used: set[str] = set()
        self._asked: dict[str, _Asked] = {}
        self._answered = asyncio.Event()
        self._answered.set()
        self._active: str | None = None
        self._heads: tuple[bytes, ...] = ()
        self._gate = ReplayGate()

    def start(self, request: StartStream) -> StartStream:
        """Register a start; returns the request to forward, raises ProtocolError."""
        lanes = request.filters.lanes
        refused = [lane for lane in lanes or () if lane not in STREAMED_LANES]
        if refused:
            raise ProtocolError(
                "lanesNotStreamed",
                f"filters.lanes contains {', '.join(refused)}: streams carry only "
                f"{', '.join(STREAMED_LANES)}; query the other lanes instead",
            )
        self._use(request.playback_request_id)
        self._asked[request.playback_request_id] = _Asked(request)
        self._answered.clear()
        if lanes:
            return request
        filters = msgspec.structs.replace(request.filters, lanes=list(STREAMED_LANES))
        return msgspec.structs.replace(request, filters=filters)

    def cancel(self, request: CancelStream) -> None:
        """Drop all frames of the named stream from now on; without a name, of every stream."""
        name = request.playback_request_id
        if name in (None, self._active):
            self._activate(None)
        for playback_id, start in self._asked.items():
            if name in (None, playback_id):
                start.is_wanted = False

    def state(self, request: SetCursor) -> None:
        """Store the client's cursor time; raises ProtocolError if it is not a timestamp."""
        try:
            time = None if request.time is None else timestamps.normal(request.time)
        except TimestampError as error:
            raise ProtocolError("badTime", f"time {error}") from None
        self._gate.state(time)

    def refuse(self, playback_id: str) -> None:
        """The reader refused a start; the previous stream stays active."""
        self._asked.pop(playback_id, None)
        self._note_answers()

    def lose(self) -> str | None:
        """The reader is gone; returns the request id whose stream the client still expects."""
        wanted = [name for name, start in self._asked.items() if start.is_wanted]
        lost = wanted[-1] if wanted else self._active
        # A pending start may have been applied although its reply never arrived here.
        self._gate.lose(is_streaming=bool(self._asked) or self._active is not None)
        if self._asks_for_past():
            self._gate.serve("REPLAY", is_present=False)
        self._asked.clear()
        self._note_answers()
        self._activate(None)
        return lost

    async def settle(self, timeout_s: float) -> None:
        """Wait at most `timeout_s` until no start is pending: a submission refers to the stream
        that the client started before it.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._answered.wait()

    def why_past(self) -> str | None:
        """Why the client counts as viewing the past, None if it does not. A pending replay counts
        as well.
        """
        return SERVED_REPLAY if self._asks_for_past() else self._gate.reason

    def passes(self, frame: bytes) -> bool:
        """Whether to forward a frame of the reader; updates the active stream."""
        if frame.startswith(self._heads):
            return True
        if frame.startswith(_OF_STREAMS):
            return False
        if frame.startswith(_COMPLETE):
            return self._completes(frame)
        if frame.startswith(_STARTED):
            self._started(_id_of(frame))
        elif frame.startswith(_ERROR):
            self._failed(_id_of(frame))
        return True

    def _completes(self, frame: bytes) -> bool:
        playback_id = _id_of(frame)
        if playback_id is None or playback_id != self._active:
            return False
        self._activate(None)
        self._gate.end()
        return True

    def _started(self, playback_id: str | None) -> None:
        if playback_id is None or playback_id not in self._asked:
            return
        for earlier in list(self._asked):
            pending = self._asked.pop(earlier)
            if earlier == playback_id:  # Replies come in order, so earlier starts have failed.
                break
        self._note_answers()
        request = pending.request
        is_bounded = request.has_history or request.stop_time is not None
        is_present = None if is_bounded else True  # Only the reader knows for a bounded stream.
        self._gate.serve(request.timeline_mode, is_present=is_present)
        self._activate(playback_id if pending.is_wanted else None)

    def _failed(self, playback_id: str | None) -> None:
        if playback_id is None:
            return
        self.refuse(playback_id)
        if playback_id == self._active:
            self._activate(None)

    def _note_answers(self) -> None:
        if not self._asked:
            self._answered.set()

    def _asks_for_past(self) -> bool:
        return any(start.request.timeline_mode == "REPLAY" for start in self._asked.values())

    def _use(self, playback_id: str) -> None:
        if playback_id in self._used:
            raise ProtocolError(
                "playbackRequestIdReused",
                f"playbackRequestId {playback_id!r} was already used on this connection",
            )
        if len(self._used) >= self._streams_max:
            raise ProtocolError(
                "tooManyStreams",
                f"this connection has started {self._streams_max} streams (limit): open a new one",
            )
        self._used.add(playback_id)

    def _activate(self, playback_id: str | None) -> None:
        self._active = playback_id
        tail = b"" if playback_id is None else playback_id.encode() + b'"'
        self._heads = (CHUNK_PREFIX + tail, GAP_PREFIX + tail) if tail else ()


def _id_of(frame: bytes) -> str | None:
    try:
        return _playback.decode(frame).playback_request_id
    except msgspec.DecodeError:
        return None
