"""One client's connection to a reader: dispatches its requests and owns its one stream."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from collections.abc import Callable

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from nova.core.errors import RequestError
from nova.core.query.memory_budget import (
    ConnectionBudget,
    ExceededError,
    ReaderBusyError,
    Share,
)
from nova.core.server.active_stream import STREAM_REQUESTS, ActiveStream
from nova.core.server.export_requests import ExportRequests
from nova.core.server.handlers import HANDLERS, RequestContext
from nova.core.server.principal import visibility_of
from nova.core.server.push import Push
from nova.core.server.services import Services
from nova.core.submission_messages import LOCAL_CONNECTION, Principal
from nova.sdk import log_context, request_id
from nova.sdk.connection_ends import begin_text
from nova.sdk.errors import NovaError, ProtocolError
from nova.sdk.protocol import messages
from nova.sdk.protocol.alarm_messages import FollowAlarms, UnfollowAlarms
from nova.sdk.protocol.drain import SHUTTING_DOWN, Drain, refusal
from nova.sdk.protocol.export import CancelExport
from nova.sdk.protocol.follow_stream import FollowStream, ReaderRequest, decode_reader_request
from nova.sdk.protocol.messages import Ref

CONCURRENT_REQUESTS_MAX = 4
ENDING_REQUESTS = (messages.CancelStream, CancelExport, UnfollowAlarms)
"""Requests that are served while the connection is drained."""

ORDERED_REQUESTS = (*STREAM_REQUESTS, FollowAlarms, UnfollowAlarms, messages.FollowStatus)
"""Requests that are answered before later requests of the connection start."""

SEND_TIMEOUT_S = 30.0
"""A client that does not receive a reply within this time is disconnected: others wait for its
memory budget.
"""

log = logging.getLogger(__name__)


class ReaderSession:
    """The requests, exports and stream of one connection; all end with it."""

    def __init__(
        self,
        services: Services,
        socket: web.WebSocketResponse,
        principal: Principal,
        abort: Callable[[], None],
    ) -> None:
        """`abort` closes the connection without a closing handshake."""
        self._services = services
        self._metrics = services.metrics
        self._socket = socket
        self._principal = principal
        self._abort = abort
        self._budget = ConnectionBudget(services.budget)
        self._export_requests = ExportRequests(
            services.snapshot, services.exports, services.audit, self.send, principal
        )
        self._alarm_push = Push(services.budget, self.send_frame)
        self._status_push = Push(services.budget, self.send_frame)
        self._slots = asyncio.Semaphore(CONCURRENT_REQUESTS_MAX)
        self._requests: set[asyncio.Task[None]] = set()
        self._stream_request = asyncio.Lock()
        self._is_draining = False
        self._draining: asyncio.Task[None] | None = None
        self._connection_name = principal.connection
        if principal.connection in ("", LOCAL_CONNECTION):
            self._connection_name = f"{LOCAL_CONNECTION}-{uuid.uuid4().hex[:12]}"
        self._received = 0
        """Requests so far: the number of each is in its id, and an edge counts alike."""

        self._active_stream = ActiveStream(
            self,
            services.snapshot,
            services.tail,
            services.settings,
            services.budget,
            pending_max_events=services.pending_max_events,
            is_replaying=principal.is_replaying,
            visibility=visibility_of(principal),
        )

    async def run(self) -> None:
        """Serve until the client disconnects, then stop its stream, requests and exports."""
        log_context.bind(user=self._principal.user)
        timeline = self._active_stream.timeline
        self._metrics.connections.add(self)
        self._services.timelines.add(self._connection_name, timeline)
        try:
            async for message in self._socket:
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    await self._receive(message.data)
        finally:
            try:
                await self._active_stream.close()
            finally:
                await self._alarm_push.close()
                await self._status_push.close()
                self._services.timelines.remove(self._connection_name, timeline)
                self._metrics.connections.discard(self)
            for task in self._requests:
                task.cancel()
            await self._export_requests.close()
            if self._draining is not None:
                await asyncio.wait((self._draining,))  # It closes the connection.

    async def drain(self) -> None:
        """Refuse further requests, end the stream with its cursor, wait for the requests and
        exports that run, and close the connection.
        """
        self._is_draining = True
        with contextlib.suppress(ConnectionError):
            async with self._stream_request:
                await self._active_stream.end(SHUTTING_DOWN)
        while running := self._requests | self._export_requests.running():
            await asyncio.wait(running)
        await self._socket.close(code=WSCloseCode.GOING_AWAY)

    async def _receive(self, frame: bytes | str) -> None:
        self._received += 1
        request_id.current.set(request_id.forwarded_id(self._connection_name, self._received))
        try:
            request = decode_reader_request(frame)
        except ProtocolError as error:
            await self._send_error(messages.ref_of(frame), error.code, error.message)
            return
        context = {"type": request.__struct_config__.tag, **log_context.ids_of(request)}
        log.debug("request", extra={"context": context})
        if isinstance(request, Drain):
            self._draining = self._draining or asyncio.create_task(self.drain())
            return
        if isinstance(request, ORDERED_REQUESTS):
            async with self._stream_request:
                await self._handle(request, self._principal)
            return
        await self._slots.acquire()
        # Whether it is sent from a replay is decided on receipt, before later stream requests.
        task = asyncio.create_task(self._handle(request, self._current_principal()))
        self._requests.add(task)
        task.add_done_callback(self._finish)

    @property
    def stream_mode(self) -> str | None:
        """What the connection's stream shows, None without one that runs."""
        return self._active_stream.mode

    def _current_principal(self) -> Principal:
        """The principal, with whether its client is replaying now."""
        return msgspec.structs.replace(
            self._principal, is_replaying=self._active_stream.is_replaying
        )

    def _finish(self, task: asyncio.Task[None]) -> None:
        self._requests.discard(task)
        self._slots.release()

    async def _handle(self, request: ReaderRequest, principal: Principal) -> None:
        """Reply to one request; a failure becomes an error reply and affects nothing else."""
        ids, timed = log_context.ids_of(request), self._metrics.timed(type(request))
        with log_context.bound(**ids), contextlib.suppress(ConnectionError), timed:
            try:
                if self._is_draining and not isinstance(request, ENDING_REQUESTS):
                    raise refusal()
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

    async def _serve(self, request: ReaderRequest, principal: Principal) -> None:
        """Reply while budget is held; retry with more if the reply needs it."""
        size = 0
        while True:
            try:
                async with self._budget.hold_reply(request, size) as share:
                    await self._reply(request, principal, share)
                return
            except ExceededError as error:
                size = error.size

    async def _reply(self, request: ReaderRequest, principal: Principal, share: Share) -> None:
        context = RequestContext(
            self._services,
            principal,
            share,
            self._active_stream,
            self._export_requests,
            self._alarm_push,
            self._status_push,
            request,
        )
        reply = await HANDLERS[type(request)](context, request)
        if isinstance(reply, bytes):
            share.check(len(reply))
            await self.send_frame(reply)
        elif reply is not None:
            await self.send(reply, request.ref)

    async def send(self, reply: messages.Message, ref: Ref, *, of_stream: bool = False) -> None:
        """Send a reply to a request, or (`of_stream`) a message of the stream."""
        reply.ref = ref
        if isinstance(reply, messages.Error):
            self._identify(reply)
        await self.send_frame(messages.encode(reply), of_stream=of_stream)

    def _identify(self, error: messages.Error) -> None:
        """Give an error the id of its request, and log it under the same id."""
        error.request_id = request_id.current.get() or None
        self._metrics.count_error(error.code)
        log.info("request refused", extra={"context": {"code": error.code}})

    async def _send_error(self, ref: Ref, code: str, message: str) -> None:
        await self.send(messages.Error(code=code, message=message), ref)

    async def refuse(self, request: ReaderRequest, code: str, message: str) -> None:
        """Send the error that rejects a request or ends its stream."""
        error = messages.Error(code=code, message=message)
        if isinstance(request, messages.StartStream | FollowStream):
            error.playback_request_id = request.playback_request_id
        await self.send(error, request.ref)

    async def send_frame(self, frame: bytes, *, of_stream: bool = False) -> None:
        """Send an encoded frame. A frame of a stream may wait for the client without limit; a
        client that does not receive a reply within ANSWER_TIMEOUT_S is disconnected.
        """
        self._metrics.sent_bytes["stream" if of_stream else "reply"] += len(frame)
        rest = begin_text(self._socket, frame)
        if rest is None:
            await asyncio.sleep(0)  # Other clients have their turn.
            return
        try:
            async with asyncio.timeout(None if of_stream else SEND_TIMEOUT_S):
                await asyncio.shield(rest)
        except TimeoutError:
            log.warning("client disconnected: it did not receive its reply in time")
            self._abort()
            raise ConnectionResetError("the client did not receive its reply in time") from None
