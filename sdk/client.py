"""The async client of the protocol: an edge by URL and token, or a Core's own socket
(nova.md §8).
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import urlsplit, urlunsplit

import aiohttp
from aiohttp import WSMsgType

from sdk import endpoints, protocol
from sdk.errors import ConnectionLostError, ProtocolError
from sdk.protocol import Filters, StreamChunk, Timebase, TimelineMode

REPLY_TIMEOUT_S = 30.0
CHUNKS_MAX_WAITING = 16

T = TypeVar("T", bound=protocol.Message)


class Client:
    """One connection: requests with their replies, and at most one stream."""

    def __init__(
        self, session: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse[bool]
    ) -> None:
        self._session = session
        self._socket = socket
        self._waiting: dict[int, asyncio.Future[protocol.Reply]] = {}
        self._last_ref = 0
        self._stream_id: str | None = None
        self._chunks: asyncio.Queue[protocol.Reply | None] = asyncio.Queue(CHUNKS_MAX_WAITING)
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
        self._last_ref += 1
        message.ref = self._last_ref
        future: asyncio.Future[protocol.Reply] = asyncio.get_running_loop().create_future()
        self._waiting[self._last_ref] = future
        await self._send(protocol.encode(message))
        async with asyncio.timeout(REPLY_TIMEOUT_S):
            answer = await future
        if isinstance(answer, protocol.Error):
            raise ProtocolError(answer.code, answer.message)
        if not isinstance(answer, reply):
            raise ProtocolError(
                "badReply", f"got {type(answer).__name__} for {type(message).__name__}"
            )
        return answer

    async def _send(self, frame: bytes) -> None:
        try:
            await self._socket.send_frame(frame, WSMsgType.TEXT)
        except (ConnectionError, aiohttp.ClientError) as error:
            raise ConnectionLostError(f"the connection is gone: {error}") from error

    async def _listen(self) -> None:
        try:
            async for message in self._socket:
                if message.type is WSMsgType.TEXT:
                    await self._receive(message.data)
        finally:
            lost = ConnectionLostError("the connection closed before the answer came")
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(lost)
                    future.exception()
            if self._chunks.full():
                self._chunks.get_nowait()
            self._chunks.put_nowait(None)

    async def _receive(self, frame: bytes) -> None:
        reply = protocol.decode_reply(frame)
        if isinstance(reply, protocol.StreamChunk | protocol.StreamComplete):
            if reply.playback_request_id == self._stream_id:
                await self._chunks.put(reply)
            return
        future = self._waiting.pop(reply.ref, None) if isinstance(reply.ref, int) else None
        if future is not None and not future.done():
            future.set_result(reply)
        elif isinstance(reply, protocol.Error | protocol.StreamCancelled):
            await self._chunks.put(reply)

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
    ) -> AsyncIterator[StreamChunk]:
        """Chunks of a new stream until it completes; a stream that was going on is replaced."""
        self._stream_id = uuid.uuid4().hex
        while not self._chunks.empty():
            self._chunks.get_nowait()
        start = protocol.StartStream(
            playback_request_id=self._stream_id,
            timeline_mode=timeline_mode,
            start_time=start_time,
            stop_time=stop_time,
            rate="max" if rate == "max" else float(rate),
            timebase=timebase,
            filters=filters or Filters(),
            after_key=after_key,
        )
        await self.request(start, protocol.StreamStarted)
        async for chunk in self._until_complete(self._stream_id):
            yield chunk

    async def _until_complete(self, playback_id: str) -> AsyncIterator[StreamChunk]:
        while self._stream_id == playback_id:
            reply = await self._chunks.get()
            match reply:
                case None:
                    raise ConnectionLostError("the connection closed while the stream was going on")
                case protocol.StreamChunk():
                    yield reply
                case protocol.StreamComplete():
                    return
                case protocol.StreamCancelled():
                    raise ConnectionLostError("the stream was stopped by the other side")
                case protocol.Error():
                    raise ProtocolError(reply.code, reply.message)

    async def cancel_stream(self) -> None:
        """Stop the stream; what is still on its way is dropped."""
        self._stream_id = None
        while not self._chunks.empty():
            self._chunks.get_nowait()
        await self.request(protocol.CancelStream(), protocol.StreamCancelled)

    async def discover(self, message: protocol.Discover) -> protocol.DiscoverResponse:
        """The entities known at a time."""
        return await self.request(message, protocol.DiscoverResponse)

    async def latest(self, message: protocol.Latest) -> protocol.LatestResponse:
        """The last event of every series at a time."""
        return await self.request(message, protocol.LatestResponse)

    async def rejects(self, message: protocol.Rejects) -> protocol.RejectsResponse:
        """A page of the reject log."""
        return await self.request(message, protocol.RejectsResponse)

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
