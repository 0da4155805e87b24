"""One client's connection to a reader: dispatches its requests and owns its one stream."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

import msgspec
from aiohttp import WSMsgType, web

from nova.core.effect import moment
from nova.core.effect.moment import Moment
from nova.core.effect.published import PublishedMetadata
from nova.core.errors import RequestError
from nova.core.ordering import Timebase
from nova.core.query import discover, fields, neighbour, summary
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.discover import Discovery
from nova.core.query.event_filter import EventFilter
from nova.core.query.latest import latest
from nova.core.query.manifest_page import ManifestPage, is_manifest_key, manifest_page
from nova.core.query.memory_budget import (
    ConnectionBudget,
    ExceededError,
    MemoryBudget,
    ReaderBusyError,
    Share,
)
from nova.core.query.page import parse_time_or, range_cursor_of, read_page
from nova.core.query.rejects import rejects
from nova.core.query.sample_query import SampleQueries
from nova.core.query.ui_state import UiStates
from nova.core.server import instance_status
from nova.core.server.active_stream import STREAM_REQUESTS, ActiveStream
from nova.core.server.export_jobs import ExportJobs
from nova.core.server.export_requests import ExportRequests
from nova.core.server.link_registry import LinkRegistry
from nova.core.server.live_stream import LiveTail
from nova.core.server.submission_client import SubmissionClient
from nova.core.submission_messages import Principal
from nova.sdk import timestamps
from nova.sdk.endpoints import send_text
from nova.sdk.errors import NovaError, ProtocolError
from nova.sdk.protocol import export, messages, timeline
from nova.sdk.protocol.messages import Ref
from nova.sdk.protocol.submission import AcknowledgeAlarm, ImportEvents, SubmitChat, SubmitCommand
from nova.sdk.protocol.timeline import TimelineRequest
from nova.sdk.settings import Settings
from nova.sdk.timestamps import NS_MAX

CONCURRENT_REQUESTS_MAX = 4
SEND_TIMEOUT_S = 30.0
"""A client that does not receive a reply within this time is disconnected: others wait for its
memory budget.
"""

log = logging.getLogger(__name__)


class ReaderSession:
    """The requests, exports and stream of one connection; all end with it."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        snapshot: ArchiveSnapshot,
        tail: LiveTail,
        links: LinkRegistry,
        samples: SampleQueries,
        submission_client: SubmissionClient,
        principal: Principal,
        ui_states: UiStates,
        published: PublishedMetadata,
        discovery: Discovery,
        settings: Settings,
        exports: ExportJobs,
        budget: MemoryBudget,
        abort: Callable[[], None],
    ) -> None:
        """The last argument aborts the connection without a closing handshake."""
        self._budget = ConnectionBudget(budget)
        self._abort = abort
        self._socket = socket
        self._snapshot = snapshot
        self._links = links
        self._samples = samples
        self._submission_client = submission_client
        self._principal = principal
        self._ui_states = ui_states
        self._published = published
        self._discovery = discovery
        self._settings = settings
        self._export_requests = ExportRequests(snapshot, exports, self.send)
        self._slots = asyncio.Semaphore(CONCURRENT_REQUESTS_MAX)
        self._requests: set[asyncio.Task[None]] = set()
        self._active_stream = ActiveStream(
            self, snapshot, tail, settings, budget, is_replaying=principal.is_replaying
        )

    async def run(self) -> None:
        """Serve until the client disconnects, then stop its stream, requests and exports."""
        try:
            async for message in self._socket:
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    await self._receive(message.data)
        finally:
            await self._active_stream.close()
            for task in self._requests:
                task.cancel()
            await self._export_requests.close()

    async def _receive(self, frame: bytes | str) -> None:
        try:
            request = messages.decode_request(frame)
        except ProtocolError as error:
            await self._send_error(messages.ref_of(frame), error.code, error.message)
            return
        if isinstance(request, STREAM_REQUESTS):
            await self._handle(request, self._principal)
            return
        await self._slots.acquire()
        # Whether it is sent from a replay is decided on receipt, before later stream requests.
        task = asyncio.create_task(self._handle(request, self._current_principal()))
        self._requests.add(task)
        task.add_done_callback(self._finish)

    def _current_principal(self) -> Principal:
        """The principal, with whether its client is replaying now."""
        return msgspec.structs.replace(
            self._principal, is_replaying=self._active_stream.is_replaying
        )

    def _finish(self, task: asyncio.Task[None]) -> None:
        self._requests.discard(task)
        self._slots.release()

    async def _handle(self, request: messages.Request, principal: Principal) -> None:
        """Reply to one request; a failure becomes an error reply and affects nothing else."""
        with contextlib.suppress(ConnectionError):
            try:
                await self._serve(request, principal)
            except ReaderBusyError as error:
                busy = messages.Error(
                    code=error.code, message=error.message, retry_after_ms=error.retry_after_ms
                )
                await self.send(busy, request.ref)
            except (RequestError, ProtocolError) as error:
                await self.refuse(request, error.code, error.message)
            except NovaError as error:
                log.error("request failed", extra={"context": {"error": str(error)}})
                await self.refuse(request, "archive", str(error))
            except ConnectionError:
                return
            except Exception:
                log.exception("request failed")
                await self.refuse(request, "internal", "the Core failed; see its log")

    async def _serve(self, request: messages.Request, asker: Principal) -> None:
        """Answer a request while it holds budget, again with more if its reply needs that."""
        size = 0
        while True:
            try:
                async with self._budget.hold_reply(request, size) as share:
                    await self._dispatch(request, asker, share)
                return
            except ExceededError as error:
                size = error.size

    async def _dispatch(
        self, request: messages.Request, principal: Principal, share: Share
    ) -> None:
        match request:
            case messages.Query():
                await self._query(request, share)
            case messages.StartStream() | messages.CancelStream() | messages.SetCursor():
                await self._active_stream.handle(request)
            case messages.Discover():
                await self._discover(request, share)
            case messages.Latest():
                await self._latest(request, share)
            case messages.GetUiState():
                await self._ui_state(request, share)
            case messages.Rejects():
                page = await rejects(self._snapshot, request, share.page_bytes)
                page.ref = request.ref
                await self._write_page(messages.encode(page), share)
            case messages.Status():
                reply = instance_status.status(
                    self._snapshot, self._settings, self._links, self._submission_client
                )
                await self.send(reply, request.ref)
            case messages.Links():
                links = self._links.describe(self._snapshot)
                await self.send(messages.LinksResponse(links=links), request.ref)
            case SubmitCommand() | SubmitChat() | AcknowledgeAlarm() | ImportEvents():
                await self.send(
                    await self._submission_client.submit(principal, request), request.ref
                )
            case export.Export() | export.CancelExport() | export.Drivers():
                await self._export_requests.handle(request, self._timebase)
            case _:
                await self.send(await self._timeline(request), request.ref)

    async def _timeline(self, request: TimelineRequest) -> messages.Message:
        snapshot, timebase = self._snapshot, self._settings.chosen_timebase()
        match request:
            case timeline.Fields():
                return fields.list_fields(snapshot, request)
            case timeline.Summary():
                return await summary.summarize(snapshot, request, request.timebase or timebase)
            case timeline.Sample():
                return await self._samples.respond(request, request.timebase or timebase)
            case timeline.Extent():
                return await neighbour.extent(snapshot, request.timebase or timebase)
            case timeline.Neighbour():
                return await neighbour.neighbour(snapshot, request, request.timebase or timebase)

    # --- requests ---------------------------------------------------------------------------------

    async def _query(self, request: messages.Query, share: Share) -> None:
        range_cursor = range_cursor_of(self._snapshot, request, self._timebase(request.timebase))
        page = await read_page(range_cursor, request.limit, share.page_bytes)
        more: dict[str, object] = {} if page.next_key is None else {"nextKey": page.next_key}
        await self._write_page(
            messages.events_frame("queryResponse", request.ref, page.events, more), share
        )

    async def _discover(self, request: messages.Discover, share: Share) -> None:
        at = self._moment(request)
        self._snapshot.refresh()
        event_filter = EventFilter(request.filters, self._snapshot.series)
        after_key, room = request.after_key, share.page_bytes
        published = ManifestPage([], None)
        if is_manifest_key(after_key):
            published = manifest_page(self._published.manifests(at), after_key, room)
            after_key, room = None, room - published.size_bytes
        if published.next_key is None:
            page = await self._discovery.page(
                event_filter, at, limit=request.limit, after_key=after_key, max_bytes=room
            )
        else:
            page = discover.EntityPage([], published.next_key)
        time = timestamps.text(at.time_ns)
        frame = discover.encode_page(request.ref, time, page, published.manifests)
        await self._write_page(frame, share)

    async def _ui_state(self, request: messages.GetUiState, share: Share) -> None:
        at = self._moment(request)
        states = await self._ui_states.respond(request, at.timebase, at.time_ns, share.page_bytes)
        states.ref = request.ref
        await self._write_page(messages.encode(states), share)

    async def _latest(self, request: messages.Latest, share: Share) -> None:
        at = self._moment(request)
        self._snapshot.refresh()
        event_filter = EventFilter(request.filters, self._snapshot.series)
        page = await latest(
            self._snapshot,
            event_filter,
            at.timebase,
            at.time_ns,
            limit=request.limit,
            after_key=request.after_key,
            max_bytes=share.page_bytes,
        )
        head: dict[str, object] = {"time": timestamps.text(at.time_ns)}
        if page.next_key is not None:
            head["nextKey"] = page.next_key
        events = [stored for _, stored in page.events]
        frame = messages.events_frame("latestResponse", request.ref, events, head)
        await self._write_page(frame, share)

    # --- sending ----------------------------------------------------------------------------------

    def _timebase(self, requested: Timebase | None) -> Timebase:
        return requested or self._settings.chosen_timebase()

    def _moment(self, request: messages.Discover | messages.Latest | messages.GetUiState) -> Moment:
        """The time given in a request, or now."""
        timebase = self._timebase(request.timebase)
        if request.time is None:
            return moment.now(timebase, self._snapshot.watermark)
        return moment.moment_at(timebase, parse_time_or("time", request.time, NS_MAX))

    async def send(self, reply: messages.Message, ref: Ref, *, of_stream: bool = False) -> None:
        """Send a reply to a request, or (`of_stream`) a message of the stream."""
        reply.ref = ref
        await self.send_frame(messages.encode(reply), of_stream=of_stream)

    async def _write_page(self, frame: bytes, share: Share) -> None:
        """Send a reply for whose bytes budget must be held."""
        share.check(len(frame))
        await self.send_frame(frame)

    async def _send_error(self, ref: Ref, code: str, message: str) -> None:
        await self.send(messages.Error(code=code, message=message), ref)

    async def refuse(self, request: messages.Request, code: str, message: str) -> None:
        """Send the error that rejects a request or ends its stream."""
        error = messages.Error(code=code, message=message)
        if isinstance(request, messages.StartStream):
            error.playback_request_id = request.playback_request_id
        await self.send(error, request.ref)

    async def send_frame(self, frame: bytes, *, of_stream: bool = False) -> None:
        """Send an encoded frame. A frame of a stream may wait for the client without limit; a
        client that does not receive a reply within ANSWER_TIMEOUT_S is disconnected.
        """
        try:
            async with asyncio.timeout(None if of_stream else SEND_TIMEOUT_S):
                await send_text(self._socket, frame)
        except TimeoutError:
            log.warning("client disconnected: it did not receive its reply in time")
            self._abort()
            raise ConnectionResetError("the client did not receive its reply in time") from None
