"""The gateway: a WebSocket server of this machine that logs in at a NOVA like any client."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from aiohttp import web

from nova.foxglove.channel_catalog import ChannelCatalog
from nova.foxglove.playback_position import PlaybackPosition
from nova.foxglove.timelines import PlayedTimeline, PresentTimeline
from nova.foxglove.viewer import SEND_TIMEOUT_S, Viewer
from nova.foxglove.wire_frames import SUBPROTOCOLS
from nova.sdk import connection_ends, timestamps
from nova.sdk.client.client import Client
from nova.sdk.errors import NovaError
from nova.sdk.protocol.messages import Filters, Timebase
from nova.sdk.protocol.timeline import Extent

HOST = "127.0.0.1"
LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))
FRAME_MAX_BYTES = 1024 * 1024
VIEWERS_MAX = 16
DISCOVER_INTERVAL_S = 5.0
STOP_TIMEOUT_S = 2.0

log = logging.getLogger(__name__)

Connect = Callable[[], Awaitable[Client]]


@dataclass(frozen=True)
class PlaybackRange:
    """The range that viewers play; an open end is that of the archive."""

    start_ns: int
    stop_ns: int | None = None


@dataclass(frozen=True)
class GatewayOptions:
    """What a gateway shows, and to whom. `played` None: the present."""

    filters: Filters = field(default_factory=Filters)
    log_timebase: Timebase = "source"
    played: PlaybackRange | None = None
    origins: tuple[str, ...] = ()
    viewers_max: int = VIEWERS_MAX
    discover_interval_s: float = DISCOVER_INTERVAL_S
    send_timeout_s: float = SEND_TIMEOUT_S


class Gateway:
    """Viewers of one principal. Each has a connection to NOVA, and so a stream, of its own."""

    def __init__(self, connect: Connect, options: GatewayOptions) -> None:
        self._connect = connect
        self._options = options
        self._catalog = ChannelCatalog(options.filters)
        self._session_id = uuid.uuid4().hex
        self._sockets: dict[web.WebSocketResponse, web.Request] = {}

    @asynccontextmanager
    async def serving(self, port: int) -> AsyncIterator[int]:
        """Serve on a port of the loopback address (0: a free one), which is returned. Raises
        NovaError if NOVA refuses, or has nothing to play.
        """
        async with await self._connect() as client:
            await self._catalog.refresh(client)
            await self._timeline(client)
        app = web.Application(middlewares=[connection_ends.departures])
        app.router.add_get("/{path:.*}", self._serve)
        runner = web.AppRunner(app, shutdown_timeout=STOP_TIMEOUT_S)
        await runner.setup()
        discovering = asyncio.create_task(self._discover())
        try:
            site = web.TCPSite(runner, HOST, port)
            try:
                await site.start()
            except OSError as error:
                raise NovaError(f"cannot listen on {HOST}:{port}: {error.strerror}") from None
            yield int(runner.addresses[0][1])
        finally:
            discovering.cancel()
            await asyncio.wait((discovering,))
            await connection_ends.close_all(self._sockets)
            await runner.cleanup()

    async def _discover(self) -> None:
        """Add series that are new; while NOVA is away, try again later."""
        while True:
            try:
                async with await self._connect() as client:
                    while True:
                        await asyncio.sleep(self._options.discover_interval_s)
                        await self._catalog.refresh(client)
            except NovaError as error:
                log.warning("no new channels", extra={"context": {"reason": str(error)}})
            await asyncio.sleep(self._options.discover_interval_s)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        socket = web.WebSocketResponse(
            protocols=SUBPROTOCOLS, max_msg_size=FRAME_MAX_BYTES, heartbeat=20.0
        )
        self._sockets[socket] = request
        try:
            async with await self._connect() as client:
                timeline = await self._timeline(client)
                await socket.prepare(request)
                viewer = Viewer(
                    socket,
                    client,
                    self._catalog,
                    timeline,
                    lambda: connection_ends.abort(request),
                    send_timeout_s=self._options.send_timeout_s,
                )
                await viewer.run(self._session_id)
        except NovaError as error:
            log.warning("a viewer is refused", extra={"context": {"reason": str(error)}})
            if not socket.prepared:
                return web.Response(status=503, text=f"{error}\n")
        finally:
            del self._sockets[socket]
        return socket

    def _refusal(self, request: web.Request) -> web.Response | None:
        """Why a request gets no connection."""
        origins = request.headers.getall("Origin", [])
        if not all(self._is_allowed(origin) for origin in origins):
            log.warning("a page is refused", extra={"context": {"origin": origins[0][:200]}})
            why = "pages of this origin may not read here: if they shall, start with --origin"
            return web.Response(status=403, text=f"{why}\n")
        if not web.WebSocketResponse(protocols=SUBPROTOCOLS).can_prepare(request):
            where = f"ws://{HOST}:{request.url.port}"
            return web.Response(status=426, text=f"Open {where} in Foxglove or Lichtblick.\n")
        offered = request.headers.get("Sec-WebSocket-Protocol", "")
        if not {one.strip() for one in offered.split(",")} & set(SUBPROTOCOLS):
            return web.Response(status=400, text=f"offer the subprotocol {SUBPROTOCOLS[0]}\n")
        if len(self._sockets) >= self._options.viewers_max:
            most = f"this gateway has {self._options.viewers_max} viewers, as many as it may\n"
            return web.Response(status=503, text=most, headers={"Retry-After": "5"})
        return None

    def _is_allowed(self, origin: str) -> bool:
        """Of pages of this machine, and of those that the user names."""
        if origin.lower() in self._options.origins:
            return True
        with contextlib.suppress(ValueError):
            parts = urlsplit(origin)
            return parts.scheme in ("http", "https") and parts.hostname in LOOPBACK
        return False

    async def _timeline(self, client: Client) -> PresentTimeline | PlayedTimeline:
        """Where a new viewer begins."""
        played, timebase = self._options.played, self._options.log_timebase
        if played is None:
            now = (await client.extent(Extent(timebase="canonical"))).time
            return PresentTimeline(timebase, timestamps.parse(now))
        extent = await client.extent(Extent(timebase=timebase))
        if extent.start_time is None or extent.stop_time is None:
            raise NovaError("there is nothing to play: the archive has no events that you may see")
        first, last = timestamps.parse(extent.start_time), timestamps.parse(extent.stop_time)
        begin_ns = max(played.start_ns, first)
        end_ns = last if played.stop_ns is None else min(played.stop_ns, last)
        if begin_ns > end_ns:
            times = f"{extent.start_time} to {extent.stop_time}"
            raise NovaError(f"there is nothing to play in this range: the archive has {times}")
        return PlayedTimeline(timebase, PlaybackPosition(begin_ns, end_ns))
