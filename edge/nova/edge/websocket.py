"""`/ws`: one client's session, from authentication to close."""

from __future__ import annotations

import asyncio
import logging
import math
import sqlite3
from dataclasses import replace
from typing import Literal, NamedTuple

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from nova.edge.access import Access
from nova.edge.account_requests import seconds_text
from nova.edge.authorization import Authorizer
from nova.edge.compressed_replies import compress_replies_only, window_bits_of
from nova.edge.core_link import CoreLink, refusal_of
from nova.edge.edge_config import EdgeLimits
from nova.edge.errors import AccessError, ClientGoneError
from nova.edge.http_admission import CHANGE_PASSWORD_FIRST
from nova.edge.own_requests import SAME_ACCESS, OwnRequest, OwnRequests
from nova.edge.request_limits import RequestLimits, kind_of
from nova.edge.same_origin import is_browser
from nova.edge.storage_fault import storage_fault
from nova.edge.submission_policy import SubmissionPolicy
from nova.edge.unsent import UnsentFrames
from nova.edge.upstream import Upstream
from nova.sdk import log_context
from nova.sdk.background_task import run_until_first
from nova.sdk.connection_ends import begin_text
from nova.sdk.default_view import DefaultView
from nova.sdk.errors import ProtocolError, RateLimitError
from nova.sdk.protocol import messages
from nova.sdk.protocol.account import ChangePassword, Logout
from nova.sdk.protocol.drain import refusal
from nova.sdk.protocol.edge import EdgeRequest, decode_edge_request
from nova.sdk.protocol.messages import Auth, Authenticated, Ref, StartStream

log = logging.getLogger(__name__)

CLOSE_UNAUTHORIZED = 4401
# The same text for every reason, so that a reply does not reveal why a token is refused.
UNAUTHORIZED = "the token is not valid or no longer valid: log in again"
AUTH_FIRST = "the first message must be `auth` with a token"
OTHER_PRINCIPAL = "the token is of another session or user: open another connection for it"

_auth = msgspec.json.Decoder(Auth)

Socket = web.WebSocketResponse[Literal[False]]


class EdgeServices(NamedTuple):
    """What the sessions of an edge share. `reader_responding` is set while the reader answers."""

    authorizer: Authorizer
    submission_policy: SubmissionPolicy
    request_limits: RequestLimits
    limits: EdgeLimits
    reader_responding: asyncio.Event
    unsent: UnsentFrames
    own_requests: OwnRequests
    default_view: DefaultView | None = None


