"""The async client of the protocol, for an edge (URL and token) or a Core's Unix socket."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Self, TypeVar

from nova.sdk.client.alarm_requests import AlarmRequests
from nova.sdk.client.client_stream import ClientStream
from nova.sdk.client.column_table import ColumnTable
from nova.sdk.client.edge_login import EdgeLogin
from nova.sdk.client.login_renewal import LoginRenewal
from nova.sdk.client.pending_exports import OnProgress
from nova.sdk.errors import ConnectionLostError, ProtocolError
from nova.sdk.protocol import messages, submission, timeline
from nova.sdk.protocol.column_messages import Columns, ColumnsResponse
from nova.sdk.protocol.error_codes import error_of_reply
from nova.sdk.protocol.export import (
    CancelExport,
    Drivers,
    DriversResponse,
    Export,
    ExportComplete,
    ExportStarted,
)
from nova.sdk.protocol.kept_range import require_unchanged, warn_of_deleted
from nova.sdk.protocol.messages import Filters, StreamChunk, Timebase, TimelineMode
from nova.sdk.protocol.metric_messages import Metric
from nova.sdk.protocol.note_messages import NoteAck, SubmitNote
from nova.sdk.protocol.timeline import StreamGap

ABANDON_REF = "leaving"
"""The ref of a CancelStream whose reply is ignored."""

PagedRequest = messages.Discover | messages.GetUiState | messages.Latest
PageT = TypeVar(
    "PageT", messages.DiscoverResponse, messages.UiStateResponse, messages.LatestResponse
)


class Client(AlarmRequests):
    """Requests to a NOVA, one method each."""

    @classmethod
    async def log_in(cls, url: str, username: str, password: str) -> Self:
        """Log in at an edge and connect to it. The session is renewed for as long as the client is
        open, and ends with it. Raises ProtocolError if the edge refuses.
        """
        login = await EdgeLogin.open(url, username, password)
        try:
            client = await cls.to_edge(url, login.token)
        except BaseException:
            await login.close()
            raise
        client.renewal = LoginRenewal(login, client)
        return client

    async def query(self, query: messages.Query) -> AsyncGenerator[bytes, None]:
        """Stored envelopes of a range, in order, over all pages."""
        async for page in self.query_pages(query):
            for event in page:
                yield event

    async def query_pages(self, query: messages.Query) -> AsyncGenerator[list[bytes], None]:
        """Like `query`, a list for each page. Raises ProtocolError if retention deletes events of
        the range between two pages.
        """
        first: messages.QueryResponse | None = None
        while True:
            page = await self.request(query, messages.QueryResponse)
            if first is None:
                first = page
                warn_of_deleted(page.given_back)
            require_unchanged(first.given_back, page.given_back)
            yield [bytes(event) for event in page.events]
            if page.next_key is None:
                return
            query.after_key = page.next_key

    async def stream(
        self,
        timeline_mode: TimelineMode,
        *,
        start_time: str | None = None,
        stop_time: str | None = None,
        rate: messages.Rate = 1.0,
        timebase: Timebase | None = None,
        filters: Filters | None = None,
        after_key: str | None = None,
        on_gap: Callable[[StreamGap], None] | None = None,
    ) -> AsyncGenerator[StreamChunk, None]:
        """Chunks of a new stream until it completes. It replaces the active stream once the server
        has accepted it; if the server rejects it, the active stream continues.

        With `on_gap`, a LIVE stream whose consumer is too slow skips to the present and calls it
        with the range that was dropped. Without, no event is ever dropped.
        """
        start = messages.StartStream(
            playback_request_id=uuid.uuid4().hex,
            timeline_mode=timeline_mode,
            start_time=start_time,
            stop_time=stop_time,
            rate=rate,
            timebase=timebase,
            filters=filters or Filters(),
            after_key=after_key,
            shed=on_gap is not None,
        )
        stream = self._requested_streams[start.playback_request_id] = ClientStream(start)
        try:
            await self._start_stream(stream, start)
            while (part := await self._next_frame(stream)) is not None:
                if isinstance(part, StreamChunk):
                    yield part
                elif on_gap is not None:
                    on_gap(part)
        finally:
            await self._abandon(stream)

    async def _start_stream(self, stream: ClientStream, start: messages.StartStream) -> None:
        try:
            await self.request(start, messages.StreamStarted)
        except ProtocolError:
            self._requested_streams.pop(stream.playback_id, None)
            raise

    async def set_cursor(self, time: str | None) -> None:
        """Report the time that is displayed while no stream moves it; None is the present. A client
        that displays a past time may not send commands until it has a LIVE stream or reports None.
        """
        await self.request(messages.SetCursor(time=time), messages.CursorSet)
        self._views_past = time is not None

    async def _next_frame(self, stream: ClientStream) -> StreamChunk | StreamGap | None:
        """The next chunk or gap; None once the stream has ended or been replaced."""
        reply = await stream.frames.get()
        self._room_changed.set()
        if self._stream is not stream:
            return None
        match reply:
            case messages.StreamChunk() | timeline.StreamGap():
                return reply
            case messages.StreamComplete():
                self._stream = None
                return None
            case messages.Error():
                self._stream = None
                raise error_of_reply(reply)
            case ConnectionLostError():
                raise reply
        self._stream = None
        raise ConnectionLostError("the server stopped the stream")

    async def _abandon(self, stream: ClientStream) -> None:
        """Cancel a stream that has no consumer any more, without waiting for the reply."""
        if self._requested_streams.pop(stream.playback_id, None) is None:
            if self._stream is not stream:
                return
            self._replace_stream(None)
        cancel = messages.CancelStream(playback_request_id=stream.playback_id, ref=ABANDON_REF)
        with contextlib.suppress(ConnectionLostError):
            await self._send(messages.encode(cancel))

    async def cancel_stream(self) -> None:
        """Cancel the active stream and discard its chunks in transit."""
        for stream in self._requested_streams.values():
            stream.frames.put_nowait(None)
        self._requested_streams.clear()
        self._replace_stream(None)
        await self.request(messages.CancelStream(), messages.StreamCancelled)

    async def _pages(self, message: PagedRequest, kind: type[PageT]) -> AsyncIterator[PageT]:
        """All pages from the message's page on, as of the time of the first."""
        page = first = await self.request(message, kind)
        yield page
        while page.next_key is not None:
            message.after_key, message.time = page.next_key, first.time
            page = await self.request(message, kind)
            yield page

    async def discover(self, message: messages.Discover) -> messages.DiscoverResponse:
        """The entities known at a time, over all pages from the message's page on."""
        whole, *rest = [page async for page in self._pages(message, messages.DiscoverResponse)]
        for page in rest:
            whole.entities += page.entities
            whole.manifests += page.manifests
        whole.next_key = None
        return whole

    async def ui_state(self, message: messages.GetUiState) -> messages.UiStateResponse:
        """The state of views at a time, over all pages from the message's page on."""
        whole, *rest = [page async for page in self._pages(message, messages.UiStateResponse)]
        for page in rest:
            whole.states += page.states
        whole.next_key = None
        return whole

    async def latest(self, message: messages.Latest) -> messages.LatestResponse:
        """The last event of every series at a time, over all pages from the message's page on. The
        order holds within a page.
        """
        whole, *rest = [page async for page in self._pages(message, messages.LatestResponse)]
        for page in rest:
            whole.events += page.events
            whole.unchanged += page.unchanged
            whole.behind = whole.behind or page.behind
        whole.next_key = None
        return whole

    async def summary(self, message: timeline.Summary) -> timeline.SummaryResponse:
        """Event counts by time and lane."""
        return await self.request(message, timeline.SummaryResponse)

    async def extent(self, message: timeline.Extent) -> timeline.ExtentResponse:
        """The times of the first and the last event."""
        return await self.request(message, timeline.ExtentResponse)

    async def sample(self, message: timeline.Sample) -> timeline.SampleResponse:
        """Minimum, maximum and mean of numeric fields, by time."""
        return await self.request(message, timeline.SampleResponse)

    async def find(self, message: timeline.Find) -> timeline.FindResponse:
        """Where the values of a field meet a condition: one page."""
        return await self.request(message, timeline.FindResponse)

    async def find_text(self, message: timeline.FindText) -> timeline.FindTextResponse:
        """Events that have a text: one page."""
        return await self.request(message, timeline.FindTextResponse)

    async def recordings(self, message: timeline.Recordings) -> timeline.RecordingsResponse:
        """The stretches of telemetry between silences, newest first: one page."""
        return await self.request(message, timeline.RecordingsResponse)

    async def columns(self, message: Columns) -> ColumnTable:
        """The values of fields over a span as columns, of all pages from the message's page on."""
        pages = [await self.request(message, ColumnsResponse)]
        while pages[-1].next_key is not None:
            message.after_key = pages[-1].next_key
            pages.append(await self.request(message, ColumnsResponse))
        return ColumnTable.of_pages(pages)

    async def fields(self, message: timeline.Fields) -> list[timeline.FieldInfo]:
        """The fields in the newest events of a series, ordered by name, and the kind of each."""
        return (await self.request(message, timeline.FieldsResponse)).fields

    async def neighbour(self, message: timeline.Neighbour) -> timeline.NeighbourResponse:
        """The event next to a time."""
        return await self.request(message, timeline.NeighbourResponse)

    async def submit_command(self, message: submission.SubmitCommand) -> submission.CommandAck:
        """Record and dispatch a command. The reply says that it is recorded, and by `failure` that
        no transport has accepted it; that a device has received or executed it, only its progress
        and result say. It may be repeated after a lost connection, with the same requestId.
        """
        submission.check_numbers(message.payload)
        return await self.request(message, submission.CommandAck)

    async def submit_chat(self, message: submission.SubmitChat) -> submission.ChatAck:
        """Send a chat message to all users of a scope."""
        return await self.request(message, submission.ChatAck)

    async def submit_note(self, message: SubmitNote) -> NoteAck:
        """Write a note about a moment or a range, replace one, or withdraw one."""
        return await self.request(message, NoteAck)

    async def import_events(self, message: submission.ImportEvents) -> submission.ImportAck:
        """Import events of kinds that only a Core writes; repeating an import changes nothing."""
        return await self.request(message, submission.ImportAck)

    async def export(
        self, message: Export, on_progress: OnProgress | None = None
    ) -> ExportComplete:
        """Export a range to files and wait for completion; cancelling the caller cancels the
        export. Raises ProtocolError if it fails.
        """
        started = await self.request(message, ExportStarted)
        try:
            return await self._exports.wait_for(started.export_id, on_progress)
        except asyncio.CancelledError:
            with contextlib.suppress(ConnectionLostError):
                await self._send(messages.encode(CancelExport(export_id=started.export_id)))
            raise

    async def drivers(self) -> DriversResponse:
        """The drivers that the reader can export with, those of plug-ins too."""
        return await self.request(Drivers(), DriversResponse)

    async def rejects(self, message: messages.Rejects) -> messages.RejectsResponse:
        """Up to `limit` entries of the reject log, from as many pages as they take."""
        whole = await self.request(message, messages.RejectsResponse)
        while whole.next_after is not None and len(whole.rejects) < message.limit:
            missing = message.limit - len(whole.rejects)
            rest = messages.Rejects(limit=missing, after=whole.next_after)
            page = await self.request(rest, messages.RejectsResponse)
            whole.rejects += page.rejects
            whole.next_after, whole.total = page.next_after, page.total
        return whole

    async def links(self) -> list[messages.LinkInfo]:
        """The state of the transports that the Core consumes from."""
        return (await self.request(messages.Links(), messages.LinksResponse)).links

    async def metrics(self) -> list[Metric]:
        """The metrics of the instance, as Prometheus names them."""
        return (await self.request(messages.Metrics(), messages.MetricsResponse)).metrics

    async def status(self) -> messages.StatusResponse:
        """Counts and state of the Core."""
        return await self.request(messages.Status(), messages.StatusResponse)


async def login(url: str, username: str, password: str) -> str:
    """An access token for `Client.to_edge`, good for minutes; `Client.log_in` renews its own.
    Raises ProtocolError if the edge refuses.
    """
    edge_login = await EdgeLogin.open(url, username, password)
    await edge_login.close()
    return edge_login.token
