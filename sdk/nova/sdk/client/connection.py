"""One connection to an edge or a Core: requests with replies, one stream, pending exports."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import urlsplit, urlunsplit

import aiohttp
from aiohttp import WSMsgType

from nova.sdk import connection_ends
from nova.sdk.client.client_stream import ClientStream
from nova.sdk.client.http_refusal import retry_after_s
from nova.sdk.client.live_alarm_queue import LiveAlarmQueue
from nova.sdk.client.local_reader import RESTART_WAIT_S, LocalReader
from nova.sdk.client.login_renewal import LoginRenewal
from nova.sdk.client.pending_exports import PendingExports
from nova.sdk.client.retry_policy import (
    BUSY_LIMIT_S,
    CORE_UNAVAILABLE,
    UNAVAILABLE_LIMIT_S,
    Backoff,
    NoReplyError,
    Retries,
)
from nova.sdk.client.server_probe import (
    ANSWER_TIMEOUT_S,
    ReaderHungError,
    ServerProbe,
    open_socket,
)
from nova.sdk.errors import ConnectionLostError, ProtocolError
from nova.sdk.pending_replies import PendingReplies
from nova.sdk.protocol import messages
from nova.sdk.protocol.error_codes import error_of, error_of_reply

REPLY_TIMEOUT_S = 30.0
HTTP_BUSY = 503
CHUNKS_BUFFERED_MAX = 16
PROBE_PATH = "/healthz"
"""Where an edge answers by its event loop alone."""

ReplyT = TypeVar("ReplyT", bound=messages.Message)


def _full_for_s(error: Exception) -> float | None:
    """The Retry-After of an edge that is at capacity; None if the error is another one."""
    if not isinstance(error, aiohttp.WSServerHandshakeError) or error.status != HTTP_BUSY:
        return None
    return retry_after_s(error.headers.get("Retry-After") if error.headers else None)


class Connection:
    """Requests with their replies, at most one active stream, and pending exports."""

    busy_limit_s = BUSY_LIMIT_S
    unavailable_limit_s = UNAVAILABLE_LIMIT_S
    reply_timeout_s = REPLY_TIMEOUT_S
    answer_timeout_s = ANSWER_TIMEOUT_S

    def __init__(
        self,
        session: aiohttp.ClientSession,
        socket: aiohttp.ClientWebSocketResponse[bool],
        request_max_bytes: int,
        server: ServerProbe,
        token: str | None = None,
    ) -> None:
        self._session = session
        self._first_token = token
        self._views_past = False
        """Whether the server knows by this connection that the client looks at the past, which a
        new connection would not.
        """

        self._reconnecting = asyncio.Lock()
        self._is_closed = False
        self._socket = socket
        self._request_max_bytes = request_max_bytes
        self._pending: PendingReplies[messages.Reply] = PendingReplies()
        self._last_ref = 0
        self._stream: ClientStream | None = None
        self._requested_streams: dict[str, ClientStream] = {}
        """Requested streams that the server has not accepted yet, by playbackRequestId."""
        self._exports = PendingExports()
        self._live_alarms = LiveAlarmQueue()
        self._room_changed = asyncio.Event()
        self._lost_error: ConnectionLostError | None = None
        self.renewal: LoginRenewal | None = None
        """Renews the login of this connection until it is closed, and then logs out."""

        self._listener = asyncio.create_task(self._listen())
        self._server = server
        self._hung_error: ReaderHungError | None = None
        self._monitor = asyncio.create_task(server.monitor(self._is_awaited, self._on_hang))

    @classmethod
    async def to_core(cls, data: Path, restart_wait_s: float = RESTART_WAIT_S) -> Self:
        """Connect to the reader of a local data folder. While the instance runs without its
        reader, wait for that for up to `restart_wait_s`.
        """
        reader = LocalReader(data)
        try:
            socket = await reader.wait_and_connect(restart_wait_s)
        except BaseException:
            await reader.session.close()
            raise
        return cls(reader.session, socket, messages.FRAME_MAX_BYTES, reader)

    @classmethod
    async def to_edge(cls, url: str, token: str) -> Self:
        parts = urlsplit(url)
        target = urlunsplit((parts.scheme, parts.netloc, "/ws", "", ""))
        client = await cls._open(
            aiohttp.ClientSession(),
            target,
            f"no NOVA answers at {url}",
            request_max_bytes=messages.REQUEST_MAX_BYTES,
            token=token,
        )
        try:
            await client.request(messages.Auth(token=token), messages.Authenticated)
        except BaseException:
            await client.close()
            raise
        return client

    @classmethod
    async def _open(
        cls,
        session: aiohttp.ClientSession,
        url: str,
        hint: str,
        *,
        request_max_bytes: int = messages.FRAME_MAX_BYTES,
        token: str | None = None,
    ) -> Self:
        busy = Backoff(cls.busy_limit_s)
        scheme, host, *_ = urlsplit(url)
        probe_url = f"{scheme.replace('ws', 'http')}://{host}{PROBE_PATH}"
        hung = f"the edge at {url} does not answer: it hangs or is stopped, or the network is away"
        server = ServerProbe(session, url, probe_url, hung, cls.answer_timeout_s)
        while True:
            try:
                socket = await server.in_time(open_socket(session, url))
            except (OSError, aiohttp.ClientError) as error:
                pause_s = _full_for_s(error)
                if pause_s is not None and await busy.wait(pause_s):
                    continue
                await session.close()
                raise ConnectionLostError(f"{hint} ({error})") from error
            except BaseException:  # Also one whose caller is cancelled meanwhile.
                await session.close()
                raise
            return cls(session, socket, request_max_bytes, server, token)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def token(self) -> str | None:
        """The newest access token of `log_in`, for requests beside the connection."""
        return None if self.renewal is None else self.renewal.token

    async def close(self) -> None:
        """Close the connection; the server stops its stream and exports."""
        self._is_closed = True
        if self.renewal is not None:
            await self.renewal.close()
        tasks = [self._listener, self._monitor]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await self._socket.close()
        await self._session.close()

    async def request(self, message: messages.Message, reply: type[ReplyT]) -> ReplyT:
        """Send a request and wait for its reply; raises a ProtocolError by its code if the reply is
        an error. What is transient is repeated with growing delays: while the server has no room
        for the request; and reads and commands, if it cannot serve them or they were lost.
        """
        retries = Retries(message, self.busy_limit_s, self.unavailable_limit_s)
        while True:
            try:
                answer = await self._exchange(message)
            except ConnectionLostError as lost:
                if not await self._may_repeat(retries, lost):
                    raise
                continue
            if not isinstance(answer, messages.Error):
                break
            if not await retries.after_error(answer):
                raise error_of_reply(answer)
        if not isinstance(answer, reply):
            raise error_of(
                "badReply", f"received {type(answer).__name__} for {type(message).__name__}"
            )
        return answer

    async def _may_repeat(self, retries: Retries, lost: ConnectionLostError) -> bool:
        """Wait, and connect again if the connection is lost; False if that is not possible."""
        is_lost = self._lost_error is not None
        if self._is_closed or (is_lost and self._views_past):
            return False
        while await retries.after_loss(lost, is_closed=is_lost):
            try:
                await self._reconnect()
            except ReaderHungError:
                raise
            except (OSError, aiohttp.ClientError, ConnectionLostError):
                continue
            return True
        return False

    async def _reconnect(self) -> None:
        """Replace a lost connection, for all requests that wait for it."""
        async with self._reconnecting:
            if self._lost_error is None or self._is_closed:
                return
            await self._socket.close()
            self._socket = await self._server.connect()
            self._hung_error = None
            self._stream = None
            self._requested_streams.clear()
            self._listener = asyncio.create_task(self._listen())
            token = self.token or self._first_token
            if token is not None:
                admitted = await self._ask(messages.Auth(token=token))
                if isinstance(admitted, messages.Error):
                    await self._socket.close()
                    raise error_of_reply(admitted)
            if not self._listener.done():
                self._lost_error = None

    async def _exchange(self, message: messages.Message) -> messages.Reply:
        if self._hung_error is not None and not (self._is_closed or self._views_past):
            await self._reconnect()
        if self._lost_error is not None:
            raise self._lost_error
        return await self._ask(message)

    async def _ask(self, message: messages.Message) -> messages.Reply:
        self._last_ref += 1
        ref = message.ref = self._last_ref
        reply = self._pending.expect(ref)
        self._room_changed.set()
        try:
            await self._send(self._encode(message))
            async with asyncio.timeout(self.reply_timeout_s):
                return await reply
        except TimeoutError:
            raise NoReplyError(f"no answer within {self.reply_timeout_s:g} s") from None
        finally:
            self._pending.forget(ref)

    def _encode(self, message: messages.Message) -> bytes:
        """Encode a request; the server would close the connection on a frame over its limit."""
        frame = messages.encode(message)
        if len(frame) > self._request_max_bytes:
            raise error_of(
                "requestTooLarge",
                f"the request has {len(frame)} bytes, the limit is {self._request_max_bytes}",
            )
        return frame

    async def _send(self, frame: bytes) -> None:
        try:
            await connection_ends.send_text(self._socket, frame)
        except (ConnectionError, aiohttp.ClientError) as error:
            raise ConnectionLostError(f"the connection is gone: {error}") from error

    async def _listen(self) -> None:
        lost = ConnectionLostError("the connection closed before the reply arrived")
        try:
            async for message in self._socket:
                if message.type is WSMsgType.TEXT:
                    await self._receive(messages.decode_reply(message.data))
        except ProtocolError as error:
            lost = NoReplyError(f"the server violates the protocol: {error}")
            await self._socket.close()
        finally:
            lost = self._hung_error or lost
            self._lost_error = lost
            self._pending.fail(lost)
            if self._stream is not None:
                self._stream.frames.put_nowait(lost)
            self._exports.fail_all(lost)
            self._live_alarms.fail(lost)

    def _is_awaited(self) -> bool:
        """Whether anybody waits for the reader, which has not been lost."""
        streams = self._requested_streams, self._stream, self._live_alarms
        awaited = self._pending, self._exports, *streams
        return self._lost_error is None and any(awaited)

    def _on_hang(self, hung: ReaderHungError) -> None:
        self._hung_error = hung
        self._listener.cancel()
        connection_ends.cut(self._socket)

    async def _receive(self, reply: messages.Reply) -> None:
        if isinstance(reply, messages.Error) and (reply.ref, reply.code) == (
            None,
            CORE_UNAVAILABLE,
        ):
            self._pending.fail(ConnectionLostError(reply.message))
        if isinstance(reply, messages.StreamStarted):
            asked = self._requested_streams.pop(reply.playback_request_id, None)
            if asked is not None:
                self._replace_stream(asked)
                self._views_past = not asked.is_present
        is_answer = isinstance(reply.ref, int) and self._pending.resolve(reply.ref, reply)
        self._exports.receive(reply)
        self._live_alarms.receive(reply)
        if is_answer:
            return
        if self._stream is not None and self._stream.owns(reply):
            self._stream.frames.put_nowait(reply)
            await self._wait_for_room(self._stream)

    def _replace_stream(self, stream: ClientStream | None) -> None:
        """Replace the active stream (None: no stream). Consumers of the old one end."""
        if self._stream is not None:
            self._stream.frames.put_nowait(None)
        self._stream = stream
        self._room_changed.set()

    async def _wait_for_room(self, stream: ClientStream) -> None:
        """Stop reading while the consumer is slow, unless a pending reply may follow the chunks."""
        while (
            self._stream is stream
            and stream.frames.qsize() >= CHUNKS_BUFFERED_MAX
            and not self._pending
        ):
            self._room_changed.clear()
            await self._room_changed.wait()
