"""Publishers over the embedded transport: each has its own queue and sender task for replies, so
one that does not read its replies delays no other.

A publisher with too many pending replies, or too many unread bytes of them, is not read from until
it has read some. Nor is one with too many records in the Core: its next frame waits until some are
committed, so publishers take turns, however large their frames are. One that reads nothing for
`timeout_s` is disconnected. Its records are committed or not as the Core decided; without a reply
it publishes them again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import aiohttp
import msgspec
from aiohttp import web

from nova.sdk import timestamps
from nova.sdk.channel import ChannelError, FrameCodec
from nova.sdk.connection_ends import begin
from nova.sdk.native import native_part
from nova.sdk.transport.base import Batch, Receipt, Record, Rejection
from nova.sdk.transport.link import LinkHealth
from nova.sdk.transport.local_peer import LocalPeer

FRAME_MAX_BYTES = 64 * 1024 * 1024
HEARTBEAT_S = 30.0
FLUSH_TIMEOUT_S = 1.0
"""How long the end of a consumption waits for publishers to read their replies."""
log = logging.getLogger(__name__)


class PublishFrame(msgspec.Struct, array_like=True):
    """A publisher's frame."""

    ref: int
    records: list[tuple[str | None, bytes]]


class PublishReply(msgspec.Struct, array_like=True):
    """The reply to a publish; `error` is set if the frame could not be decoded."""

    ref: int
    new: int
    duplicate: int
    rejected: list[Rejection]
    error: str | None = None


PUBLISH_FRAMES: FrameCodec[PublishFrame] = FrameCodec(PublishFrame)
PUBLISH_REPLIES: FrameCodec[PublishReply] = FrameCodec(PublishReply)


def read_frame(frame: bytes) -> tuple[int, Sequence[Record]]:
    """The number of a publisher's frame and its records; raises ChannelError. The native part makes
    a record only when it is asked for.
    """
    if (native := native_part()) and (found := native.publish_frame(frame, Record)):
        return found
    publish = PUBLISH_FRAMES.decode(frame)
    return publish.ref, [Record(address, value) for address, value in publish.records]


@dataclass(frozen=True, slots=True)
class ReplyLimits:
    """Limits of one publisher's backlog; beyond either its socket is not read.

    `pending_max` counts publishes without a sent reply, `unread_max_bytes` the bytes of replies
    that its socket has no room for, `records_max` the records without a receipt. One more frame is
    delivered when it is below all of them.
    """

    pending_max: int = 1_024
    unread_max_bytes: int = 16 * 1024 * 1024
    records_max: int = 20_000
    timeout_s: float = 10.0


class _QueuedReply(NamedTuple):
    """A reply that is not sent, or the rest of one for which there was no room."""

    frame: bytes
    rest: asyncio.Task[None] | None


