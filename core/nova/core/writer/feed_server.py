"""The feed server: pushes every durable commit and the state of the links to the connected readers,
on the writer's socket. A reader that is in no hurry asks for a pause, in which commits gather: it
and the writer then wake less often.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

from nova.core import commit_feed
from nova.core.commit_feed import CommitFrame, LinkStates, WriterMetrics
from nova.sdk.connection_ends import close_all, departures
from nova.sdk.own_socket import OwnSocket

PENDING_MAX_FRAMES = 64
"""A reader with more pending frames gets only watermarks, without events, until it catches up."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = logging.getLogger(__name__)


class FeedServer:
    """The connected readers, each with a bounded queue of frames."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._queues: set[asyncio.Queue[bytes]] = set()
        self._connections: dict[web.WebSocketResponse, web.Request] = {}
        self._runner: web.AppRunner | None = None
        self._app = web.Application(middlewares=[departures])
        self._watermark = CommitFrame(0, [], None)
        self._links = LinkStates({})

    def add_route(self, path: str, serve: Handler, method: str = "GET") -> None:
        """Add a route to the same socket; call it before `start`."""
        self._app.router.add_route(method, path, serve)

    async def start(self, watermark: int) -> None:
        """Listen; the first frame to each reader is the watermark, at first the given one."""
        self._watermark = CommitFrame(watermark, [], None)
        self._app.router.add_get("/", self._serve)
        self._runner = web.AppRunner(self._app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await OwnSocket(self._runner, self._path).start()

    def publish(self, committed: CommitFrame) -> None:
        """Queue a durable commit for every reader; call it in commit order."""
        self._watermark = CommitFrame(committed.watermark, [], None)
        whole: bytes | None = None
        for queue in self._queues:
            if queue.qsize() >= PENDING_MAX_FRAMES:
                with contextlib.suppress(asyncio.QueueEmpty):
                    while True:
                        queue.get_nowait()
                queue.put_nowait(commit_feed.FRAMES.encode(committed.without_events()))
                continue
            if whole is None:
                whole = commit_feed.encode_commit(committed)
            queue.put_nowait(whole)

    def publish_links(self, links: LinkStates) -> None:
        """Queue the state of the links for every reader, which also takes it as a heartbeat."""
        self._links = links
        self._publish_if_room(links)

    def publish_metrics(self, metrics: WriterMetrics) -> None:
        """Queue the writer's metrics for every reader."""
        self._publish_if_room(metrics)

    def _publish_if_room(self, news: LinkStates | WriterMetrics) -> None:
        """Queue what is soon replaced by newer news, but not for readers that are behind."""
        frame = commit_feed.FRAMES.encode(news)
        for queue in self._queues:
            if queue.qsize() < PENDING_MAX_FRAMES:
                queue.put_nowait(frame)

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        try:
            pause_s = commit_feed.pause_of(request.query)
        except ValueError as error:
            raise web.HTTPBadRequest(text=str(error)) from None
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        queue.put_nowait(commit_feed.FRAMES.encode(self._watermark))
        if self._links.states:
            queue.put_nowait(commit_feed.FRAMES.encode(self._links))
        self._queues.add(queue)
        self._connections[socket] = request
        sender = asyncio.create_task(send_frames(socket, queue, pause_s))
        try:
            async for _ in socket:
                pass  # readers send nothing here; a disconnect ends the loop
        finally:
            self._queues.discard(queue)
            del self._connections[socket]
            sender.cancel()
        return socket

    async def stop(self) -> None:
        await close_all(self._connections)
        if self._runner is not None:
            await self._runner.cleanup()


async def send_frames(
    socket: web.WebSocketResponse, queue: asyncio.Queue[bytes], pause_s: float
) -> None:
    """Send frames, after each pause all that have gathered."""
    with contextlib.suppress(ConnectionError):
        while True:
            await socket.send_bytes(await queue.get())
            if pause_s and queue.empty():
                await asyncio.sleep(pause_s)
