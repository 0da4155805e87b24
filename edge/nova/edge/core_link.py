"""A session's link to the Core: forwards requests to the reader and frames to the client."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable
from math import ceil

from nova.edge.access import Access
from nova.edge.edge_config import EdgeLimits
from nova.edge.export_downloads import EXPORT_ROLES
from nova.edge.identity_headers import identity_headers
from nova.edge.stream_filter import StreamFilter
from nova.edge.submission_policy import SubmissionPolicy
from nova.edge.upstream import Upstream
from nova.sdk import log_context, request_id
from nova.sdk.errors import ProtocolError
from nova.sdk.protocol import messages
from nova.sdk.protocol.drain import Drain
from nova.sdk.protocol.export import CancelExport, Export
from nova.sdk.protocol.messages import (
    REQUEST_MAX_BYTES,
    CancelStream,
    Error,
    Ref,
    Request,
    SetCursor,
    StartStream,
    StreamCancelled,
)
from nova.sdk.protocol.submission import REPLAYING_HEADER, Submission

log = logging.getLogger(__name__)

_ERROR_PREFIX = b'{"type":"error"'
CORE_UNAVAILABLE = "the Core's reader does not answer; the edge keeps trying"


class CoreLink:
    """The upstream of one session. `send` delivers a frame to the client; `reader_responding` is
    set while the reader answers. `any_lane`: streams carry every lane that they name.
    """

    def __init__(
        self,
        upstream: Upstream,
        policy: SubmissionPolicy,
        limits: EdgeLimits,
        reader_responding: asyncio.Event,
        send: Callable[[bytes], Awaitable[None]],
        *,
        any_lane: bool = False,
    ) -> None:
        self._upstream = upstream
        self._submission_policy = policy
        self._limits = limits
        self._reader_responding = reader_responding
        self._send = send
        self._stream_filter = StreamFilter(limits.streams_per_connection_max, any_lane=any_lane)
        self._connection_id = uuid.uuid4().hex
        self._connects = 0
        self.is_draining = False
        self._opened: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        """Whether the first attempt to connect succeeded."""

        self._reader_done = asyncio.Event()
        self._answered = 0

    async def open(self, access: Access) -> None:
        """Connect for the first request: a client that asks nothing of the Core takes no connection
        to it. Not if the reader hangs, since connecting would then last until the timeout.
        """
        if self._opened.done():
            return
        connected = self._reader_responding.is_set() and await self._connect(access)
        if not self._opened.done():  # It is cancelled with the session.
            self._opened.set_result(connected)

    async def close(self) -> None:
        await self._upstream.close()

    async def drain(self) -> None:
        """Refuse further requests, and wait until the reader has answered those before and closes
        the connection.
        """
        self.is_draining = True
        if await self._upstream.send(messages.encode(Drain())):
            await self._reader_done.wait()

    def drop(self) -> None:
        """Drop the connection, so that the client is notified as if the reader had ended it."""
        self._upstream.drop()

    @property
    def connection_name(self) -> str:
        """The name of the connection to the reader, another one after each attempt to connect."""
        return f"{self._connection_id}-{self._connects}"

    def begin_request(self) -> None:
        """Give the client's next request an id. It gets another one when it is forwarded."""
        self._answered += 1
        request_id.current.set(request_id.own_id(self._connection_id, self._answered))

    async def forward(self, access: Access, request: Request, frame: bytes) -> None:
        """Forward a request, or reply why it is refused."""
        with log_context.bound(**log_context.ids_of(request)):
            await self._forward(access, request, frame)

    async def _forward(self, access: Access, request: Request, frame: bytes) -> None:
        await self.open(access)
        if isinstance(request, Submission):
            await self._stream_filter.wait_for_replies(self._limits.start_reply_timeout_s)
        try:
            frame = self._frame_to_forward(access, request, frame)
            if self._upstream.is_connected:
                number = self._upstream.sent + 1
                request_id.current.set(request_id.forwarded_id(self.connection_name, number))
            self._log_forwarding(access, request)
            if not await self._upstream.send(frame):
                raise ProtocolError("coreUnavailable", CORE_UNAVAILABLE)
        except ProtocolError as error:
            await self._send_refusal(request, error)

    def _frame_to_forward(self, access: Access, request: Request, frame: bytes) -> bytes:
        """The frame to forward: the client's own bytes unless the request had to be changed. Raises
        ProtocolError if the request is refused.
        """
        if isinstance(request, Export | CancelExport) and access.role not in EXPORT_ROLES:
            raise ProtocolError("forbidden", "exports are for operators and administrators")
        if isinstance(request, StartStream):
            wanted = self._stream_filter.start(request)
            return frame if wanted is request else _encode_bounded(wanted)
        if isinstance(request, CancelStream):
            self._stream_filter.cancel(request)
        elif isinstance(request, SetCursor):
            self._stream_filter.set_cursor(request)
        elif isinstance(request, Submission):
            self._submission_policy.check(access, request, self._stream_filter.past_reason())
        return frame

    def _log_forwarding(self, access: Access, request: Request) -> None:
        level = logging.INFO if isinstance(request, Submission) else logging.DEBUG
        context = {"user": access.name, "type": request.__struct_config__.tag}
        log.log(level, "request", extra={"context": context})

    async def _send_refusal(self, request: Request, error: ProtocolError) -> None:
        """Send the error. A refused start leaves the previous stream active."""
        refusal = refusal_of(request.ref, error)
        if isinstance(request, StartStream) and error.code != "playbackRequestIdReused":
            refusal.playback_request_id = request.playback_request_id
            self._stream_filter.start_refused(request.playback_request_id)
        await self._send(messages.encode(refusal))

    async def forward_frames(self, access: Access) -> None:
        """Once connected, forward the reader's frames unchanged; reconnect when it is lost."""
        connected = await self._opened
        delay_s = self._limits.upstream_retry_min_s
        while True:
            if connected:
                delay_s = self._limits.upstream_retry_min_s
                async for frame in self._upstream.frames():
                    if self._stream_filter.passes(frame):
                        await self._send(frame)
                    if frame.startswith(_ERROR_PREFIX):
                        _log_error(access, frame)
                if self.is_draining:
                    break
                await self._report_reader_lost()
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, self._limits.upstream_retry_max_s)
            await self._reader_responding.wait()
            connected = await self._connect(access)
        self._reader_done.set()
        await asyncio.Event().wait()  # Whoever drains the session closes it.

    async def _connect(self, access: Access) -> bool:
        """Connect with the identity headers that still hold when the connection is open."""
        self._connects += 1
        while True:
            who = self._identity_headers(access)
            if not await self._upstream.connect(who):
                return False
            if self._identity_headers(access) == who:
                return True
            await self._upstream.close()

    def _identity_headers(self, access: Access) -> dict[str, str]:
        """The identity headers, which the edge sets so that clients cannot forge them."""
        who = identity_headers(access, self.connection_name)
        return {**who, REPLAYING_HEADER: "yes"} if self._stream_filter.past_reason() else who

    async def _report_reader_lost(self) -> None:
        """Pending requests get no reply now; notify the client, which may restart at its cursor."""
        await self._upstream.close()
        lost = self._stream_filter.reader_lost()
        if lost is not None:
            await self._send(messages.encode(StreamCancelled(playback_request_id=lost)))
        await self._send(messages.encode(Error(code="coreUnavailable", message=CORE_UNAVAILABLE)))


