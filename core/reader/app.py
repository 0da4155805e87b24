"""The reader process: follows the writer's commit feed and serves clients on a Unix socket."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import aiohttp
import msgspec
from aiohttp import WSMsgType, web

from core import feed
from core.effect.published import Published
from core.errors import ArchiveError
from core.reader.asker import asker_of, request_max_bytes
from core.reader.budget import Budget
from core.reader.discover import Discovery
from core.reader.exports import Exports
from core.reader.links import Links
from core.reader.live import Tail
from core.reader.samples import Samples
from core.reader.session import Session
from core.reader.submitter import Submitter
from core.reader.ui_state import UiStates
from core.reader.view import View
from core.scratch import scratch_folder
from core.store.archive import Archive
from core.store.secondary import following
from sdk import archive_id, endpoints, lifecycle
from sdk.settings import MIB, Settings

FEED_RETRY_S = 0.1
HEARTBEAT_S = 30.0
FIRST_MARK_TIMEOUT_S = 30.0

log = logging.getLogger(__name__)


class Reader:
    """One archive snapshot, its live tail, and the sessions that share them."""

    def __init__(self, settings: Settings, archive: Archive, scratch: Path) -> None:
        self._settings = settings
        self._view = View(archive)
        self._samples = Samples(self._view, settings.folder(), scratch / "samples")
        self._states = UiStates(self._view, settings.folder(), scratch / "checkpoints")
        self._published = Published(self._view, settings.own_scope())
        self._discovery = Discovery(self._view, self._published)
        self._tail = Tail(self._view, settings.feed_keep_events)
        self._connections: dict[web.WebSocketResponse, web.Request] = {}
        self._links = Links()
        self._submitter = Submitter(
            endpoints.writer_socket(settings.folder()), lambda: self._links.writer_hangs
        )
        self._exports = Exports(settings)
        self._budget = Budget(settings.answers_mib * MIB)
        self.marked = asyncio.Event()

    async def follow(self, path: Path) -> None:
        """Apply the writer's commits until cancelled. While the writer is away, the archive is
        served as of the last known watermark.
        """
        connector = aiohttp.UnixConnector(str(path))
        async with aiohttp.ClientSession(connector=connector) as session:
            while True:
                try:
                    await self._follow_once(session)
                except (OSError, aiohttp.ClientError) as error:
                    log.debug("no writer", extra={"context": {"error": str(error)}})
                except ArchiveError as error:
                    # Nothing is lost: announced commits are read from the store after reconnecting.
                    log.error("cannot follow", extra={"context": {"error": str(error)}})
                self._links.writer_went()
                await asyncio.sleep(FEED_RETRY_S)

    async def _follow_once(self, session: aiohttp.ClientSession) -> None:
        async with session.ws_connect(
            "http://localhost/", max_msg_size=feed.FEED_FRAME_MAX_BYTES, heartbeat=HEARTBEAT_S
        ) as socket:
            self._links.writer_came()
            async for message in socket:
                if message.type is not WSMsgType.BINARY:
                    break
                self._links.heard()
                try:
                    news = feed.decode(message.data)
                except msgspec.DecodeError:
                    log.exception("undecodable commit feed message; reconnecting")
                    break
                await self._take(news)

    async def _take(self, news: feed.News) -> None:
        if isinstance(news, feed.LinkStates):
            self._links.note(news.states)
            return
        await self._tail.note(news)
        self.marked.set()

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one client's connection until it closes."""
        principal = asker_of(request)
        socket = web.WebSocketResponse(
            # aiohttp refuses messages of max_msg_size and more; one of exactly the limit is valid.
            compress=False,
            max_msg_size=request_max_bytes(principal) + 1,
            heartbeat=HEARTBEAT_S,
        )
        await socket.prepare(request)
        session = Session(
            socket,
            self._view,
            self._tail,
            self._links,
            self._samples,
            self._submitter,
            principal,
            self._states,
            self._published,
            self._discovery,
            self._settings,
            self._exports,
            self._budget,
            partial(endpoints.abort, request),
        )
        self._connections[socket] = request
        try:
            await session.run()
        finally:
            del self._connections[socket]
        return socket

    async def disconnect(self) -> None:
        """Close every client connection and the one to the writer."""
        await endpoints.hang_up(self._connections)
        await self._submitter.close()

    async def keep_tidy(self) -> None:
        """Sweep expired and abandoned exports periodically until cancelled."""
        await self._exports.keep_tidy()

    def close(self) -> None:
        """Close the derived databases; the archive belongs to the caller."""
        self._samples.close()
        self._states.close()


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Reader]:
    """A listening reader whose archive is open and whose watermark is known.

    Raises TimeoutError if the writer announces none within FIRST_MARK_TIMEOUT_S.
    """
    data = settings.folder()
    async with AsyncExitStack() as stack:
        scratch = stack.enter_context(scratch_folder("reader"))
        opening = following(data, scratch / "truth", settings.memory_bytes())
        archive = stack.enter_context(opening)
        reader = Reader(settings, archive, scratch)
        stack.callback(reader.close)
        listening = asyncio.create_task(reader.follow(endpoints.writer_socket(data)))
        stack.push_async_callback(_cancelled, listening)
        async with asyncio.timeout(FIRST_MARK_TIMEOUT_S):
            await reader.marked.wait()
        tidying = asyncio.create_task(reader.keep_tidy())
        stack.push_async_callback(_cancelled, tidying)
        await _listen(stack, reader, endpoints.reader_socket(data))
        yield reader


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait((task,))


async def _listen(stack: AsyncExitStack, reader: Reader, path: Path) -> None:
    app = web.Application()
    app.router.add_get("/", reader.serve)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.UnixSite(runner, str(endpoints.claim(path))).start()
    stack.push_async_callback(reader.disconnect)


async def serve(settings: Settings, *, exit_with_stdin: bool = False) -> None:
    """Run the reader until a stop signal or until the archive in the data folder is replaced."""
    stop = lifecycle.stop_event(exit_with_stdin)
    lifecycle.collect_seldom()
    data = settings.folder()
    served = archive_id.require_at_start(data, settings.archive)
    async with opened(settings):
        lifecycle.say_ready("reader", data=str(data))
        log.info("reader ready")
        await lifecycle.until_stopped(archive_id.watch(data, served), stop)
