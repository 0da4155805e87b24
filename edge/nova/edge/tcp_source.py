"""What a TCP stream reads: a connection to the reader, by the principal that created the stream."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Protocol

import msgspec

from nova.edge.edge_config import EdgeLimits
from nova.edge.upstream import Upstream
from nova.sdk import timestamps
from nova.sdk.errors import ProtocolError
from nova.sdk.protocol import messages
from nova.sdk.protocol.follow_stream import (
    FollowEnded,
    FollowSkipped,
    FollowStream,
    ReaderReply,
    decode_reader_reply,
)
from nova.sdk.protocol.message import Filters, Message
from nova.sdk.protocol.messages import Error, StartStream, StreamChunk, StreamStarted
from nova.sdk.protocol.submission import Role
from nova.sdk.protocol.timeline import Neighbour, NeighbourResponse
from nova.sdk.timestamps import NS_MAX, NS_MIN

log = logging.getLogger(__name__)

PLAYBACK_ID = "tcp"
READING_ROLE: Role = "viewer"
"""A stream only reads, and whoever created it, the audit trail does not leave over TCP: a viewer
sees all but that.
"""

EARLIEST, LATEST = timestamps.text(NS_MIN), timestamps.text(NS_MAX)

Deliver = Callable[[StreamChunk], Awaitable[None]]


class OwnerConnection(Protocol):
    """A connection of this edge whose timeline a stream can follow."""

    @property
    def connection_name(self) -> str:
        """Its name at the reader, another one after each attempt to connect."""


class SourceLostError(Exception):
    """The reader has ended the connection, or refused a request."""


class TcpSource:
    """Reads the present, or what the stream of an owner covers.

    The present continues without a gap or repetition after the reader was away; an owner is
    followed from where it is by then.
    """

    def __init__(
        self,
        upstream: Upstream,
        limits: EdgeLimits,
        reader_responding: asyncio.Event,
        filters: Filters,
        deliver: Deliver,
        owner: OwnerConnection | None,
        owner_gone: Callable[[], None],
    ) -> None:
        """`deliver` receives each chunk; the next one is not read until it returns. `owner_gone` is
        called when the reader says that the owner's connection has ended.
        """
        self._upstream = upstream
        self._limits = limits
        self._reader_responding = reader_responding
        self._filters = filters
        self._deliver = deliver
        self._owner = owner
        self._owner_gone = owner_gone
        self._followed_name = ""
        self._after_key: str | None = None
        self._knows_present = False
        self.has_begun = asyncio.Event()
        """Set once the reader has accepted the first request to follow the owner."""

    def drop(self) -> None:
        """Drop the connection; `run` connects again."""
        self._upstream.drop()

    async def run(self, headers: Callable[[], Mapping[str, str] | None]) -> None:
        """Read until cancelled. `headers` is called for each connection; None: there is none."""
        delay_s = self._limits.upstream_retry_min_s
        try:
            while True:
                await self._reader_responding.wait()
                has_read = await self._read_once(headers())
                if has_read or self._owner is not None:  # What an owner plays meanwhile is lost.
                    delay_s = self._limits.upstream_retry_min_s
                await asyncio.sleep(delay_s)
                delay_s = min(delay_s * 2, self._limits.upstream_retry_max_s)
        finally:
            self._upstream.drop()

    async def _read_once(self, headers: Mapping[str, str] | None) -> bool:
        """Read until the connection ends; returns whether any chunk was received."""
        has_read = False
        if headers is None or not await self._upstream.connect(headers):
            return has_read
        try:
            replies = self._replies()
            async with asyncio.timeout(self._limits.tcp.reader_request_timeout_s):
                await self._begin(replies)
            async for reply in replies:
                has_read |= isinstance(reply, StreamChunk)
                await self._apply(reply)
        except (SourceLostError, TimeoutError) as error:
            log.info("TCP stream lost its reader", extra={"context": {"error": str(error)}})
        except Exception:
            log.exception("TCP stream failed; it reads again")
        finally:
            self._upstream.drop()
        return has_read

    async def _replies(self) -> AsyncIterator[ReaderReply]:
        """The reader's messages until the connection ends; an error ends it too."""
        async for frame in self._upstream.frames():
            try:
                reply = decode_reader_reply(frame)
            except ProtocolError as error:
                raise SourceLostError(str(error)) from None
            if isinstance(reply, Error):
                raise SourceLostError(f"{reply.code}: {reply.message}")
            yield reply

    async def _apply(self, reply: ReaderReply) -> None:
        match reply:
            case StreamChunk():
                self._after_key = reply.last_key or self._after_key
                if self._owner is None:  # From the first chunk on: where the present began.
                    reply = msgspec.structs.replace(reply, last_key=self._after_key)
                await self._deliver(reply)
            case FollowSkipped():
                context = {"ranges": reply.ranges}
                log.warning("TCP stream left out a part of a replay", extra={"context": context})
            case FollowEnded() if self._owner is not None:
                if self._owner.connection_name != self._followed_name:
                    raise SourceLostError("the owner has connected anew")
                self._owner_gone()

    async def _begin(self, replies: AsyncIterator[ReaderReply]) -> None:
        if self._owner is not None:
            await self._begin_to_follow(replies, self._owner)
            return
        if not self._knows_present:
            self._after_key = await self._newest_key(replies)
            self._knows_present = True
        start = StartStream(
            playback_request_id=PLAYBACK_ID,
            timeline_mode="LIVE",
            timebase="canonical",
            filters=msgspec.structs.replace(self._filters),
            after_key=self._after_key,
            start_time=None if self._after_key else EARLIEST,
        )
        await self._send(start)

    async def _begin_to_follow(
        self, replies: AsyncIterator[ReaderReply], owner: OwnerConnection
    ) -> None:
        self._followed_name = owner.connection_name
        follow = FollowStream(
            playback_request_id=PLAYBACK_ID,
            connection=self._followed_name,
            filters=msgspec.structs.replace(self._filters),
        )
        await self._send(follow)
        if not isinstance(await anext(replies, None), StreamStarted):
            raise SourceLostError("no answer")
        self.has_begun.set()

    async def _newest_key(self, replies: AsyncIterator[ReaderReply]) -> str | None:
        """The key of the newest event, which is where the present begins; None if there is none.

        A time would not do: receive times of events that are being made durable may lie before now.
        """
        await self._send(Neighbour(time=LATEST, direction="previous", timebase="canonical"))
        reply = await anext(replies, None)
        if not isinstance(reply, NeighbourResponse):
            raise SourceLostError("no answer")
        return reply.key

    async def _send(self, request: Message) -> None:
        if not await self._upstream.send(messages.encode(request)):
            raise SourceLostError("the connection ended")
