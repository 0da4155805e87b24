"""The active stream of a connection, at most one, and whether its client is replaying."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine
from typing import Literal, Protocol

from nova.core.errors import RequestError
from nova.core.ordering import last_key_at
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_filter import EventFilter
from nova.core.query.memory_budget import MemoryBudget
from nova.core.query.page import parse_key, parse_time_or
from nova.core.query.playback import Playback, SendChunk, parse_rate, playback_bounds
from nova.core.query.range_cursor import AFTER_ALL, RangeCursor, Span
from nova.core.query.visibility import EVERYTHING, Visibility
from nova.core.server.chunk_sender import ChunkSender
from nova.core.server.conflation import Conflation, ConflationGap
from nova.core.server.follower import LEFT_MAX_BYTES, FollowedEvents, Follower
from nova.core.server.live_stream import LiveStream, LiveTail
from nova.core.server.owner_timeline import OwnerRun, OwnerTimeline, RunFeed
from nova.sdk import timestamps
from nova.sdk.errors import NovaError
from nova.sdk.protocol import messages, timeline
from nova.sdk.protocol.follow_stream import FollowEnded, FollowSkipped, FollowStream, ReaderRequest
from nova.sdk.protocol.messages import Ref
from nova.sdk.protocol.replay_gate import REASON_READER_LOST, ReplayGate
from nova.sdk.settings import Settings
from nova.sdk.timestamps import NS_MAX, NS_MIN

STREAM_REQUESTS = (messages.StartStream, messages.CancelStream, messages.SetCursor, FollowStream)
"""Requests that change the client's position in time. They are answered before later requests of
the connection start.
"""

StreamRequest = messages.StartStream | messages.CancelStream | messages.SetCursor

log = logging.getLogger(__name__)


class ReplyWriter(Protocol):
    """Sends replies and frames to a connection's client."""

    async def send(self, reply: messages.Message, ref: Ref, *, of_stream: bool = False) -> None:
        """Send a reply to a request, or (`of_stream`) a message of the stream."""

    async def refuse(self, request: ReaderRequest, code: str, message: str) -> None:
        """Send the error that rejects a request or ends its stream."""

    async def send_frame(self, frame: bytes, *, of_stream: bool = False) -> None:
        """Send an encoded frame."""


