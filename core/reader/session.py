"""One client's connection to a reader: dispatches its requests and owns its one stream."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

import msgspec
from aiohttp import WSMsgType, web

from core.effect import moment
from core.effect.moment import Moment
from core.effect.published import Published
from core.errors import QueryError
from core.ordering import Timebase
from core.reader import discover, fields, health, neighbour, summary
from core.reader.budget import Allowance, Budget, BusyError, ExceededError, Share
from core.reader.discover import Discovery
from core.reader.exporting import Exporting
from core.reader.exports import Exports
from core.reader.latest import latest
from core.reader.links import Links
from core.reader.live import Tail
from core.reader.manifest_page import ManifestPage, is_manifest_key, manifest_page
from core.reader.query import page_of, reading_of, time_or
from core.reader.rejects import rejects
from core.reader.samples import Samples
from core.reader.selection import Selection
from core.reader.streaming import STREAM_REQUESTS, Streaming
from core.reader.submitter import Submitter
from core.reader.ui_state import UiStates
from core.reader.view import View
from core.submission import Asker
from sdk import export, protocol, timeline, timestamps
from sdk.endpoints import send_text
from sdk.errors import NovaError, ProtocolError
from sdk.protocol import Ref
from sdk.settings import Settings
from sdk.submission import AcknowledgeAlarm, ImportEvents, SubmitChat, SubmitCommand
from sdk.timeline import TimelineRequest
from sdk.timestamps import NS_MAX

CONCURRENT_REQUESTS_MAX = 4
ANSWER_TIMEOUT_S = 30.0
"""A client that does not receive a reply within this time is disconnected: others wait for its
memory budget.
"""

log = logging.getLogger(__name__)


class Session:
    """The requests, exports and stream of one connection; all end with it."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        view: View,
        tail: Tail,
        links: Links,
        samples: Samples,
        submitter: Submitter,
        asker: Asker,
        states: UiStates,
        published: Published,
        discovery: Discovery,
        settings: Settings,
        exports: Exports,
        budget: Budget,
        cut: Callable[[], None],
    ) -> None:
        """The last argument aborts the connection without a closing handshake."""
        self._allowance = Allowance(budget)
        self._cut = cut
        self._socket = socket
        self._view = view
        self._links = links
        self._samples = samples
        self._submitter = submitter
        self._asker = asker
        self._states = states
        self._published = published
        self._discovery = discovery
        self._settings = settings
        self._exporting = Exporting(view, exports, self.send)
        self._room = asyncio.Semaphore(CONCURRENT_REQUESTS_MAX)
        self._requests: set[asyncio.Task[None]] = set()
        self._streaming = Streaming(
            self, view, tail, settings, budget, is_replaying=asker.is_replaying
        )

    async def run(self) -> None:
        """Serve until the client disconnects, then stop its stream, requests and exports."""
        try:
            async for message in self._socket:
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    await self._receive(message.data)
        finally:
            await self._streaming.close()
            for task in self._requests:
                task.cancel()
            await self._exporting.close()

    async def _receive(self, frame: bytes | str) -> None:
        try:
            request = protocol.decode_request(frame)
        except ProtocolError as error:
            await self._fail(protocol.ref_of(frame), error.code, error.message)
            return
        if isinstance(request, STREAM_REQUESTS):
            await self._answer(request, self._asker)
            return
        await self._room.acquire()
        # Whether it is sent from a replay is decided on receipt, before later stream requests.
        task = asyncio.create_task(self._answer(request, self._asker_now()))
        self._requests.add(task)
        task.add_done_callback(self._answered)

    def _asker_now(self) -> Asker:
        """The principal, with whether its client is replaying now."""
        return msgspec.structs.replace(self._asker, is_replaying=self._streaming.is_replaying)

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._requests.discard(task)
        self._room.release()

    async def _answer(self, request: protocol.Request, asker: Asker) -> None:
        """Reply to one request; a failure becomes an error reply and affects nothing else."""
        with contextlib.suppress(ConnectionError):
            try:
                await self._serve(request, asker)
            except BusyError as error:
                busy = protocol.Error(
                    code=error.code, message=error.message, retry_after_ms=error.retry_after_ms
                )
                await self.send(busy, request.ref)
            except (QueryError, ProtocolError) as error:
                await self.refuse(request, error.code, error.message)
            except NovaError as error:
                log.error("request failed", extra={"context": {"error": str(error)}})
                await self.refuse(request, "archive", str(error))
            except ConnectionError:
                return
            except Exception:
                log.exception("request failed")
                await self.refuse(request, "internal", "the Core failed; see its log")

    async def _serve(self, request: protocol.Request, asker: Asker) -> None:
        """Answer a request while it holds budget, again with more if its reply needs that."""
        size = 0
        while True:
            try:
                async with self._allowance.answer(request, size) as share:
                    await self._dispatch(request, asker, share)
                return
            except ExceededError as error:
                size = error.size

    async def _dispatch(self, request: protocol.Request, asker: Asker, share: Share) -> None:
        match request:
            case protocol.Query():
                await self._query(request, share)
            case protocol.StartStream() | protocol.CancelStream() | protocol.SetCursor():
                await self._streaming.answer(request)
            case protocol.Discover():
                await self._discover(request, share)
            case protocol.Latest():
                await self._latest(request, share)
            case protocol.GetUiState():
                await self._ui_state(request, share)
            case protocol.Rejects():
                page = await rejects(self._view, request, share.page_bytes)
                page.ref = request.ref
                await self._write_page(protocol.encode(page), share)
            case protocol.Status():
                reply = health.status(self._view, self._settings, self._links, self._submitter)
                await self.send(reply, request.ref)
            case protocol.Links():
                links = self._links.describe(self._view)
                await self.send(protocol.LinksResponse(links=links), request.ref)
            case SubmitCommand() | SubmitChat() | AcknowledgeAlarm() | ImportEvents():
                await self.send(await self._submitter.submit(asker, request), request.ref)
            case export.Export() | export.CancelExport() | export.Drivers():
                await self._exporting.answer(request, self._timebase)
            case _:
                await self.send(await self._timeline(request), request.ref)

    async def _timeline(self, request: TimelineRequest) -> protocol.Message:
        snapshot, timebase = self._view, self._settings.chosen_timebase()
        match request:
            case timeline.Fields():
                return fields.fields(snapshot, request)
            case timeline.Summary():
                return await summary.summary(snapshot, request, request.timebase or timebase)
            case timeline.Sample():
                return await self._samples.answer(request, request.timebase or timebase)
            case timeline.Extent():
                return await neighbour.extent(snapshot, request.timebase or timebase)
            case timeline.Neighbour():
                return await neighbour.neighbour(snapshot, request, request.timebase or timebase)

    # --- requests ---------------------------------------------------------------------------------

    async def _query(self, request: protocol.Query, share: Share) -> None:
        range_cursor = reading_of(self._view, request, self._timebase(request.timebase))
        page = await page_of(range_cursor, request.limit, share.page_bytes)
        more: dict[str, object] = {} if page.next_key is None else {"nextKey": page.next_key}
        await self._write_page(
            protocol.events_frame("queryResponse", request.ref, page.events, more), share
        )

    async def _discover(self, request: protocol.Discover, share: Share) -> None:
        at = self._moment(request)
        self._view.refresh()
        event_filter = Selection(request.filters, self._view.series)
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
            page = discover.Page([], published.next_key)
        time = timestamps.text(at.time_ns)
        frame = discover.frame_of(request.ref, time, page, published.manifests)
        await self._write_page(frame, share)

    async def _ui_state(self, request: protocol.GetUiState, share: Share) -> None:
        at = self._moment(request)
        states = await self._states.answer(request, at.timebase, at.time_ns, share.page_bytes)
        states.ref = request.ref
        await self._write_page(protocol.encode(states), share)

    async def _latest(self, request: protocol.Latest, share: Share) -> None:
        at = self._moment(request)
        self._view.refresh()
        event_filter = Selection(request.filters, self._view.series)
        page = await latest(
            self._view,
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
        frame = protocol.events_frame("latestResponse", request.ref, events, head)
        await self._write_page(frame, share)

    # --- sending ----------------------------------------------------------------------------------

    def _timebase(self, asked: Timebase | None) -> Timebase:
        return asked or self._settings.chosen_timebase()

    def _moment(self, request: protocol.Discover | protocol.Latest | protocol.GetUiState) -> Moment:
        """The time given in a request, or now."""
        timebase = self._timebase(request.timebase)
        if request.time is None:
            return moment.now(timebase, self._view.mark)
        return moment.at(timebase, time_or("time", request.time, NS_MAX))

    async def send(self, reply: protocol.Message, ref: Ref, *, of_stream: bool = False) -> None:
        """Send a reply to a request, or (`of_stream`) a message of the stream."""
        reply.ref = ref
        await self.write(protocol.encode(reply), of_stream=of_stream)

    async def _write_page(self, frame: bytes, share: Share) -> None:
        """Send a reply for whose bytes budget must be held."""
        share.check(len(frame))
        await self.write(frame)

    async def _fail(self, ref: Ref, code: str, message: str) -> None:
        await self.send(protocol.Error(code=code, message=message), ref)

    async def refuse(self, request: protocol.Request, code: str, message: str) -> None:
        """Send the error that rejects a request or ends its stream."""
        error = protocol.Error(code=code, message=message)
        if isinstance(request, protocol.StartStream):
            error.playback_request_id = request.playback_request_id
        await self.send(error, request.ref)

    async def write(self, frame: bytes, *, of_stream: bool = False) -> None:
        """Send an encoded frame. A frame of a stream may wait for the client without limit; a
        client that does not receive a reply within ANSWER_TIMEOUT_S is disconnected.
        """
        try:
            async with asyncio.timeout(None if of_stream else ANSWER_TIMEOUT_S):
                await send_text(self._socket, frame)
        except TimeoutError:
            log.warning("client disconnected: it did not receive its reply in time")
            self._cut()
            raise ConnectionResetError("the client did not receive its reply in time") from None