class EdgeSession:
    """One client's connection and its upstream. Its state ends with the connection."""

    def __init__(
        self,
        ws: Socket,
        request: web.Request,
        upstream: Upstream,
        services: EdgeServices,
        address: str = "",
    ) -> None:
        self._ws = ws
        self._transport = request.transport
        self._core = CoreLink(
            upstream,
            services.submission_policy,
            services.limits,
            services.reader_responding,
            self._send,
            any_lane=not is_browser(request),
        )
        self._unsent = services.unsent
        self._authorizer = services.authorizer
        self._limits = services.limits
        self._request_limits = services.request_limits
        self._default_view = services.default_view
        self._own_requests = services.own_requests
        self._address = address
        self._access: Access | None = None
        self._refused: AccessError | None = None
        self._until_refused: asyncio.Timeout | None = None
        """Ends the session when its access is refused."""

        self._request = asyncio.Lock()
        """Held while one of the client's requests is served."""

    @property
    def authenticated(self) -> bool:
        """Whether the client has sent a valid token."""
        return self._access is not None

    async def run(self) -> None:
        """Serve the client until it disconnects, is refused, or stops reading."""
        code = WSCloseCode.OK.value
        compress_replies_only(self._ws)
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
            self._own_requests.tcp_streams.connection_closed(self._core)
            await self.close(code)
            await self._core.close()

    async def close(self, code: int) -> None:
        """Close the WebSocket; abort the connection if the client does not close in time."""
        try:
            async with asyncio.timeout(self._limits.close_timeout_s):
                await self._ws.close(code=code)
        except (TimeoutError, OSError):
            self.abort()

    async def drain(self) -> None:
        """Refuse further requests and close the connection once those that run are answered."""
        if self.authenticated:
            self._core.is_draining = True
            async with self._request:
                pass
            await self._core.drain()
        await self.close(WSCloseCode.GOING_AWAY.value)

    def abort(self) -> None:
        """Abort the connection without waiting for the client."""
        if self._transport is not None:
            self._transport.abort()

    def recheck(self) -> None:
        """End the session if its token has expired or its user or key has changed."""
        if self._access is None or self._until_refused is None or self._refused is not None:
            return
        try:
            self._authorizer.check(self._access)
        except AccessError as error:
            self._refused = error
            self._until_refused.reschedule(0)

    def drop_reader(self) -> None:
        """The reader hangs: drop the connection, so that the client is notified as if it ended."""
        self._core.drop()

    async def _authenticate(self) -> tuple[Access, Ref]:
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

    async def _serve(self, admitted: tuple[Access, Ref]) -> None:
        access, ref = admitted
        self._access = access
        log_context.bind(user=access.name)
        try:
            async with asyncio.timeout(None) as self._until_refused:
                await self._send_welcome(access, ref)
                await run_until_first(self._forward_requests(), self._core.forward_frames(access))
        except TimeoutError:
            if self._refused is None:
                raise
            raise await self._reject(None, UNAUTHORIZED, str(self._refused)) from None
        finally:
            self._until_refused = None

    async def _send_welcome(self, access: Access, ref: Ref) -> None:
        welcome = Authenticated(
            ref=ref,
            user=access.name,
            role=access.role,
            expires_at=None if math.isinf(access.expires) else seconds_text(access.expires),
            must_change_password=access.must_change,
            default_view=self._default_view,
        )
        await self._send(messages.encode(welcome))

    async def _forward_requests(self) -> None:
        """Serve the client's requests one after the other, until it disconnects."""
        while True:
            message = await self._ws.receive()
            if message.type is WSMsgType.TEXT:
                self._core.begin_request()
                async with self._request:
                    access = await self._check_access(message.data)
                    await self._serve_request(access, message.data)
            elif message.type is WSMsgType.BINARY:
                await self._send_error(
                    None, "badRequest", "frames must be text; this one is binary"
                )
            else:
                return

    async def _check_access(self, frame: bytes = b"") -> Access:
        assert self._access is not None
        try:
            self._authorizer.check(self._access)
        except AccessError as error:
            raise await self._reject(messages.ref_of(frame), UNAUTHORIZED, str(error)) from None
        return self._access

    async def _serve_request(self, access: Access, frame: bytes) -> None:
        try:
            request = decode_edge_request(frame)
        except ProtocolError as error:
            await self._refuse(messages.ref_of(frame), error)
            return
        try:
            self._request_limits.spend(access, kind_of(request))
        except RateLimitError as error:
            await self._refuse(request.ref, error, _playback_id_of(request))
            return
        if self._core.is_draining:
            await self._refuse(request.ref, refusal(), _playback_id_of(request))
        elif access.must_change and not isinstance(request, Auth | ChangePassword | Logout):
            await self._send_error(request.ref, "passwordChangeRequired", CHANGE_PASSWORD_FIRST)
        elif isinstance(request, Auth):
            await self._renew(access, request)
        elif isinstance(request, OwnRequest):
            await self._reply_itself(access, request)
        else:
            await self._core.forward(access, request, frame)

    async def _renew(self, access: Access, auth: Auth) -> None:
        """Continue the connection with the next token of the same principal."""
        try:
            renewed = self._authorizer.authorize(auth.token)
        except AccessError as error:
            raise await self._reject(auth.ref, UNAUTHORIZED, str(error)) from None
        if replace(renewed, expires=access.expires) != access:
            await self._send_error(auth.ref, "forbidden", OTHER_PRINCIPAL)
            return
        self._access = renewed
        await self._send_welcome(renewed, auth.ref)

    async def _reply_itself(self, access: Access, request: OwnRequest) -> None:
        """Answer a request that is not forwarded to the Core."""
        try:
            reply = await self._own_requests.reply(access, request, self._core, self._address)
        except ProtocolError as error:
            await self._refuse(request.ref, error)
            return
        except sqlite3.Error as error:
            await self._refuse(request.ref, storage_fault(error))
            return
        reply.ref = request.ref
        await self._send(messages.encode(reply))
        if not isinstance(request, SAME_ACCESS):
            self._authorizer.clear_cache()
            self.recheck()

    async def _send_error(self, ref: Ref, code: str, message: str) -> None:
        await self._refuse(ref, ProtocolError(code, message))

    async def _refuse(self, ref: Ref, error: ProtocolError, playback_id: str | None = None) -> None:
        refusal = refusal_of(ref, error)
        refusal.playback_request_id = playback_id
        await self._send(messages.encode(refusal))

    async def _send(self, frame: bytes) -> None:
        """Send one frame; a client that does not read it in time is disconnected."""
        try:
            rest = begin_text(self._ws, frame, window_bits_of(self._ws, frame))
            if rest is None:
                self._unsent.abort_slowest()
                await asyncio.sleep(0)  # Other clients have their turn.
                return
            with self._unsent.sending(len(frame), self.abort):
                async with asyncio.timeout(self._limits.send_timeout_s):
                    await asyncio.shield(rest)
        except TimeoutError:
            self.abort()
            raise ClientGoneError("the client did not read for too long") from None
        except OSError as error:
            raise ClientGoneError(str(error)) from None


def _playback_id_of(request: EdgeRequest) -> str | None:
    return request.playback_request_id if isinstance(request, StartStream) else None
