"""The async client of the protocol: an edge by URL and token, or a Core's own socket
(nova.md §8).
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import urlsplit, urlunsplit

import aiohttp
from aiohttp import WSMsgType

from sdk import endpoints, protocol, timeline
from sdk.errors import ConnectionLostError, ProtocolError
from sdk.export import CancelExport, Drivers, DriversResponse, Export, ExportComplete, ExportStarted
from sdk.exporting import Exporting, OnProgress
from sdk.protocol import Filters, StreamChunk, Timebase, TimelineMode
from sdk.timeline import StreamGap

REPLY_TIMEOUT_S = 30.0
CHUNKS_MAX_WAITING = 16

LEAVING_REF = "leaving"
"""The ref of a cancel whose answer nobody waits for."""

T = TypeVar("T", bound=protocol.Message)


class _Stream:
    """What has come of one stream and waits to be taken; None: it is no longer wanted."""

    def __init__(self, start: protocol.StartStream) -> None:
        self._start = start
        self.frames: asyncio.Queue[protocol.Reply | ConnectionLostError | None] = asyncio.Queue()

    @property
    def playback_id(self) -> str:
        return self._start.playback_request_id

    def owns(self, reply: protocol.Reply) -> bool:
        """Whether a frame that answers no request belongs to this stream."""
        match reply:
            case protocol.StreamChunk() | protocol.StreamComplete() | timeline.StreamGap():
                return reply.playback_request_id == self.playback_id
            case protocol.StreamCancelled():
                return reply.ref is None
            case protocol.Error():
                return reply.ref in (None, self._start.ref)
        return False


class Client:
    """One connection: requests with their replies, and at most one stream."""

    def __init__(
        self, session: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse[bool]
    ) -> None:
        self._session = session
        self._socket = socket
        self._waiting: dict[int, asyncio.Future[protocol.Reply]] = {}
        self._last_ref = 0
        self._stream: _Stream | None = None
        self._exporting = Exporting()
        self._room = asyncio.Event()
        self._lost: ConnectionLostError | None = None
        self._listener = asyncio.create_task(self._listen())

    @classmethod
    async def to_core(cls, data: Path) -> Client:
        """Connect to the reader of a data folder on this machine."""
        path = endpoints.reader_socket(data)
        session = aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path)))
        return await cls._open(
            session, "http://localhost/", f"no NOVA runs on {data}: start `nova up`"
        )

    @classmethod
    async def to_edge(cls, url: str, token: str) -> Client:
        """Connect to an edge and authenticate."""
        parts = urlsplit(url)
        target = urlunsplit((parts.scheme, parts.netloc, "/ws", "", ""))
        client = await cls._open(aiohttp.ClientSession(), target, f"no NOVA answers at {url}")
        try:
            await client.request(protocol.Auth(token=token), protocol.Authenticated)
        except BaseException:
            await client.close()
            raise
        return client

    @classmethod
    async def _open(cls, session: aiohttp.ClientSession, url: str, hint: str) -> Client:
        try:
            socket = await session.ws_connect(
                url, compress=0, max_msg_size=protocol.FRAME_MAX_BYTES, decode_text=False
            )
        except (OSError, aiohttp.ClientError) as error:
            await session.close()
            raise ConnectionLostError(f"{hint} ({error})") from error
        return cls(session, socket)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Leave; the other side stops whatever was going on."""
        self._listener.cancel()
        await asyncio.wait((self._listener,))
        await self._socket.close()
        await self._session.close()

    async def request(self, message: protocol.Message, reply: type[T]) -> T:
        """Send a request and wait for its reply; raises ProtocolError if that is an error."""
        if self._lost is not None:
            raise self._lost
        self._last_ref += 1
        ref = message.ref = self._last_ref
        future: asyncio.Future[protocol.Reply] = asyncio.get_running_loop().create_future()
        self._waiting[ref] = future
        self._room.set()
        try:
            await self._send(protocol.encode(message))
            async with asyncio.timeout(REPLY_TIMEOUT_S):
                answer = await future
        except TimeoutError:
            raise ConnectionLostError(f"no answer within {REPLY_TIMEOUT_S:g} s") from None
        finally:
            self._waiting.pop(ref, None)
        if isinstance(answer, protocol.Error):
            raise ProtocolError(answer.code, answer.message)
        if not isinstance(answer, reply):
            raise ProtocolError(
                "badReply", f"got {type(answer).__name__} for {type(message).__name__}"
            )
        return answer

    async def _send(self, frame: bytes) -> None:
        try:
            await endpoints.send_text(self._socket, frame)
        except (ConnectionError, aiohttp.ClientError) as error:
            raise ConnectionLostError(f"the connection is gone: {error}") from error

    async def _listen(self) -> None:
        lost = ConnectionLostError("the connection closed before the answer came")
        try:
            async for message in self._socket:
                if message.type is WSMsgType.TEXT:
                    await self._receive(protocol.decode_reply(message.data))
        except ProtocolError as error:
            lost = ConnectionLostError(f"the other side does not speak the protocol: {error}")
            await self._socket.close()
        finally:
            self._lost = lost
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(lost)
                    future.exception()
            if self._stream is not None:
                self._stream.frames.put_nowait(lost)
            self._exporting.lose(lost)

    async def _receive(self, reply: protocol.Reply) -> None:
        future = self._waiting.pop(reply.ref, None) if isinstance(reply.ref, int) else None
        self._exporting.note(reply)
        if future is not None:
            if not future.done():
                future.set_result(reply)
        elif self._stream is not None and self._stream.owns(reply):
            self._stream.frames.put_nowait(reply)
            await self._wait_for_room(self._stream)

    async def _wait_for_room(self, stream: _Stream) -> None:
        """Read no further while a stream is not taken, unless a reply may be behind its chunks."""
        while (
            self._stream is stream
            and stream.frames.qsize() >= CHUNKS_MAX_WAITING
            and not self._waiting
        ):
            self._room.clear()
            await self._room.wait()

    # --- what can be asked ------------------------------------------------------------------------

    async def query(self, query: protocol.Query) -> AsyncIterator[bytes]:
        """Stored envelopes of a range in order, page after page, to the end of the range."""
        while True:
            page = await self.request(query, protocol.QueryResponse)
            for event in page.events:
                yield bytes(event)
            if page.next_key is None:
                return
            query.after_key = page.next_key

    async def stream(
        self,
        timeline_mode: TimelineMode,
        *,
        start_time: str | None = None,
        stop_time: str | None = None,
        rate: float | str = 1.0,
        timebase: Timebase | None = None,
        filters: Filters | None = None,
        after_key: str | None = None,
        on_gap: Callable[[StreamGap], None] | None = None,
    ) -> AsyncIterator[StreamChunk]:
        """Chunks of a new stream until it completes; a stream that was going on is replaced.

        With `on_gap` a LIVE stream that is not taken fast enough goes on at the present, and calls
        it with what was left out; without, nothing ever is.
        """
        start = protocol.StartStream(
            playback_request_id=uuid.uuid4().hex,
            timeline_mode=timeline_mode,
            start_time=start_time,
            stop_time=stop_time,
            rate="max" if rate == "max" else float(rate),
            timebase=timebase,
            filters=filters or Filters(),
            after_key=after_key,
            shed=on_gap is not None,
        )
        stream = _Stream(start)
        self._replace(stream)
        try:
            await self.request(start, protocol.StreamStarted)
            while (part := await self._next_part(stream)) is not None:
                if isinstance(part, StreamChunk):
                    yield part
                elif on_gap is not None:
                    on_gap(part)
        finally:
            await self._leave(stream)

    def _replace(self, stream: _Stream | None) -> None:
        """Make another stream the connection's, or none; who waits in the one before goes home."""
        if self._stream is not None:
            self._stream.frames.put_nowait(None)
        self._stream = stream
        self._room.set()

    async def _next_part(self, stream: _Stream) -> StreamChunk | StreamGap | None:
        """The next chunk or gap, None at the end of the stream or when another has replaced it."""
        reply = await stream.frames.get()
        self._room.set()
        if self._stream is not stream:
            return None
        match reply:
            case protocol.StreamChunk() | timeline.StreamGap():
                return reply
            case protocol.StreamComplete():
                self._stream = None
                return None
            case protocol.Error():
                self._stream = None
                raise ProtocolError(reply.code, reply.message)
            case ConnectionLostError():
                raise reply
        self._stream = None
        raise ConnectionLostError("the stream was stopped by the other side")

    async def _leave(self, stream: _Stream) -> None:
        """Stop a stream that nobody reads any more, without waiting for the answer."""
        if self._stream is not stream:
            return
        self._replace(None)
        cancel = protocol.CancelStream(playback_request_id=stream.playback_id, ref=LEAVING_REF)
        with contextlib.suppress(ConnectionLostError):
            await self._send(protocol.encode(cancel))

    async def cancel_stream(self) -> None:
        """Stop the stream; what is still on its way is dropped."""
        self._replace(None)
        await self.request(protocol.CancelStream(), protocol.StreamCancelled)

    async def discover(self, message: protocol.Discover) -> protocol.DiscoverResponse:
        """The entities known at a time, of all pages from the message's on."""
        whole = page = await self.request(message, protocol.DiscoverResponse)
        while page.next_key is not None:
            message.after_key, message.time = page.next_key, whole.time
            page = await self.request(message, protocol.DiscoverResponse)
            whole.entities += page.entities
        whole.next_key = None
        return whole

    async def latest(self, message: protocol.Latest) -> protocol.LatestResponse:
        """The last event of every series at a time, of all pages from the message's on; each page
        is in order.
        """
        whole = page = await self.request(message, protocol.LatestResponse)
        while page.next_key is not None:
            message.after_key, message.time = page.next_key, whole.time
            page = await self.request(message, protocol.LatestResponse)
            whole.events += page.events
        whole.next_key = None
        return whole

    async def summary(self, message: timeline.Summary) -> timeline.SummaryResponse:
        """How many events there are, by time and lane."""
        return await self.request(message, timeline.SummaryResponse)

    async def extent(self, message: timeline.Extent) -> timeline.ExtentResponse:
        """When the first and the last event are."""
        return await self.request(message, timeline.ExtentResponse)

    async def sample(self, message: timeline.Sample) -> timeline.SampleResponse:
        """Least, greatest and mean values of numeric fields, by time."""
        return await self.request(message, timeline.SampleResponse)

    async def fields(self, message: timeline.Fields) -> list[timeline.FieldInfo]:
        """The fields of a series."""
        return (await self.request(message, timeline.FieldsResponse)).fields

    async def neighbour(self, message: timeline.Neighbour) -> timeline.NeighbourResponse:
        """The event next to a time."""
        return await self.request(message, timeline.NeighbourResponse)

    async def export(
        self, message: Export, on_progress: OnProgress | None = None
    ) -> ExportComplete:
        """Have a range brought to files, and wait until it is; whoever is cancelled meanwhile gives
        it up. Raises ProtocolError where it cannot be made.
        """
        started = await self.request(message, ExportStarted)
        try:
            return await self._exporting.end(started.export_id, on_progress)
        except asyncio.CancelledError:
            with contextlib.suppress(ConnectionLostError):
                await self._send(protocol.encode(CancelExport(export_id=started.export_id)))
            raise

    async def drivers(self) -> DriversResponse:
        """Which drivers are installed."""
        return await self.request(Drivers(), DriversResponse)

    async def rejects(self, message: protocol.Rejects) -> protocol.RejectsResponse:
        """A page of the reject log."""
        return await self.request(message, protocol.RejectsResponse)

    async def links(self) -> list[protocol.LinkInfo]:
        """How the transports are that the Core consumes from."""
        return (await self.request(protocol.Links(), protocol.LinksResponse)).links

    async def status(self) -> protocol.StatusResponse:
        """How the Core is."""
        return await self.request(protocol.Status(), protocol.StatusResponse)


async def login(url: str, username: str, password: str) -> str:
    """A token for `Client.to_edge`; raises ProtocolError if the edge refuses."""
    body = {"username": username, "password": password}
    async with aiohttp.ClientSession() as session:
        try:
            async with session.post(f"{url.rstrip('/')}/auth/login", json=body) as response:
                answer: dict[str, str] = await response.json()
        except (OSError, aiohttp.ClientError) as error:
            raise ConnectionLostError(f"no NOVA answers at {url} ({error})") from error
    if "token" not in answer:
        raise ProtocolError(answer.get("code", "login"), answer.get("message", "login refused"))
    return answer["token"]
