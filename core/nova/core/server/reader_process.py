"""The reader process: follows the writer's commit feed and serves clients on a Unix socket."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import aiohttp
from aiohttp import WSMsgType, web

from nova.core import commit_feed
from nova.core.effect.published import PublishedMetadata
from nova.core.errors import ArchiveError
from nova.core.metrics.report import METRICS_PATH
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.column_query import ColumnQueries
from nova.core.query.discover import Discovery
from nova.core.query.find_query import FindQueries
from nova.core.query.memory_budget import MemoryBudget
from nova.core.query.sample_query import SampleQueries
from nova.core.query.ui_state import UiStates
from nova.core.scratch import scratch_folder
from nova.core.server import instance_status
from nova.core.server.audit_intake import AuditIntake, AuditRecorder
from nova.core.server.export_jobs import ExportJobs
from nova.core.server.followed_status import LiveStatus
from nova.core.server.link_registry import LinkRegistry
from nova.core.server.live_alarms import LiveAlarms
from nova.core.server.live_stream import LiveTail
from nova.core.server.metrics_board import MetricsBoard
from nova.core.server.owner_timeline import OwnerTimelines
from nova.core.server.principal import principal_of, request_max_bytes
from nova.core.server.reader_limits import READER_LIMITS, ReaderLimits
from nova.core.server.reader_metrics import ReaderMetrics
from nova.core.server.services import Services
from nova.core.server.session import ReaderSession
from nova.core.server.submission_client import SubmissionClient
from nova.core.store.archive import Archive
from nova.core.store.secondary import open_secondary_archive
from nova.sdk import archive_id, connection_ends, endpoints, lifecycle
from nova.sdk.channel import ChannelError
from nova.sdk.events.audit_entry import AUDIT_PATH
from nova.sdk.own_socket import OwnSocket
from nova.sdk.process_states import ProcessStates
from nova.sdk.protocol.messages import FRAME_MAX_BYTES, StatusResponse
from nova.sdk.protocol.submission import IDENTITY_HEADER_MAX_BYTES
from nova.sdk.settings import MIB, Settings

FEED_RETRY_S = 0.1
HEARTBEAT_S = 30.0
FIRST_WATERMARK_TIMEOUT_S = 30.0

log = logging.getLogger(__name__)


class Reader:
    """One archive snapshot, its live tail, and the sessions that share them."""

    def __init__(
        self,
        settings: Settings,
        archive: Archive,
        scratch: Path,
        limits: ReaderLimits = READER_LIMITS,
        processes: ProcessStates | None = None,
    ) -> None:
        snapshot, links = ArchiveSnapshot(archive), LinkRegistry(limits.writer_silence_s)
        data, published = settings.data_folder(), PublishedMetadata(snapshot, settings.own_scope())
        submissions = SubmissionClient(endpoints.writer_socket(data), lambda: links.writer_hangs)
        self.metrics_board = board = MetricsBoard(_reporting(settings), SOMETIMES_REPORTING)
        self._services = Services(
            settings=settings,
            snapshot=snapshot,
            tail=LiveTail(snapshot, settings.feed_keep_events),
            links=links,
            samples=SampleQueries(snapshot, data, scratch / "samples", limits.samples),
            findings=FindQueries(snapshot, data, scratch / "find", limits.finding),
            columns=ColumnQueries(snapshot, data, scratch / "columns", limits.columns),
            ui_states=UiStates(snapshot, data, scratch / "checkpoints"),
            alarms=LiveAlarms.open(snapshot, data, scratch / "alarms", settings.own_scope()),
            status=LiveStatus(self._read_status),
            published=published,
            discovery=Discovery(snapshot, published),
            submissions=submissions,
            audit=AuditRecorder(submissions),
            exports=ExportJobs(settings),
            budget=MemoryBudget(settings.answers_mib * MIB),
            timelines=OwnerTimelines(),
            processes=processes or ProcessStates(),
            metrics=ReaderMetrics(),
            other_metrics=board,
            pending_max_events=limits.pending_max_events,
        )
        self.audit = AuditIntake(submissions)
        self._connections: dict[web.WebSocketResponse, web.Request] = {}
        self._sessions: set[ReaderSession] = set()
        self.site: web.BaseSite | None = None  # where it listens
        self.watermark_known = asyncio.Event()

    def _read_status(self, is_whole: bool) -> StatusResponse:
        services = self._services
        return instance_status.status(
            services.snapshot,
            services.settings,
            services.links,
            services.submissions,
            services.processes,
            services.other_metrics.configured() if is_whole else (),
        )

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
                self._services.links.on_writer_disconnected()
                self.metrics_board.forget("writer")
                await asyncio.sleep(FEED_RETRY_S)

    async def _follow_once(self, session: aiohttp.ClientSession) -> None:
        async with session.ws_connect(
            "http://localhost/",
            max_msg_size=commit_feed.FEED_FRAME_MAX_BYTES,
            heartbeat=HEARTBEAT_S,
        ) as socket:
            self._services.links.on_writer_connected()
            async for message in socket:
                if message.type is not WSMsgType.BINARY:
                    break
                self._services.links.on_writer_message()
                try:
                    news = commit_feed.FRAMES.decode(message.data)
                except ChannelError:
                    log.exception("undecodable commit feed message; reconnecting")
                    break
                await self._apply(news)

    async def _apply(self, message: commit_feed.FeedFrame) -> None:
        if isinstance(message, commit_feed.LinkStates):
            self._services.links.update(message.states)
            return
        if isinstance(message, commit_feed.WriterMetrics):
            self.metrics_board.receive("writer", message.metrics, configured=message.configured)
            return
        await self._services.tail.apply(message)
        self.watermark_known.set()

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one client's connection until it closes."""
        principal = principal_of(request)
        socket = web.WebSocketResponse(
            # aiohttp refuses messages of max_msg_size and more; one of exactly the limit is valid.
            compress=False,
            max_msg_size=request_max_bytes(principal) + 1,
            heartbeat=HEARTBEAT_S,
        )
        await socket.prepare(request)
        abort = partial(connection_ends.abort, request)
        session = ReaderSession(self._services, socket, principal, abort)
        self._connections[socket] = request
        self._sessions.add(session)
        try:
            await session.run()
        finally:
            self._sessions.discard(session)
            del self._connections[socket]
        return socket

    async def drain(self) -> None:
        """Listen no longer, and let every connection end when its requests are answered."""
        if self.site is not None:
            await self.site.stop()
        await asyncio.gather(*(session.drain() for session in self._sessions))

    async def disconnect(self) -> None:
        """Close every client connection and the one to the writer."""
        await connection_ends.close_all(self._connections)
        await self._services.submissions.close()

    async def sweep_exports(self) -> None:
        """Sweep expired and abandoned exports periodically until cancelled."""
        await self._services.exports.sweep_periodically()

    def close(self) -> None:
        """Close the derived databases; the archive belongs to the caller."""
        self._services.samples.close()
        self._services.findings.close()
        self._services.columns.close()
        self._services.ui_states.close()
        self._services.alarms.close()