class ActiveStream:
    """Starts and stops a connection's stream, and tracks whether its client is replaying."""

    def __init__(
        self,
        reply_writer: ReplyWriter,
        snapshot: ArchiveSnapshot,
        tail: LiveTail,
        settings: Settings,
        budget: MemoryBudget,
        *,
        pending_max_events: int,
        is_replaying: bool,
        visibility: Visibility = EVERYTHING,
    ) -> None:
        self._reply_writer = reply_writer
        self._snapshot = snapshot
        self._tail = tail
        self._settings = settings
        self._budget = budget
        self._pending_max_events = pending_max_events
        self._visibility = visibility
        self._stream: asyncio.Task[None] | None = None
        self._stream_id: str | None = None
        self._sender: ChunkSender | None = None
        self._live: LiveStream | None = None
        self._gate = ReplayGate(REASON_READER_LOST if is_replaying else None)
        self.timeline = OwnerTimeline()
        """What this connection's streams publish to those that follow it."""

    @property
    def mode(self) -> Literal["live", "replay", "follow"] | None:
        """What kind of stream runs."""
        if self._stream is None or self._stream.done():
            return None
        if self.timeline.is_following:
            return "follow"
        return "replay" if self._live is None else "live"

    @property
    def is_replaying(self) -> bool:
        """Whether the client's active stream, last stream or stated cursor is in the past."""
        if self._live is not None:
            self._gate.update_present(self._live.is_present)
        return self._gate.reason is not None

    async def handle(self, request: StreamRequest) -> None:
        """Reply to one request; raises RequestError, and then the stream is unchanged."""
        match request:
            case messages.StartStream():
                await self._start(request)
            case messages.CancelStream():
                await self._stop(request)
            case messages.SetCursor():
                await self._set_cursor(request)

    async def close(self) -> None:
        """Stop the stream, if there is one."""
        if self._stream is not None:
            self._stream.cancel()
            await asyncio.wait((self._stream,))
        self._stream = self._stream_id = self._sender = None
        self.timeline.leave()
        self.timeline.is_following = False

    async def end(self, reason: str) -> None:
        """Stop the stream and send its client how far it has got; nothing without a stream."""
        stream, playback_id, sender = self._stream, self._stream_id, self._sender
        is_over = stream is None or stream.done()
        await self.close()
        if is_over:
            return
        ended = messages.StreamCancelled(playback_request_id=playback_id, reason=reason)
        await self._reply_writer.send(sender.cancelled(reason) if sender else ended, None)

    async def follow(
        self, request: FollowStream, owner: OwnerTimeline, left_max_bytes: int = LEFT_MAX_BYTES
    ) -> None:
        """Replace the active stream by one that follows another connection's timeline. It sends
        nothing of the audit trail, whoever asks.
        """
        await self.close()
        self._gate.accept_stream("REPLAY", is_present=False)
        self._stream_id = request.playback_request_id
        self.timeline.is_following = True
        visibility = self._visibility._replace(sees_audit=False)
        event_filter = EventFilter(request.filters, self._snapshot.series, visibility)
        feed = owner.join()
        try:
            started = messages.StreamStarted(playback_request_id=self._stream_id)
            await self._reply_writer.send(started, request.ref)
            stream = self._play_followed(request, feed, event_filter, left_max_bytes)
            self._stream = asyncio.create_task(stream)
        except BaseException:
            owner.part(feed)
            raise
        self._stream.add_done_callback(lambda _task: owner.part(feed))

    async def _start(self, request: messages.StartStream) -> None:
        """Replace the active stream: a connection has one at most."""
        run = self._prepare(request)
        await self.close()
        self._gate.accept_stream(request.timeline_mode, is_present=_begins_at_present(request))
        self._stream_id = request.playback_request_id
        history, _ = run
        self.timeline.begin(
            OwnerRun(request.timeline_mode, history.span, history.after, history.watermark)
        )
        begins_now = history.after == AFTER_ALL
        started = messages.StreamStarted(
            playback_request_id=self._stream_id,
            given_back=[] if begins_now else history.given_back(),
        )
        await self._reply_writer.send(started, request.ref)
        self._stream = asyncio.create_task(self._play(request, run))

    def _prepare(self, request: messages.StartStream) -> tuple[RangeCursor, float | None]:
        """Validate a request before the active stream is stopped; raises RequestError."""
        rate, reverse = parse_rate(request.rate)
        live = request.timeline_mode == "LIVE"
        if live and (reverse or rate not in (None, 1.0)):
            raise RequestError(
                "badRate", "a LIVE stream has rate 1 or 'max': omit rate, or use a REPLAY"
            )
        start = parse_time_or("startTime", request.start_time, NS_MAX if reverse else NS_MIN)
        stop = parse_time_or("stopTime", request.stop_time, NS_MIN if reverse else NS_MAX)
        low, high = (stop, start) if reverse else (start, stop)
        if low > high:
            side = "after" if reverse else "before"
            raise RequestError(
                "badRange",
                f"stopTime is {side} startTime, but rate {request.rate} needs the reverse",
            )
        after = parse_key(request.after_key)
        if live and request.start_time is None and after is None:
            after = AFTER_ALL
        span = Span(request.timebase or self._settings.chosen_timebase(), low, high, reverse)
        event_filter = self._event_filter(request)
        range_cursor = RangeCursor(self._snapshot, event_filter, span, after)
        return (range_cursor if after == AFTER_ALL else range_cursor.guarded()), rate

    def _event_filter(self, request: messages.StartStream) -> EventFilter:
        visibility = self._visibility.of_request(request)
        return EventFilter(request.filters, self._snapshot.series, visibility)

    async def _play(
        self, request: messages.StartStream, run: tuple[RangeCursor, float | None]
    ) -> None:
        playback_id = request.playback_request_id
        send = self._chunk_sender(playback_id)
        range_cursor, rate = run
        with contextlib.suppress(ConnectionError):
            end = await self._run_or_refuse(
                request,
                self._follow(request, range_cursor, send)
                if request.timeline_mode == "LIVE"
                else self._replay(request, range_cursor, rate, send),
            )
            if end is None:
                self.timeline.leave()
                return
            cursor = timestamps.text(end)
            complete = messages.StreamComplete(playback_request_id=playback_id, cursor=cursor)
            await self._reply_writer.send(complete, None, of_stream=True)

    async def _run_or_refuse(
        self, request: messages.StartStream | FollowStream, stream: Coroutine[None, None, int]
    ) -> int | None:
        """Run a stream; a failure is sent to the client, and the result is then None."""
        try:
            return await stream
        except ConnectionError:
            raise
        except RequestError as error:
            await self._reply_writer.refuse(request, error.code, error.message)
        except NovaError as error:
            log.error("stream failed", extra={"context": {"error": str(error)}})
            await self._reply_writer.refuse(request, "stream", str(error))
        except Exception:
            log.exception("stream failed")
            await self._reply_writer.refuse(request, "internal", "the Core failed; see its log")
        return None

    def _chunk_sender(self, playback_id: str) -> SendChunk:
        send_frame = self._reply_writer.send_frame
        self._sender = ChunkSender(playback_id, self._budget, send_frame)
        return self._sender.send

    async def _play_followed(
        self, request: FollowStream, feed: RunFeed, event_filter: EventFilter, left_max_bytes: int
    ) -> None:
        playback_id = request.playback_request_id

        async def report_skipped(ranges: int) -> None:
            skipped = FollowSkipped(playback_request_id=playback_id, ranges=ranges)
            await self._reply_writer.send(skipped, None, of_stream=True)

        source = FollowedEvents(
            self._snapshot,
            self._tail,
            event_filter,
            self._settings.chunk_max_events,
            self._budget.chunk_bytes,
        )
        follower = Follower(feed, source, report_skipped, left_max_bytes=left_max_bytes)
        with contextlib.suppress(ConnectionError):
            stream = follower.run(self._chunk_sender(playback_id))
            if await self._run_or_refuse(request, stream) is not None:
                ended = FollowEnded(playback_request_id=playback_id)
                await self._reply_writer.send(ended, None, of_stream=True)

    async def _replay(
        self,
        request: messages.StartStream,
        range_cursor: RangeCursor,
        rate: float | None,
        send: SendChunk,
    ) -> int:
        visibility = self._visibility.of_request(request)
        begin, end = await playback_bounds(self._snapshot, range_cursor, visibility)
        playback = Playback(
            range_cursor,
            begin,
            end,
            chunk_max_events=self._settings.chunk_max_events,
            interval_ms=self._settings.chunk_interval_ms,
            chunk_bytes=self._budget.chunk_bytes,
        )
        end_ns = await playback.run(rate, send, self.timeline.advance)
        bound = last_key_at(end_ns, reverse=range_cursor.span.reverse)
        self.timeline.complete(end_ns, bound)
        return end_ns

    async def _follow(
        self, request: messages.StartStream, history: RangeCursor, send: SendChunk
    ) -> int:
        async def report_gap(shed: ConflationGap) -> None:
            gap = timeline.StreamGap(
                playback_request_id=request.playback_request_id,
                from_time=timestamps.text(shed.from_ns),
                to_time=timestamps.text(shed.to_ns),
                shed=shed.events,
                reason="slow",
            )
            await self._reply_writer.send(gap, None, of_stream=True)

        stream = LiveStream(
            self._snapshot,
            self._tail,
            self._event_filter(request),
            chunk_max_events=self._settings.chunk_max_events,
            conflation=Conflation(report_gap, self._pending_max_events) if request.shed else None,
            is_present=_begins_at_present(request),
            chunk_bytes=self._budget.chunk_bytes,
        )
        self._live = stream
        try:
            end = await stream.run(history, _stop_ns(request), send, self.timeline)
        finally:
            self._gate.update_present(stream.is_present)
            self._live = None
        self._gate.end_stream()
        self.timeline.complete(end, None)
        return end

    async def _stop(self, request: messages.CancelStream) -> None:
        stopped = self._stream_id
        if request.playback_request_id in (None, stopped):
            await self.close()
        else:
            stopped = None
        await self._reply_writer.send(
            messages.StreamCancelled(playback_request_id=stopped), request.ref
        )

    async def _set_cursor(self, request: messages.SetCursor) -> None:
        time = (
            None
            if request.time is None
            else timestamps.text(parse_time_or("time", request.time, 0))
        )
        self._gate.report_cursor(time)
        await self._reply_writer.send(messages.CursorSet(time=time), request.ref)


def _begins_at_present(request: messages.StartStream) -> bool:
    """Whether a LIVE stream shows the present at once: without history, and not yet over."""
    return not request.has_history and _stop_ns(request) > timestamps.now()


def _stop_ns(request: messages.StartStream) -> int:
    return parse_time_or("stopTime", request.stop_time, NS_MAX)
