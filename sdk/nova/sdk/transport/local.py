"""The embedded transport: the Core itself listens, and a publish returns after the durable commit.

    local:///path/of/data        the Unix socket in that data folder
    local:///path/to/some.sock   that Unix socket
    local://127.0.0.1:4510       loopback TCP

Publishers send MessagePack over one WebSocket: `[ref, [[address, bytes], …]]`, and receive `[ref,
new, duplicate, [[index, code, member, reason], …]]`, in order. Commands that the Core dispatches go
to command listeners (`local_commands.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from nova.sdk.address import is_dispatch
from nova.sdk.channel import ChannelError
from nova.sdk.connection_ends import close_all, departures
from nova.sdk.endpoints import run_folder
from nova.sdk.errors import NovaError, TransportError
from nova.sdk.own_socket import OwnSocket
from nova.sdk.request_socket import RequestSocket
from nova.sdk.transport.base import Batch, Positions, Receipt, Record, Subscription
from nova.sdk.transport.link import LinkHealth, LinkState
from nova.sdk.transport.local_commands import PATH as COMMANDS_PATH
from nova.sdk.transport.local_commands import CommandListener
from nova.sdk.transport.local_listeners import CommandServer, DispatchLimits
from nova.sdk.transport.local_publishers import (
    FRAME_MAX_BYTES,
    PUBLISH_FRAMES,
    PUBLISH_REPLIES,
    LocalBatch,
    PublisherServer,
    PublishFrame,
    ReplyLimits,
)

QUEUE_MAX_BATCHES = 64
CONNECT_TIMEOUT_S = 5.0
SCHEME_PREFIX = "local://"
SOCKET_NAME = "publish.sock"


@dataclass(frozen=True, slots=True)
class LocalEndpoint:
    """The address of a local transport: a Unix socket, or a loopback port."""

    path: Path | None
    host: str = ""
    port: int = 0

    @classmethod
    def of_url(cls, url: str) -> LocalEndpoint:
        """Parse a `local:` URL; raises TransportError if it is not on this machine."""
        path = Path(url.removeprefix(SCHEME_PREFIX))
        if path.is_absolute():
            # The path is used as written: folder names may contain `#`, `?` or `%`.
            return cls(path if path.suffix == ".sock" else run_folder(path) / SOCKET_NAME)
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise TransportError(f"{url!r} is not a URL: {error}") from None
        if not parts.netloc:
            raise TransportError(f"{url!r} has no absolute path: write local:///path/of/data")
        return cls._of_host(url, host or "", port)

    @property
    def http(self) -> str:
        return "http://localhost/" if self.path else f"http://{self.host}:{self.port}/"

    def session(self) -> aiohttp.ClientSession:
        """An HTTP client whose connector reaches this endpoint."""
        connector = None if self.path is None else aiohttp.UnixConnector(str(self.path))
        return aiohttp.ClientSession(connector=connector)

    @classmethod
    def _of_host(cls, url: str, host: str, port: int | None) -> LocalEndpoint:
        loopback = host == "localhost"
        with contextlib.suppress(ValueError):
            loopback = loopback or ip_address(host).is_loopback
        if not loopback or port is None:
            raise TransportError(
                f"{url!r} must be a loopback HOST:PORT, since the local transport has no login"
            )
        return cls(None, host, port)


@dataclass(frozen=True, slots=True)
class LocalLimits:
    """Limits of a Core for its publishers and command listeners."""

    replies: ReplyLimits = field(default_factory=ReplyLimits)
    dispatch: DispatchLimits = field(default_factory=DispatchLimits)


class LocalTransport:
    """Publishes to a listening Core, or listens on behalf of the Core that consumes."""

    def __init__(self, url: str, limits: LocalLimits | None = None) -> None:
        limits = limits or LocalLimits()
        self.link = url
        self._endpoint = LocalEndpoint.of_url(url)
        self._health = LinkHealth()
        self._batches: asyncio.Queue[LocalBatch | None] = asyncio.Queue(QUEUE_MAX_BATCHES)
        self._runner: web.AppRunner | None = None
        self._publishers = PublisherServer(self._health, limits.replies)
        self._session: aiohttp.ClientSession | None = None
        self._requests = RequestSocket(self._connect, PUBLISH_REPLIES, self._mark_closed)
        self._command_server = CommandServer(url, self._health, limits.dispatch)
        self._command_listeners: set[CommandListener] = set()
        self._is_closed = False

    # --- publishing -------------------------------------------------------------------------------

    async def publish(self, records: Sequence[Record]) -> Receipt:
        """Publish records; returns the receipt once the Core has committed them durably.

        In the Core's process commands go to the command listeners, and this returns when one has
        acknowledged them: the Core has recorded them before, and commands published by others are
        never dispatched. Raises NotSentError if there is no listener.
        """
        self._check_open()
        if self._runner is not None and all(is_dispatch(record.address) for record in records):
            await self._command_server.send(records)
            return Receipt(new=len(records))
        ref = self._requests.next_ref()
        frame = PUBLISH_FRAMES.encode(PublishFrame(ref, [(r.address, r.value) for r in records]))
        if len(frame) > FRAME_MAX_BYTES:
            raise TransportError(
                f"the publish has {len(frame)} bytes, the limit is {FRAME_MAX_BYTES}"
            )
        try:
            reply = await self._requests.request(ref, frame)
        except ChannelError as error:
            raise TransportError(f"{self.link} closed the connection before it replied") from error
        except (ConnectionError, aiohttp.ClientError) as error:
            raise TransportError(f"the connection to {self.link} was lost: {error}") from error
        if reply.error is not None:
            raise TransportError(reply.error)
        return Receipt(reply.new, reply.duplicate, reply.rejected)

    async def _connect(self) -> aiohttp.ClientWebSocketResponse:
        if self._session is None:
            self._session = self._endpoint.session()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                socket = await self._session.ws_connect(
                    self._endpoint.http, compress=0, max_msg_size=FRAME_MAX_BYTES
                )
        except (OSError, aiohttp.ClientError, TimeoutError) as error:
            self._health.mark_down(f"nothing listens: {error}")
            raise TransportError(
                f"nothing listens at {self.link}: is that NOVA running? ({error})"
            ) from error
        self._health.mark_up()
        return socket

    def _mark_closed(self) -> None:
        self._health.mark_down("the listener closed the connection")

    # --- consuming --------------------------------------------------------------------------------

    async def consume(
        self, subscription: Subscription, positions: Positions
    ) -> AsyncIterator[Batch]:
        """Listen, and yield the batches of publishers. Scopes are checked with the envelopes.

        Raises TransportError if another process listens there; that one is not disturbed.
        """
        self._check_open()
        if self._runner is not None:
            raise TransportError(f"{self.link} is being consumed already")
        self._batches = asyncio.Queue(QUEUE_MAX_BATCHES)
        try:
            await self._listen_for_publishers()
            while (batch := await self._batches.get()) is not None:
                yield batch
        finally:
            await self._stop_listening()

    async def _listen_for_publishers(self) -> None:
        app = web.Application(middlewares=[departures])
        app.router.add_get("/", self._serve)
        app.router.add_get(COMMANDS_PATH, self._command_server.serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        endpoint = self._endpoint
        site: web.BaseSite
        try:
            if endpoint.path is not None:
                site = OwnSocket(self._runner, endpoint.path)
            else:
                site = web.TCPSite(self._runner, endpoint.host, endpoint.port)
            await site.start()
        except (OSError, NovaError) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
            self._health.mark_down(f"cannot listen: {reason}")
            raise TransportError(f"cannot listen at {self.link}: {reason}") from error
        self._health.mark_up()

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        return await self._publishers.serve(request, self._batches.put)

    async def acknowledge(self, batch: Batch, receipt: Receipt) -> None:
        """Queue the publisher's reply; a publisher that does not read it delays no other."""
        if isinstance(batch, LocalBatch):
            batch.reply(receipt)

    async def commands(
        self, scope_id: str, listening: asyncio.Event | None = None
    ) -> AsyncIterator[Record]:
        """Commands that the Core dispatches to a scope from now on; reconnects if necessary."""
        self._check_open()
        endpoint = self._endpoint
        listener = CommandListener(
            endpoint.session(), endpoint.http, scope_id, self._health, listening
        )
        self._command_listeners.add(listener)
        try:
            while (record := await listener.next()) is not None:
                yield record
        finally:
            self._command_listeners.discard(listener)
            await listener.stop()

    def state(self) -> LinkState:
        """Connected while listening or connected to a listener; there are no unread records."""
        return self._health.state({})

    async def _stop_listening(self) -> None:
        runner, self._runner = self._runner, None
        await self._publishers.flush()
        await close_all({**self._publishers.connections, **self._command_server.connections})
        if runner is not None:
            await runner.cleanup()

    def _stop_consuming(self) -> None:
        """End `consume`; batches that it has not yielded were never acknowledged."""
        while not self._batches.empty():
            self._batches.get_nowait()
        self._batches.put_nowait(None)

    async def close(self) -> None:
        """Close both sides; the session is closed even if this is cancelled."""
        self._is_closed = True
        self._stop_consuming()
        try:
            await asyncio.gather(*(listener.stop() for listener in self._command_listeners))
            await self._stop_listening()
            await self._requests.close()
        finally:
            if self._session is not None:
                await self._session.close()

    def _check_open(self) -> None:
        if self._is_closed:
            raise TransportError(f"{self.link} is closed")
