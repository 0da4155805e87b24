"""Filters a connection's frames: only chunks, gaps and the end of its active stream pass.

The active stream follows the reader's replies, not the client's requests. If the reader refuses a
start, the previous stream stays active; until the reply, frames belong to the previous stream.
Frames are distinguished by their first bytes, so chunks are never parsed.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

import msgspec

from nova.sdk import timestamps
from nova.sdk.errors import ProtocolError, TimestampError
from nova.sdk.field_types import Lane
from nova.sdk.protocol.messages import (
    CHUNK_PREFIX,
    GAP_PREFIX,
    CancelStream,
    SetCursor,
    StartStream,
)
from nova.sdk.protocol.replay_gate import REASON_REPLAY, ReplayGate

STREAMED_LANES: tuple[Lane, ...] = ("metadata", "command", "ui")

_STREAM_PREFIXES = (b'{"type":"streamChunk"', b'{"type":"gap"')
_COMPLETE_PREFIX = b'{"type":"streamComplete"'
_STARTED_PREFIX = b'{"type":"streamStarted"'
_CANCELLED_PREFIX = b'{"type":"streamCancelled"'
_ERROR_PREFIX = b'{"type":"error"'


class _PlaybackId(msgspec.Struct, rename="camel"):
    playback_request_id: str | None = None
    reason: str | None = None


_playback = msgspec.json.Decoder(_PlaybackId)


@dataclass(slots=True)
class _PendingStart:
    """A start without a reply yet; `is_wanted` is False once the client has cancelled it."""

    request: StartStream
    is_wanted: bool = True


class StreamFilter:
    """The active stream, the pending starts and the used request ids of one connection, and whether
    its client views the past.
    """

    def __init__(self, streams_max: int, *, any_lane: bool = False) -> None:
        """`any_lane`: the client is a program, and gets the lanes that it names."""
        self._streams_max = streams_max
        self._any_lane = any_lane
        self._used_ids: set[str] = set()
        self._pending: dict[str, _PendingStart] = {}
        self._all_answered = asyncio.Event()
        self._all_answered.set()
        self._active: str | None = None
        self._active_prefixes: tuple[bytes, ...] = ()
        self._ended_by_reader: str | None = None
        self._gate = ReplayGate()

    def start(self, request: StartStream) -> StartStream:
        """Register a start; returns the request to forward, raises ProtocolError."""
        lanes = request.filters.lanes
        refused = [lane for lane in lanes or () if lane not in STREAMED_LANES]
        if refused and not self._any_lane:
            raise ProtocolError(
                "lanesNotStreamed",
                f"filters.lanes contains {', '.join(refused)}: streams to browsers "
                f"carry only {', '.join(STREAMED_LANES)}; query the other lanes instead",
            )
        self._claim_id(request.playback_request_id)
        self._pending[request.playback_request_id] = _PendingStart(request)
        self._all_answered.clear()
        if lanes:
            return request
        filters = msgspec.structs.replace(request.filters, lanes=list(STREAMED_LANES))
        return msgspec.structs.replace(request, filters=filters)

    def cancel(self, request: CancelStream) -> None:
        """Drop all frames of the named stream from now on; without a name, of every stream."""
        name = request.playback_request_id
        if name in (None, self._active):
            self._activate(None)
        for playback_id, start in self._pending.items():
            if name in (None, playback_id):
                start.is_wanted = False

    def set_cursor(self, request: SetCursor) -> None:
        """Store the client's cursor time; raises ProtocolError if it is not a timestamp."""
        try:
            time = None if request.time is None else timestamps.normal(request.time)
        except TimestampError as error:
            raise ProtocolError("badTime", f"time {error}") from None
        self._gate.report_cursor(time)

    def start_refused(self, playback_id: str) -> None:
        """The reader refused a start; the previous stream stays active."""
        self._pending.pop(playback_id, None)
        self._update_answered()

    def reader_lost(self) -> str | None:
        """The reader is gone; returns the request id whose stream the client still expects."""
        wanted = [name for name, start in self._pending.items() if start.is_wanted]
        lost = wanted[-1] if wanted else self._active
        if lost == self._ended_by_reader:
            lost = None  # The client knows, and has its cursor.
        # A pending start may have been applied although its reply never arrived here.
        self._gate.lose_reader(is_streaming=bool(self._pending) or self._active is not None)
        if self._asks_for_past():
            self._gate.accept_stream("REPLAY", is_present=False)
        self._pending.clear()
        self._update_answered()
        self._activate(None)
        return lost

    async def wait_for_replies(self, timeout_s: float) -> None:
        """Wait at most `timeout_s` until no start is pending: a submission refers to the stream
        that the client started before it.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._all_answered.wait()

    def past_reason(self) -> str | None:
        """Why the client counts as viewing the past, None if it does not. A pending replay counts
        as well.
        """
        return REASON_REPLAY if self._asks_for_past() else self._gate.reason

    def passes(self, frame: bytes) -> bool:
        """Whether to forward a frame of the reader; updates the active stream."""
        if frame.startswith(self._active_prefixes):
            return True
        if frame.startswith(_STREAM_PREFIXES):
            return False
        if frame.startswith(_COMPLETE_PREFIX):
            return self._apply_complete(frame)
        if frame.startswith(_STARTED_PREFIX):
            self._apply_started(_playback_id_of(frame))
        elif frame.startswith(_CANCELLED_PREFIX):
            self._apply_cancelled(frame)
        elif frame.startswith(_ERROR_PREFIX):
            self._apply_error(_playback_id_of(frame))
        return True

    def _apply_complete(self, frame: bytes) -> bool:
        playback_id = _playback_id_of(frame)
        if playback_id is None or playback_id != self._active:
            return False
        self._activate(None)
        self._gate.end_stream()
        return True

    def _apply_started(self, playback_id: str | None) -> None:
        if playback_id is None or playback_id not in self._pending:
            return
        for earlier in list(self._pending):
            pending = self._pending.pop(earlier)
            if earlier == playback_id:  # Replies come in order, so earlier starts have failed.
                break
        self._update_answered()
        request = pending.request
        is_bounded = request.has_history or request.stop_time is not None
        is_present = None if is_bounded else True  # Only the reader knows for a bounded stream.
        self._gate.accept_stream(request.timeline_mode, is_present=is_present)
        self._activate(playback_id if pending.is_wanted else None)

    def _apply_cancelled(self, frame: bytes) -> None:
        """A reader that stops ends the stream: where its client is in time remains."""
        cancelled = _playback.decode(frame)
        if cancelled.reason is not None:
            self._ended_by_reader = cancelled.playback_request_id

    def _apply_error(self, playback_id: str | None) -> None:
        if playback_id is None:
            return
        self.start_refused(playback_id)
        if playback_id == self._active:
            self._activate(None)

    def _update_answered(self) -> None:
        if not self._pending:
            self._all_answered.set()

    def _asks_for_past(self) -> bool:
        return any(start.request.timeline_mode == "REPLAY" for start in self._pending.values())

    def _claim_id(self, playback_id: str) -> None:
        if playback_id in self._used_ids:
            raise ProtocolError(
                "playbackRequestIdReused",
                f"playbackRequestId {playback_id!r} was already used on this connection",
            )
        if len(self._used_ids) >= self._streams_max:
            raise ProtocolError(
                "tooManyStreams",
                f"this connection has started {self._streams_max} streams (limit): open a new one",
            )
        self._used_ids.add(playback_id)

    def _activate(self, playback_id: str | None) -> None:
        self._active = playback_id
        tail = b"" if playback_id is None else playback_id.encode() + b'"'
        self._active_prefixes = (CHUNK_PREFIX + tail, GAP_PREFIX + tail) if tail else ()


def _playback_id_of(frame: bytes) -> str | None:
    try:
        return _playback.decode(frame).playback_request_id
    except msgspec.DecodeError:
        return None