class PublisherConnection(LocalPeer):
    """One publisher's connection, and its pending replies."""

    KIND = "publisher"

    def __init__(
        self,
        socket: web.WebSocketResponse,
        request: web.Request,
        limits: ReplyLimits,
        on_unresponsive: Callable[[str], None],
    ) -> None:
        super().__init__(socket, request, limits.timeout_s, on_unresponsive)
        self._limits = limits
        self._unsent: asyncio.Queue[_QueuedReply] = asyncio.Queue()
        self._unsent_bytes = 0
        self._pending = 0
        self._records = 0
        self._may_publish = asyncio.Event()
        self.all_replies_sent = asyncio.Event()
        self._update_events()

    async def serve(self, deliver: Callable[[LocalBatch], Awaitable[None]]) -> None:
        """Pass its batches to `deliver` until it disconnects; pauses while too many replies are
        pending.
        """
        await self._exchange(partial(self._receive, deliver))

    async def _receive(
        self, deliver: Callable[[LocalBatch], Awaitable[None]], message: aiohttp.WSMessage
    ) -> None:
        await self._may_publish.wait()
        self._pending += 1
        self._update_events()
        try:
            if message.type is not aiohttp.WSMsgType.BINARY:
                raise ChannelError("a publish is a binary MessagePack frame")
            ref, records = read_frame(message.data)
        except ChannelError as error:
            self.reply(PublishReply(0, 0, 0, [], str(error)))
            return
        self._records += len(records)
        self._update_events()
        await deliver(LocalBatch(records, ref=ref, publisher=self))

    def reply(self, published: PublishReply, records: int = 0) -> None:
        """Send the reply to this many delivered records, or queue it behind others, without
        waiting; replies to a disconnected publisher are dropped.
        """
        self._records -= records
        if self.is_closed:
            return
        frame = PUBLISH_REPLIES.encode(published)
        rest: asyncio.Task[None] | None = None
        if not self._unsent_bytes:
            try:
                rest = begin(self._socket.send_bytes(frame))
            except ConnectionError:
                self._end()  # The peer disconnected.
                return
            if rest is None:
                self._pending -= 1
                self._update_events()
                return
        self._unsent_bytes += len(frame)
        self._update_events()
        self._unsent.put_nowait(_QueuedReply(frame, rest))

    async def _send_queued(self) -> None:
        while True:
            frame, rest = await self._unsent.get()
            await (self._send(frame) if rest is None else self._finish(rest))
            self._pending -= 1
            self._unsent_bytes -= len(frame)
            self._update_events()

    def _silence(self) -> str:
        return (
            f"has not read a reply for {self._limits.timeout_s:g} s; "
            f"disconnected with {self._pending} replies pending"
        )

    def _update_events(self) -> None:
        """Update both events: whether it may publish, and whether it has all its replies."""
        limits = self._limits
        full = (
            self._pending >= limits.pending_max
            or self._unsent_bytes > limits.unread_max_bytes
            or self._records >= limits.records_max
        )
        _set_event(self._may_publish, self.is_closed or not full)
        _set_event(self.all_replies_sent, self.is_closed or not self._unsent_bytes)

    def _release(self) -> None:
        """It publishes again what has no reply."""
        self._update_events()


@dataclass(slots=True)
class LocalBatch(Batch):
    """A published batch with the publisher to reply to."""

    ref: int = 0
    publisher: PublisherConnection | None = None

    def reply(self, receipt: Receipt) -> None:
        """Send the publisher its receipt."""
        if self.publisher is not None:
            rejected = list(receipt.rejected)
            published = PublishReply(self.ref, receipt.new, receipt.duplicate, rejected)
            self.publisher.reply(published, len(self.records))


class PublisherServer:
    """All publishers of one consumption."""

    def __init__(self, health: LinkHealth, limits: ReplyLimits) -> None:
        self._health = health
        self._limits = limits
        self._publishers: set[PublisherConnection] = set()
        self.connections: dict[web.WebSocketResponse, web.Request] = {}

    async def serve(
        self, request: web.Request, deliver: Callable[[LocalBatch], Awaitable[None]]
    ) -> web.WebSocketResponse:
        if "Origin" in request.headers:
            raise web.HTTPForbidden(reason="web pages must not publish")
        socket = web.WebSocketResponse(
            max_msg_size=FRAME_MAX_BYTES, compress=False, heartbeat=HEARTBEAT_S
        )
        await socket.prepare(request)
        publisher = PublisherConnection(socket, request, self._limits, self._report)
        self.connections[socket] = request
        self._publishers.add(publisher)
        try:
            await publisher.serve(deliver)
        finally:
            self._publishers.discard(publisher)
            del self.connections[socket]
        return socket

    def _report(self, reason: str) -> None:
        log.warning("publisher disconnected", extra={"context": {"reason": reason}})
        self._health.warn("publisher", f"{timestamps.text(time.time_ns())}: {reason}")

    async def flush(self) -> None:
        """Return once all publishers have received their replies, at most after FLUSH_TIMEOUT_S."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_TIMEOUT_S):
                for publisher in list(self._publishers):
                    await publisher.all_replies_sent.wait()


def _set_event(event: asyncio.Event, value: bool) -> None:
    if value:
        event.set()
    else:
        event.clear()