@asynccontextmanager
async def open_reader(
    settings: Settings,
    limits: ReaderLimits = READER_LIMITS,
    processes: ProcessStates | None = None,
) -> AsyncIterator[Reader]:
    """A listening reader whose archive is open and whose watermark is known.

    Raises TimeoutError if the writer announces none within FIRST_WATERMARK_TIMEOUT_S.
    """
    data = settings.data_folder()
    async with AsyncExitStack() as stack:
        scratch = stack.enter_context(scratch_folder("reader"))
        opening = open_secondary_archive(data, scratch / "truth", settings.memory_bytes())
        archive = stack.enter_context(opening)
        reader = Reader(settings, archive, scratch, limits, processes)
        stack.callback(reader.close)
        listening = asyncio.create_task(reader.follow(endpoints.writer_socket(data)))
        stack.push_async_callback(_cancel, listening)
        async with asyncio.timeout(FIRST_WATERMARK_TIMEOUT_S):
            await reader.watermark_known.wait()
        tidying = asyncio.create_task(reader.sweep_exports())
        stack.push_async_callback(_cancel, tidying)
        await _listen(stack, reader, endpoints.reader_socket(data))
        yield reader


SOMETIMES_REPORTING = ("alarms",)
"""Processes that are started when they are needed."""


def _reporting(settings: Settings) -> list[str]:
    """The processes of the Core that report their metrics to the reader."""
    files = ["files"] if settings.chosen_drivers() else []
    derive = ["derive"] if settings.definitions else []
    notifier = ["notifier"] if settings.notifications else []
    return ["writer", "sampler", *files, *derive, *notifier]


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait((task,))


async def _listen(stack: AsyncExitStack, reader: Reader, path: Path) -> None:
    app = web.Application(middlewares=[connection_ends.departures], client_max_size=FRAME_MAX_BYTES)
    app.router.add_get("/", reader.serve)
    app.router.add_post(AUDIT_PATH, reader.audit.post)
    app.router.add_post(METRICS_PATH, reader.metrics_board.post)
    runner = web.AppRunner(
        app,
        access_log=None,
        shutdown_timeout=1.0,
        max_field_size=IDENTITY_HEADER_MAX_BYTES,
    )
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    reader.site = OwnSocket(runner, path)
    await reader.site.start()
    stack.push_async_callback(reader.disconnect)


async def serve(settings: Settings, *, exit_with_stdin: bool = False) -> None:
    """Run the reader until a stop signal or until the archive in the data folder is replaced."""
    processes = ProcessStates()
    stop = lifecycle.stop_event(exit_with_stdin, processes.apply)
    lifecycle.prepare_for_batches()
    data = settings.data_folder()
    served = archive_id.require_at_start(data, settings.archive)
    async with open_reader(settings, processes=processes) as reader:
        lifecycle.print_ready("reader", data=str(data))
        log.info("reader ready")
        await lifecycle.run_until_stopped(
            archive_id.watch(data, served),
            stop,
            lambda: lifecycle.drain(reader.drain(), stop, settings.drain_s),
        )
