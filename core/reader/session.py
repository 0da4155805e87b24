"""One client's connection to a reader: its requests, and the one stream it may have
(A-139…A-143).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence

import msgspec
from aiohttp import WSMsgType, web

from core.errors import QueryError
from core.ordering import Timebase
from core.reader import discover, fields, health, neighbour, summary
from core.reader.coalesce import Shed
from core.reader.discover import Discovery
from core.reader.exporting import Exporting
from core.reader.exports import Exports
from core.reader.latest import latest
from core.reader.links import Links
from core.reader.live import LiveStream, Tail
from core.reader.playback import Playback, Send, clip_to_archive, rate_of
from core.reader.published import Published
from core.reader.query import key_or_none, page_of, reading_of, time_or
from core.reader.reading import BEHIND_ALL, Found, Reading, Span
from core.reader.samples import Samples
from core.reader.selection import Selection
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
from sdk.timestamps import NS_MAX, NS_MIN

CONCURRENT_REQUESTS_MAX = 4

log = logging.getLogger(__name__)


class Session:
    """What one connection asked for; it dies with the connection."""

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
    ) -> None:
        self._socket = socket
        self._view = view
        self._tail = tail
        self._links = links
        self._samples = samples
        self._submitter = submitter
        self._asker = asker
        self._states = states
        self._published = published
        self._discovery = discovery
        self._settings = settings
        self._exporting = Exporting(view, exports, self._send)
        self._room = asyncio.Semaphore(CONCURRENT_REQUESTS_MAX)
        self._requests: set[asyncio.Task[None]] = set()
        self._stream: asyncio.Task[None] | None = None
        self._stream_id: str | None = None

    async def run(self) -> None:
        """Serve until the client goes, then stop whatever it still had going on."""
        try:
            async for message in self._socket:
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    await self._receive(message.data)
        finally:
            await self._cancel_stream()
            for task in self._requests:
                task.cancel()
            await self._exporting.close()

    async def _receive(self, frame: bytes | str) -> None:
        try:
            request = protocol.decode_request(frame)
        except ProtocolError as error:
            await self._fail(protocol.ref_of(frame), error.code, error.message)
            return
        if isinstance(request, protocol.StartStream | protocol.CancelStream):
            await self._answer(request, self._asker)
            return
        await self._room.acquire()
        # In replay is who asked for one last, also when it is paused or over (AMB-28).
        task = asyncio.create_task(self._answer(request, self._asker))
        self._requests.add(task)
        task.add_done_callback(self._answered)

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._requests.discard(task)
        self._room.release()

    async def _answer(self, request: protocol.Request, asker: Asker) -> None:
        """Answer one request; whatever goes wrong is said to the client and ends nothing else."""
        with contextlib.suppress(ConnectionError):
            try:
                await self._dispatch(request, asker)
            except (QueryError, ProtocolError) as error:
                await self._fail(request.ref, error.code, error.message)
            except NovaError as error:
                log.error("request failed", extra={"context": {"error": str(error)}})
                await self._fail(request.ref, "archive", str(error))
            except ConnectionError:
                return
            except Exception:
                log.exception("request failed")
                await self._fail(request.ref, "internal", "the Core failed; see its log")

    async def _dispatch(self, request: protocol.Request, asker: Asker) -> None:
        match request:
            case protocol.Query():
                await self._query(request)
            case protocol.StartStream():
                await self._start_stream(request)
            case protocol.CancelStream():
                await self._stop_stream(request)
            case protocol.Discover():
                await self._discover(request)
            case protocol.Latest():
                await self._latest(request)
            case protocol.GetUiState():
                at = time_or("time", request.time, self._now(request.timebase))
                timebase = self._timebase(request.timebase)
                await self._send(await self._states.answer(request, timebase, at), request.ref)
            case protocol.Rejects():
                await self._send(health.rejects(self._view, request), request.ref)
            case protocol.Status():
                reply = health.status(self._view, self._settings, self._links, self._submitter)
                await self._send(reply, request.ref)
            case protocol.Links():
                links = self._links.describe(self._view)
                await self._send(protocol.LinksResponse(links=links), request.ref)
            case SubmitCommand() | SubmitChat() | AcknowledgeAlarm() | ImportEvents():
                await self._send(await self._submitter.submit(asker, request), request.ref)
            case export.Export() | export.CancelExport() | export.Drivers():
                await self._exporting.answer(request, self._timebase)
            case _:
                await self._send(await self._timeline(request), request.ref)

    async def _timeline(self, request: TimelineRequest) -> protocol.Message:
        view, timebase = self._view, self._settings.chosen_timebase()
        match request:
            case timeline.Fields():
                return fields.fields(view, request)
            case timeline.Summary():
                return await summary.summary(view, request, request.timebase or timebase)
            case timeline.Sample():
                return await self._samples.answer(request, request.timebase or timebase)
            case timeline.Extent():
                return await neighbour.extent(view, request.timebase or timebase)
            case timeline.Neighbour():
                return await neighbour.neighbour(view, request, request.timebase or timebase)

    # --- requests ---------------------------------------------------------------------------------

    async def _query(self, request: protocol.Query) -> None:
        reading = reading_of(self._view, request, self._timebase(request.timebase))
        page = await page_of(reading, request.limit)
        more: dict[str, object] = {} if page.next_key is None else {"nextKey": page.next_key}
        await self._write(protocol.events_frame("queryResponse", request.ref, page.events, more))

    async def _discover(self, request: protocol.Discover) -> None:
        at = time_or("time", request.time, self._now(request.timebase))
        self._view.refresh()
        selection = Selection(request.filters, self._view.series)
        page = await self._discovery.page(
            selection,
            self._timebase(request.timebase),
            at,
            limit=request.limit,
            after_key=request.after_key,
        )
        is_first, time = request.after_key is None, timestamps.text(at)
        known = self._published.manifests(self._timebase(request.timebase), at) if is_first else []
        await self._write(discover.frame_of(request.ref, time, page, known))

    async def _latest(self, request: protocol.Latest) -> None:
        at = time_or("time", request.time, self._now(request.timebase))
        self._view.refresh()
        selection = Selection(request.filters, self._view.series)
        page = await latest(
            self._view,
            selection,
            self._timebase(request.timebase),
            at,
            limit=request.limit,
            after_key=request.after_key,
        )
        head: dict[str, object] = {"time": timestamps.text(at)}
        if page.next_key is not None:
            head["nextKey"] = page.next_key
        events = [stored for _, stored in page.events]
        await self._write(protocol.events_frame("latestResponse", request.ref, events, head))

    # --- the stream -------------------------------------------------------------------------------

    async def _start_stream(self, request: protocol.StartStream) -> None:
        """Stop the stream before, then start this one; one stream per connection (A-140)."""
        run = self._prepare(request)
        is_replaying = request.timeline_mode == "REPLAY"
        self._asker = msgspec.structs.replace(self._asker, is_replaying=is_replaying)
        await self._cancel_stream()
        self._stream_id = request.playback_request_id
        await self._send(protocol.StreamStarted(playback_request_id=self._stream_id), request.ref)
        self._stream = asyncio.create_task(self._play(request, run))

    def _prepare(self, request: protocol.StartStream) -> tuple[Reading, float | None]:
        """Check a stream request wholly before the one that plays is stopped."""
        rate, reverse = rate_of(request.rate)
        live = request.timeline_mode == "LIVE"
        if live and (reverse or rate not in (None, 1.0)):
            raise QueryError("badRate", "a LIVE stream runs at rate 1")
        start = time_or("startTime", request.start_time, NS_MAX if reverse else NS_MIN)
        stop = time_or("stopTime", request.stop_time, NS_MIN if reverse else NS_MAX)
        low, high = (stop, start) if reverse else (start, stop)
        if low > high:
            side = "after" if reverse else "before"
            raise QueryError("badRange", f"stopTime is {side} startTime for this direction")
        after = key_or_none(request.after_key)
        if live and request.start_time is None and after is None:
            after = BEHIND_ALL
        span = Span(self._timebase(request.timebase), low, high, reverse)
        selection = Selection(request.filters, self._view.series)
        return Reading(self._view, selection, span, after), rate

    async def _play(self, request: protocol.StartStream, run: tuple[Reading, float | None]) -> None:
        playback_id = request.playback_request_id

        async def send(cursor_ns: int, events: Sequence[Found]) -> None:
            cursor = timestamps.text(cursor_ns)
            last_key = events[-1][0].hex() if events else None
            stored = [stored for _, stored in events]
            await self._write(protocol.chunk_frame(playback_id, cursor, stored, last_key))

        reading, rate = run
        with contextlib.suppress(ConnectionError):
            try:
                if request.timeline_mode == "LIVE":
                    end = await self._follow(request, reading, send)
                else:
                    end = await self._replay(reading, rate, send)
            except NovaError as error:
                log.error("stream failed", extra={"context": {"error": str(error)}})
                await self._fail(request.ref, "stream", str(error))
                return
            except ConnectionError:
                return
            except Exception:
                log.exception("stream failed")
                await self._fail(request.ref, "internal", "the Core failed; see its log")
                return
            cursor = timestamps.text(end)
            await self._send(
                protocol.StreamComplete(playback_request_id=playback_id, cursor=cursor), None
            )

    async def _replay(self, reading: Reading, rate: float | None, send: Send) -> int:
        begin, end = clip_to_archive(self._view, reading)
        playback = Playback(
            reading,
            begin,
            end,
            chunk_max_events=self._settings.chunk_max_events,
            interval_ms=self._settings.chunk_interval_ms,
        )
        return await playback.run(rate, send)

    async def _follow(self, request: protocol.StartStream, history: Reading, send: Send) -> int:
        async def tell(shed: Shed) -> None:
            gap = timeline.StreamGap(
                playback_request_id=request.playback_request_id,
                from_time=timestamps.text(shed.from_ns),
                to_time=timestamps.text(shed.to_ns),
                shed=shed.events,
                reason="slow",
            )
            await self._send(gap, None)

        stream = LiveStream(
            self._view,
            self._tail,
            Selection(request.filters, self._view.series),
            chunk_max_events=self._settings.chunk_max_events,
            tell=tell if request.shed else None,
        )
        stop_ns = time_or("stopTime", request.stop_time, NS_MAX)
        return await stream.run(history, stop_ns, send)

    async def _stop_stream(self, request: protocol.CancelStream) -> None:
        stopped = self._stream_id
        if request.playback_request_id in (None, stopped):
            await self._cancel_stream()
        else:
            stopped = None
        await self._send(protocol.StreamCancelled(playback_request_id=stopped), request.ref)

    async def _cancel_stream(self) -> None:
        if self._stream is not None:
            self._stream.cancel()
            await asyncio.wait((self._stream,))
        self._stream = self._stream_id = None

    # --- sending ----------------------------------------------------------------------------------

    def _timebase(self, asked: Timebase | None) -> Timebase:
        return asked or self._settings.chosen_timebase()

    def _now(self, timebase: Timebase | None) -> int:
        """The time of requests that name none; in source time all there is, for recordings
        are old.
        """
        return time.time_ns() if self._timebase(timebase) == "canonical" else NS_MAX

    async def _send(self, reply: protocol.Message, ref: Ref) -> None:
        reply.ref = ref
        await self._write(protocol.encode(reply))

    async def _fail(self, ref: Ref, code: str, message: str) -> None:
        await self._send(protocol.Error(code=code, message=message), ref)

    async def _write(self, frame: bytes) -> None:
        await send_text(self._socket, frame)
