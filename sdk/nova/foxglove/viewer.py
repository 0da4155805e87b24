"""One viewer: a connection of Foxglove or Lichtblick, with a connection to NOVA of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from nova.foxglove import wire_frames
from nova.foxglove.channel_catalog import ChannelCatalog
from nova.foxglove.stored_head import StoredHead, head_of
from nova.foxglove.stream_pump import StreamPump
from nova.foxglove.subscriptions import Subscriptions
from nova.foxglove.timelines import PlayedTimeline, PresentTimeline
from nova.foxglove.wire_frames import (
    PlaybackControl,
    PlaybackState,
    PlaybackStatus,
    StatusLevel,
    Subscribe,
    Unsubscribe,
    ViewerError,
)
from nova.sdk import connection_ends, timestamps
from nova.sdk.client.client import Client
from nova.sdk.errors import NovaError, ProtocolError
from nova.sdk.protocol.messages import StreamChunk

ADVERTISED_MAX = 100
"""Channels of one advertisement."""

SEND_TIMEOUT_S = 30.0
"""A viewer that takes nothing for so long is disconnected."""

REASON_MAX_BYTES = 120
NOT_PLAYED = "this gateway shows the present: start it with --from to play the past"

log = logging.getLogger(__name__)


class Viewer:
    """Answers the frames of one connection and sends the messages of what it has subscribed to."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        client: Client,
        catalog: ChannelCatalog,
        timeline: PresentTimeline | PlayedTimeline,
        abort: Callable[[], None],
        *,
        send_timeout_s: float = SEND_TIMEOUT_S,
    ) -> None:
        self._socket = socket
        self._client = client
        self._catalog = catalog
        self._timeline = timeline
        self._abort = abort
        self._send_timeout_s = send_timeout_s
        self._subscriptions = Subscriptions(catalog)
        self._pump = StreamPump(self._deliver, self._finish)
        self._is_playing = isinstance(timeline, PresentTimeline)

    async def run(self, session_id: str) -> None:
        """Serve until the connection ends."""
        await self._greet(session_id)
        advertising = asyncio.create_task(self._advertise())
        try:
            async for message in self._socket:
                await self._receive(message.type, message.data)
        except TimeoutError:
            log.info("a viewer takes nothing")
        except ConnectionError:
            log.debug("a viewer has gone")
        finally:
            advertising.cancel()
            await asyncio.wait((advertising,))
            await self._pump.stop()

    async def _greet(self, session_id: str) -> None:
        facts: dict[str, Any] = {"capabilities": []}
        if isinstance(self._timeline, PlayedTimeline):
            position = self._timeline.position
            facts = {
                "capabilities": ["time", "playbackControl"],
                "dataStartTime": _written(position.begin_ns),
                "dataEndTime": _written(position.end_ns),
            }
        about = {"timebase": self._timeline.log_timebase}
        greeting = wire_frames.text_frame(
            "serverInfo", name="NOVA", sessionId=session_id, metadata=about, **facts
        )
        await self._send(greeting, WSMsgType.TEXT)
        if isinstance(self._timeline, PlayedTimeline):
            await self._send(self._state(self._timeline).frame(), WSMsgType.BINARY)

    async def _advertise(self) -> None:
        """Advertise the channels, and later those that are new."""
        count = 0
        while True:
            await self._catalog.wait_beyond(count)
            some = self._catalog.since(count)[:ADVERTISED_MAX]
            count += len(some)
            channels = [one.advertised() for one in some]
            await self._send(wire_frames.text_frame("advertise", channels=channels), WSMsgType.TEXT)

    async def _receive(self, kind: WSMsgType, data: str | bytes) -> None:
        """Answer a frame; one that cannot be answered gets one error."""
        try:
            if isinstance(data, str):
                await self._answer(wire_frames.text_request(data))
            elif kind is WSMsgType.BINARY:
                await self._control(wire_frames.control_request(data))
        except ViewerError as error:
            await self._complain(str(error))

    async def _answer(self, request: Subscribe | Unsubscribe) -> None:
        await self._pump.stop()
        try:
            if isinstance(request, Subscribe):
                self._subscriptions.add(request.subscriptions)
            else:
                self._subscriptions.remove(request.subscription_ids)
        finally:
            await self._continue()

    async def _control(self, wanted: PlaybackControl) -> None:
        timeline = self._timeline
        if not isinstance(timeline, PlayedTimeline):
            raise ViewerError(NOT_PLAYED)
        await self._pump.stop()
        position = timeline.position
        if wanted.seek_ns is not None:
            position.seek(wanted.seek_ns)
        try:
            position.set_speed(wanted.speed)
            self._is_playing = wanted.is_play
        except ValueError as error:
            await self._complain(str(error))
        did_seek = wanted.seek_ns is not None
        state = self._state(timeline)._replace(did_seek=did_seek, request_id=wanted.request_id)
        await self._send(state.frame(), WSMsgType.BINARY)
        await self._continue()

    async def _continue(self) -> None:
        """Stream what is subscribed to from where the viewer is, if it plays."""
        timeline = self._timeline
        if not self._is_playing or (
            isinstance(timeline, PresentTimeline) and not self._subscriptions
        ):
            return
        chunks = timeline.stream(self._client, self._subscriptions.filters())
        if chunks is not None:
            self._pump.start(chunks)
        elif isinstance(timeline, PlayedTimeline) and not timeline.position.is_ended:
            await self._finish(None)

    async def _deliver(self, chunk: StreamChunk) -> None:
        """Send the subscribed ones of a chunk's events, and where the clock is."""
        timebase = self._timeline.log_timebase
        last: StoredHead | None = None
        async with asyncio.timeout(self._send_timeout_s):
            for stored in chunk.events:
                last = head_of(stored)
                subscription = self._subscriptions.id_of(last.series)
                if subscription is not None:
                    log_ns = last.time_ns(timebase)
                    frame = wire_frames.message_frame(subscription, log_ns, bytes(stored))
                    await self._write(frame, WSMsgType.BINARY)
            self._timeline.advance(chunk, last)
            if isinstance(self._timeline, PlayedTimeline):
                clock = wire_frames.time_frame(self._timeline.position.cursor_ns)
                await self._write(clock, WSMsgType.BINARY)
        await asyncio.sleep(0)  # Others have their turn, however fast the viewer reads.

    async def _finish(self, failure: Exception | None) -> None:
        """A stream has ended: at the end of the range, refused, or with a connection."""
        timeline = self._timeline
        if failure is not None and not isinstance(failure, ProtocolError):
            await self._leave(failure)
            return
        if failure is not None:
            await self._complain(str(failure))
        if isinstance(timeline, PlayedTimeline):
            if failure is None:
                timeline.position.end()
            self._is_playing = False
            await self._send(self._state(timeline).frame(), WSMsgType.BINARY)

    async def _leave(self, failure: Exception) -> None:
        """Close the connection; viewers connect again by themselves."""
        log.info("a viewer is disconnected", extra={"context": {"reason": repr(failure)}})
        if not isinstance(failure, NovaError):
            self._abort()
            return
        reason = str(failure).encode()[:REASON_MAX_BYTES].decode(errors="ignore").encode()
        await self._socket.close(code=WSCloseCode.INTERNAL_ERROR, message=reason)

    def _state(self, timeline: PlayedTimeline) -> PlaybackState:
        position = timeline.position
        status = PlaybackStatus.PLAYING if self._is_playing else PlaybackStatus.PAUSED
        if position.is_ended:
            status = PlaybackStatus.ENDED
        return PlaybackState(status, position.cursor_ns, position.speed)

    async def _complain(self, fault: str) -> None:
        frame = wire_frames.status_frame(StatusLevel.ERROR, fault)
        await self._send(frame, WSMsgType.TEXT)

    async def _send(self, frame: bytes, kind: WSMsgType) -> None:
        """Send one frame; raises TimeoutError, and the connection is ended then."""
        try:
            async with asyncio.timeout(self._send_timeout_s):
                await self._write(frame, kind)
        except TimeoutError:
            self._abort()
            raise

    async def _write(self, frame: bytes, kind: WSMsgType) -> None:
        rest = connection_ends.begin(self._socket.send_frame(frame, kind))
        if rest is not None:
            await asyncio.shield(rest)


def _written(time_ns: int) -> dict[str, int]:
    seconds, nanoseconds = divmod(max(time_ns, 0), timestamps.NS_PER_SECOND)
    return {"sec": seconds, "nsec": nanoseconds}
