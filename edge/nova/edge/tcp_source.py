"""What a TCP stream reads: a connection to the reader, by the principal that created the stream."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from urllib.parse import quote

import msgspec

from nova.edge.access import Access
from nova.edge.edge_config import EdgeLimits
from nova.edge.upstream import Upstream
from nova.sdk import timestamps
from nova.sdk.errors import ProtocolError
from nova.sdk.protocol import messages
from nova.sdk.protocol.message import Filters, Message
from nova.sdk.protocol.messages import Error, Reply, StartStream, StreamChunk
from nova.sdk.protocol.submission import (
    CONNECTION_HEADER,
    KIND_HEADER,
    LANES_HEADER,
    ROLE_HEADER,
    SCOPES_HEADER,
    USER_HEADER,
)
from nova.sdk.protocol.timeline import Neighbour, NeighbourResponse
from nova.sdk.timestamps import NS_MAX, NS_MIN

log = logging.getLogger(__name__)

PLAYBACK_ID = "tcp"
READING_ROLE = "viewer"
"""A stream only reads, and whoever created it, the audit trail does not leave over TCP: a viewer
sees all but that.
"""

EARLIEST, LATEST = timestamps.text(NS_MIN), timestamps.text(NS_MAX)

Deliver = Callable[[StreamChunk], Awaitable[None]]


class SourceLostError(Exception):
    """The reader has ended the connection, or refused a request."""


def identity_headers(access: Access, stream_id: str) -> dict[str, str]:
    """The headers by which the reader decides what the stream may show."""
    who = {
        USER_HEADER: quote(access.name, safe=""),
        ROLE_HEADER: READING_ROLE,
        CONNECTION_HEADER: f"tcp:{stream_id}",
        KIND_HEADER: access.kind,
    }
    if access.scopes is not None:
        who[SCOPES_HEADER] = ",".join(access.scopes)
    if access.lanes is not None:
        who[LANES_HEADER] = ",".join(access.lanes)
    return who


class TcpSource:
    """Follows the present; continues without a gap or repetition after the reader was away."""

    def __init__(
        self,
        upstream: Upstream,
        limits: EdgeLimits,
        reader_responding: asyncio.Event,
        filters: Filters,
        deliver: Deliver,
    ) -> None:
        """`deliver` receives each chunk; the next one is not read until it returns."""
        self._upstream = upstream
        self._limits = limits
        self._reader_responding = reader_responding
        self._filters = filters
        self._deliver = deliver
        self._after_key: str | None = None
        self._has_begun = False

    def drop(self) -> None:
        """Drop the connection; `run` connects again."""
        self._upstream.drop()

    async def run(self, headers: Callable[[], Mapping[str, str] | None]) -> None:
        """Read until cancelled. `headers` is called for each connection; None: there is none."""
        retry_min_s, retry_max_s = (
            self._limits.upstream_retry_min_s,
            self._limits.upstream_retry_max_s,
        )
        delay_s = retry_min_s
        try:
            while True:
                await self._reader_responding.wait()
                if await self._read_once(headers()):
                    delay_s = retry_min_s
                await asyncio.sleep(delay_s)
                delay_s = min(delay_s * 2, retry_max_s)
        finally:
            self._upstream.drop()

    async def _read_once(self, headers: Mapping[str, str] | None) -> bool:
        """Read until the connection ends; returns whether anything was received."""
        received = False
        if headers is None or not await self._upstream.connect(headers):
            return received
        try:
            replies = self._replies()
            async with asyncio.timeout(self._limits.tcp.reader_request_timeout_s):
                await self._begin(replies)
            async for reply in replies:
                if isinstance(reply, StreamChunk):
                    received = True
                    self._after_key = reply.last_key or self._after_key
                    await self._deliver(reply)
        except (SourceLostError, TimeoutError) as error:
            log.warning("TCP stream lost its reader", extra={"context": {"error": str(error)}})
        except Exception:
            log.exception("TCP stream failed; it reads again")
        finally:
            self._upstream.drop()
        return received

    async def _replies(self) -> AsyncIterator[Reply]:
        """The reader's messages until the connection ends; an error ends it too."""
        async for frame in self._upstream.frames():
            try:
                reply = messages.decode_reply(frame)
            except ProtocolError as error:
                raise SourceLostError(str(error)) from None
            if isinstance(reply, Error):
                raise SourceLostError(f"{reply.code}: {reply.message}")
            yield reply

    async def _begin(self, replies: AsyncIterator[Reply]) -> None:
        """Start at the present, and after a loss at the event after the last one.

        The present is the newest event of the archive, not a time: receive times of events that are
        being made durable may lie before now.
        """
        if not self._has_begun:
            newest = Neighbour(time=LATEST, direction="previous", timebase="canonical")
            await self._send(newest)
            reply = await anext(replies, None)
            if not isinstance(reply, NeighbourResponse):
                raise SourceLostError("no answer")
            self._after_key, self._has_begun = reply.key, True
        start = StartStream(
            playback_request_id=PLAYBACK_ID,
            timeline_mode="LIVE",
            timebase="canonical",
            filters=msgspec.structs.replace(self._filters),
            after_key=self._after_key,
            start_time=None if self._after_key else EARLIEST,
        )
        await self._send(start)

    async def _send(self, request: Message) -> None:
        if not await self._upstream.send(messages.encode(request)):
            raise SourceLostError("the connection ended")