def refusal_of(ref: Ref, error: ProtocolError) -> Error:
    """The error frame of a request that the edge refuses, with the id under which it is logged."""
    log.info("request refused", extra={"context": {"code": error.code}})
    return Error(
        ref=ref,
        code=error.code,
        message=error.message,
        request_id=request_id.current.get() or None,
        retry_after_ms=None if error.retry_after_s is None else ceil(error.retry_after_s * 1_000),
    )


def _log_error(access: Access, frame: bytes) -> None:
    """Log an error of the Core under the id that it has there."""
    error = messages.decode_reply(frame)
    if isinstance(error, Error):
        request_id.current.set(error.request_id or "")
        log.info(
            "request refused by the Core",
            extra={"context": {"user": access.name, "code": error.code}},
        )
        request_id.current.set("")


def _encode_bounded(request: Request) -> bytes:
    """Encode a changed request. The reader's size limit is applied to the encoded form, since
    numbers may be longer than the client wrote them.
    """
    frame = messages.encode(request)
    if len(frame) > REQUEST_MAX_BYTES:
        raise ProtocolError(
            "requestTooLarge",
            f"the request has {len(frame)} bytes when it is sent to the Core, the limit is "
            f"{REQUEST_MAX_BYTES}: shorten its filters",
        )
    return frame
