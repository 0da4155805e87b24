"""The reader's side of upstream connections, to inject rare behaviour of a reader."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Literal, Protocol

from aiohttp import WSMsgType, web

from nova.sdk.protocol import messages
from nova.sdk.protocol.health import SubmissionCount
from nova.sdk.protocol.messages import (
    Error,
    LinkInfo,
    Message,
    Metrics,
    MetricsResponse,
    Request,
    SetCursor,
    StartStream,
    Status,
    StatusResponse,
    StreamComplete,
    StreamStarted,
)
from nova.sdk.protocol.metric_messages import Metric, MetricSample, counter, gauge
from nova.sdk.protocol.submission import USER_HEADER

WAIT_S = 60.0
CURSOR = "2026-01-01T00:00:00.000000000Z"

STATUS = messages.encode(
    StatusResponse(
        mode="payload",
        timebase="source",
        events=12,
        duplicates=3,
        rejects=1,
        series=2,
        durable_time="2026-01-01T00:00:01.500000000Z",
        bytes_on_disk=4096,
        links=[
            LinkInfo(
                link="kafka://a:9092",
                connection="connected",
                received=16,
                new=12,
                duplicate=3,
                rejected=1,
                gaps=1,
                last_seen="2026-01-01T00:00:02.000000000Z",
                lag=7,
                lag_by_stream={"nova.sat.raw.v1/0": 5, "nova.sat.raw.v1/1": 2},
            ),
            LinkInfo(link='nats://b:4222?a="b"', connection="unreachable", outages=2),
        ],
        writer_connected=True,
        request_clashes=4,
        unknown_commands=5,
        file_failures=3,
        derived_remade=2,
        submissions=[SubmissionCount(kind="submitChat", outcome="taken", count=6)],
    )
)


METRICS = messages.encode(
    MetricsResponse(
        metrics=[
            counter("nova_events_total", "Events in the archive").add(12),
            gauge("nova_up", "1 while a process runs").add(1, process="reader"),
            counter("nova_submissions_total", "Submissions").add(
                6, at="core", kind="submitChat", outcome="taken"
            ),
            gauge("nova_link_connected", "1 while connected").add(0, link='nats://b:4222?a="b"'),
            Metric(
                name="nova_request_seconds",
                kind="histogram",
                help="Latency",
                samples=[
                    MetricSample(
                        name="nova_request_seconds_bucket",
                        labels={"type": "query", "le": bound},
                        value=count,
                    )
                    for bound, count in (("0.5", 2), ("+Inf", 3))
                ],
            ),
        ]
    )
)


def start(playback_id: str) -> StartStream:
    """A request for a replay."""
    return StartStream(playback_request_id=playback_id, timeline_mode="REPLAY", rate="max")


def started(playback_id: str) -> bytes:
    """The answer of a reader that takes a stream up."""
    return messages.encode(StreamStarted(ref=1, playback_request_id=playback_id))


def error(playback_id: str | None) -> bytes:
    """The answer of a reader that refuses something: a start, if it is named."""
    return messages.encode(Error(code="badRate", message="no", playback_request_id=playback_id))


def chunk(playback_id: str, event: bytes = b'{"a":1}', last_key: str | None = None) -> bytes:
    """A chunk as the reader writes it."""
    return messages.chunk_frame(playback_id, CURSOR, [event], last_key)


def complete(playback_id: str) -> bytes:
    """The end of a stream as the reader writes it."""
    return messages.encode(StreamComplete(playback_request_id=playback_id, cursor=CURSOR))


class FrameSender(Protocol):
    """A client of an edge."""

    async def send(self, message: Message) -> None:
        """Send one message."""


class PeerConnection:
    """One connection that an edge opened."""

    def __init__(
        self, peer: Peer, ws: web.WebSocketResponse[Literal[True]], request: web.Request
    ) -> None:
        self._peer = peer
        self._ws = ws
        self._transport = request.transport
        self.headers = request.headers
        self.requests: asyncio.Queue[Request] = asyncio.Queue()
        self.frames: list[str] = []
        self.closed = asyncio.Event()

    async def take(self) -> Request:
        """The next request that the edge forwarded."""
        async with asyncio.timeout(WAIT_S):
            return await self.requests.get()

    async def begin(self, playback_id: str) -> Request:
        """The next request, which starts a stream, taken up as a reader does."""
        request = await self.take()
        await self.send(started(playback_id))
        return request

    async def send(self, frame: bytes) -> None:
        """Send a frame as it is."""
        await self._ws.send_frame(frame, WSMsgType.TEXT)

    def abort(self) -> None:
        """End as a killed process does."""
        if self._transport is not None:
            self._transport.abort()

    async def wait_closed(self) -> None:
        """Wait until the edge has closed the connection."""
        async with asyncio.timeout(WAIT_S):
            await self.closed.wait()

    async def serve(self) -> None:
        """Note what comes; `status` and `metrics` are answered, which the edge asks itself."""
        async for message in self._ws:
            if message.type is WSMsgType.TEXT:
                self.frames.append(message.data)
                request = messages.decode_request(message.data)
                if isinstance(request, Status | Metrics):
                    if not self._peer.hangs:
                        is_status = isinstance(request, Status)
                        await self.send(self._peer.status if is_status else METRICS)
                else:
                    self.requests.put_nowait(request)
        self.closed.set()


class Peer:
    """A server on a Unix socket that can be stopped and started again."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket
        self.status = STATUS
        self.hangs = False
        """Whether it says nothing of how it is."""

        self._connections: asyncio.Queue[PeerConnection] = asyncio.Queue()
        self._open: set[PeerConnection] = set()
        self._runner: web.AppRunner | None = None

    @property
    def open_count(self) -> int:
        """Connections that clients have."""
        return sum(USER_HEADER in connection.headers for connection in self._open)

    async def start(self) -> None:
        """Listen."""
        app = web.Application()
        app.router.add_get("/", self._accept)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.UnixSite(self._runner, str(self.socket)).start()

    async def stop(self) -> None:
        """Go away with all connections."""
        runner, self._runner = self._runner, None
        if runner is not None:
            for connection in self._open:
                connection.abort()
            await runner.cleanup()
            self.socket.unlink(missing_ok=True)

    async def connection(self, client: FrameSender | None = None) -> PeerConnection:
        """The next connection that an edge opened; with a new client, the one for its first
        request, which states no cursor and is passed over.
        """
        if client is not None:
            await client.send(SetCursor())
        async with asyncio.timeout(WAIT_S):
            connection = await self._connections.get()
        if client is not None:
            assert await connection.take() == SetCursor()
            connection.frames.clear()
        return connection

    async def _accept(self, request: web.Request) -> web.StreamResponse:
        ws = web.WebSocketResponse(compress=False, timeout=0.1)
        await ws.prepare(request)
        connection = PeerConnection(self, ws, request)
        self._open.add(connection)
        if USER_HEADER in request.headers:  # else the edge asks for itself
            self._connections.put_nowait(connection)
        await connection.serve()
        self._open.discard(connection)
        return ws
