"""`/ws`: one client's session, from authentication to close."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from collections.abc import Coroutine
from typing import Literal, NamedTuple
from urllib.parse import quote

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from nova.edge.authorization import Authorizer
from nova.edge.edge_config import EdgeLimits
from nova.edge.errors import AccessError, ClientGoneError
from nova.edge.export_downloads import EXPORT_ROLES
from nova.edge.stream_filter import StreamFilter
from nova.edge.submission_policy import SubmissionPolicy
from nova.edge.tokens import Claims
from nova.edge.unsent import UnsentFrames
from nova.edge.upstream import Upstream
from nova.sdk import timestamps
from nova.sdk.default_view import DefaultView
from nova.sdk.endpoints import send_text
from nova.sdk.errors import ProtocolError
from nova.sdk.protocol import messages
from nova.sdk.protocol.export import CancelExport, Export
from nova.sdk.protocol.messages import (
    REQUEST_MAX_BYTES,
    Auth,
    Authenticated,
    CancelStream,
    Error,
    Ref,
    Request,
    SetCursor,
    StartStream,
    StreamCancelled,
)
from nova.sdk.protocol.submission import (
    CONNECTION_HEADER,
    REPLAYING_HEADER,
    ROLE_HEADER,
    USER_HEADER,
    Submission,
)

log = logging.getLogger(__name__)

CLOSE_UNAUTHORIZED = 4401
# The same text for every reason, so that a reply does not reveal why a token is refused.
UNAUTHORIZED = "the token is not valid or no longer valid: log in again"
AUTH_FIRST = "the first message must be `auth` with a token"
CORE_UNAVAILABLE = "the Core's reader does not answer; the edge keeps trying"

_auth = msgspec.json.Decoder(Auth)

Socket = web.WebSocketResponse[Literal[False]]


class EdgeServices(NamedTuple):
    """What the sessions of an edge share. `reader_responding` is set while the reader answers."""

    authorizer: Authorizer
    submission_policy: SubmissionPolicy
    limits: EdgeLimits
    reader_responding: asyncio.Event
    unsent: UnsentFrames
    default_view: DefaultView | None = None


class EdgeSession:
    """One client's connection and its upstream. Its state ends with the connection."""

    def __init__(
        self,
        ws: Socket,
        transport: asyncio.Transport | None,
        upstream: Upstream,
        services: EdgeServices,
    ) -> None:
        self._ws = ws
        self._transport = transport
        self._upstream = upstream
        self._reader_responding = services.reader_responding
        self._unsent = services.unsent
        self._authorizer = services.authorizer
        self._submission_policy = services.submission_policy
        self._limits = services.limits
        self._default_view = services.default_view
        self._stream_filter = StreamFilter(services.limits.streams_per_connection_max)
        self._claims: Claims | None = None
        self._users_changed = asyncio.Event()
        self._connection_id = uuid.uuid4().hex

    @property
    def authenticated(self) -> bool:
        """Whether the client has sent a valid token."""
        return self._claims is not None

    async def run(self) -> None:
        """Serve the client until it disconnects, is refused, or stops reading."""
        code = WSCloseCode.OK.value
        try:
            await self._serve(await self._authenticate())
        except AccessError as error:
            log.info("session refused", extra={"context": {"reason": str(error)}})
            code = CLOSE_UNAUTHORIZED
        except ClientGoneError as error:
            log.info("session lost", extra={"context": {"reason": str(error)}})
        except Exception:
            log.exception("session failed")
            code = WSCloseCode.INTERNAL_ERROR.value
        finally:
            await self.close(code)
            await self._upstream.close()

    async def close(self, code: int) -> None:
        """Close the WebSocket; abort the connection if the client does not close in time."""
        try:
            async with asyncio.timeout(self._limits.close_timeout_s):
                await self._ws.close(code=code)
        except (TimeoutError, OSError):
            self.abort()

    def abort(self) -> None:
        """Abort the connection without waiting for the client."""
        if self._transport is not None:
            self._transport.abort()

    def recheck_user(self) -> None:
        """Wake the check of the user, because users have changed."""
        self._users_changed.set()

    def drop_reader(self) -> None:
        """The reader hangs: drop the connection, so that the client is notified as if it ended."""
        self._upstream.drop()

    async def _authenticate(self) -> tuple[Claims, Ref]:
        try:
            message = await self._ws.receive(timeout=self._limits.auth_timeout_s)
        except TimeoutError:
            raise await self._reject(None, AUTH_FIRST) from None
        if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
            raise ClientGoneError("disconnected before authentication")
        if message.type is not WSMsgType.TEXT:
            raise await self._reject(None, AUTH_FIRST)
        try:
            auth = _auth.decode(message.data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise await self._reject(messages.ref_of(message.data), AUTH_FIRST) from None
        try:
            return self._authorizer.authorize(auth.token), auth.ref
        except AccessError as error:
            raise await self._reject(auth.ref, UNAUTHORIZED, str(error)) from None

    async def _reject(self, ref: Ref, message: str, reason: str = "") -> AccessError:
        """Send the client the error; returns the exception to raise."""
        await self._send_error(ref, "unauthorized", message)
        return AccessError(reason or message)

    async def _serve(self, admitted: tuple[Claims, Ref]) -> None:
        claims, ref = admitted
        self._claims = claims
        # Connecting to a hung reader would delay the welcome until the timeout.
        connected = self._reader_responding.is_set() and await self._connect(claims)
        expires = timestamps.text(claims.exp * timestamps.NS_PER_SECOND)
        welcome = Authenticated(
            ref=ref,
            user=claims.sub,
            role=claims.role,
            expires_at=expires,
            default_view=self._default_view,
        )
        await self._send(messages.encode(welcome))
        await _run_until_first(
            self._forward_requests(claims),
            self._forward_frames(claims, connected),
            self._watch_access(claims),
        )

    async def _forward_requests(self, claims: Claims) -> None:
        """Forward the client's requests one after the other, until it disconnects."""
        while True:
            message = await self._ws.receive()
            if message.type is WSMsgType.TEXT:
                await self._check_access(claims, message.data)
                await self._forward_request(claims, message.data)
            elif message.type is WSMsgType.BINARY:
                await self._send_error(
                    None, "badRequest", "frames must be text; this one is binary"
                )
            else:
                return

    async def _check_access(self, claims: Claims, frame: bytes = b"") -> None:
        try:
            self._authorizer.check(claims)
        except AccessError as error:
            raise await self._reject(messages.ref_of(frame), UNAUTHORIZED, str(error)) from None

    async def _watch_access(self, claims: Claims) -> None:
        """End the session soon after its token expires or its user changes, even if it is idle."""
        while True:
            left = max(claims.exp - time.time(), 0.0)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(self._limits.access_check_s, left)):
                    await self._users_changed.wait()
            self._users_changed.clear()
            await self._check_access(claims)

    async def _forward_request(self, claims: Claims, frame: bytes) -> None:
        try:
            request = messages.decode_request(frame)
        except ProtocolError as error:
            await self._send_error(messages.ref_of(frame), error.code, error.message)
            return
        if isinstance(request, Submission):
            await self._stream_filter.wait_for_replies(self._limits.start_reply_timeout_s)
        try:
            frame = self._frame_to_forward(claims, request, frame)
            if not await self._upstream.send(frame):
                raise ProtocolError("coreUnavailable", CORE_UNAVAILABLE)
        except ProtocolError as error:
            await self._send_refusal(request, error)

    def _frame_to_forward(self, claims: Claims, request: Request, frame: bytes) -> bytes:
        """The frame to forward: the client's own bytes unless the request had to be changed. Raises
        ProtocolError if the request is refused.
        """
        if isinstance(request, Export | CancelExport) and claims.role not in EXPORT_ROLES:
            raise ProtocolError("forbidden", "exports are for operators and administrators")
        if isinstance(request, StartStream):
            wanted = self._stream_filter.start(request)
            return frame if wanted is request else _encode_bounded(wanted)
        if isinstance(request, CancelStream):
            self._stream_filter.cancel(request)
        elif isinstance(request, SetCursor):
            self._stream_filter.set_cursor(request)
        elif isinstance(request, Submission):
            self._submission_policy.check(claims, request, self._stream_filter.past_reason())
        return frame

    async def _send_refusal(self, request: Request, error: ProtocolError) -> None:
        """Send the error. A refused start leaves the previous stream active."""
        refusal = Error(ref=request.ref, code=error.code, message=error.message)
        if isinstance(request, StartStream) and error.code != "playbackRequestIdReused":
            refusal.playback_request_id = request.playback_request_id
            self._stream_filter.start_refused(request.playback_request_id)
        await self._send(messages.encode(refusal))

    async def _forward_frames(self, claims: Claims, connected: bool) -> None:
        """Forward the reader's frames unchanged; reconnect when the reader is lost."""
        delay_s = self._limits.upstream_retry_min_s
        while True:
            if connected:
                delay_s = self._limits.upstream_retry_min_s
                async for frame in self._upstream.frames():
                    if self._stream_filter.passes(frame):
                        await self._send(frame)
                await self._report_reader_lost()
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, self._limits.upstream_retry_max_s)
            await self._reader_responding.wait()
            connected = await self._connect(claims)

    async def _connect(self, claims: Claims) -> bool:
        """Connect with the identity headers that still hold when the connection is open."""
        while True:
            who = self._identity_headers(claims)
            if not await self._upstream.connect(who):
                return False
            if self._identity_headers(claims) == who:
                return True
            await self._upstream.close()

    def _identity_headers(self, claims: Claims) -> dict[str, str]:
        """The identity headers, which the edge sets so that clients cannot forge them."""
        who = {
            USER_HEADER: quote(claims.sub, safe=""),
            ROLE_HEADER: claims.role,
            CONNECTION_HEADER: self._connection_id,
        }
        return {**who, REPLAYING_HEADER: "yes"} if self._stream_filter.past_reason() else who

    async def _report_reader_lost(self) -> None:
        """Pending requests get no reply now; notify the client, which may restart at its cursor."""
        await self._upstream.close()
        lost = self._stream_filter.reader_lost()
        if lost is not None:
            await self._send(messages.encode(StreamCancelled(playback_request_id=lost)))
        await self._send_error(None, "coreUnavailable", CORE_UNAVAILABLE)

    async def _send_error(self, ref: Ref, code: str, message: str) -> None:
        await self._send(messages.encode(Error(ref=ref, code=code, message=message)))

    async def _send(self, frame: bytes) -> None:
        """Send one frame; a client that does not read it in time is disconnected."""
        try:
            with self._unsent.sending(len(frame), self.abort):
                async with asyncio.timeout(self._limits.send_timeout_s):
                    await send_text(self._ws, frame)
        except TimeoutError:
            self.abort()
            raise ClientGoneError("the client did not read for too long") from None
        except OSError as error:
            raise ClientGoneError(str(error)) from None


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


async def _run_until_first(*works: Coroutine[None, None, None]) -> None:
    """Run all until the first ends, then cancel the others; raises the first one's exception."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task
