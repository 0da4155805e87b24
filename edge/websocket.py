"""`/ws`: one client's session, from its token to its end (nova.md §8, A-153, A-272)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from collections.abc import Coroutine
from typing import Literal
from urllib.parse import quote

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from edge.access import Access
from edge.config import Limits
from edge.errors import AccessError, ClientGoneError
from edge.exports import EXPORT_ROLES
from edge.fence import Fence
from edge.submissions import Gate
from edge.tokens import Claims
from edge.unsent import Unsent
from edge.upstream import Upstream
from sdk import protocol, timestamps
from sdk.default_view import DefaultView
from sdk.endpoints import send_text
from sdk.errors import ProtocolError
from sdk.export import CancelExport, Export
from sdk.protocol import (
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
from sdk.submission import (
    CONNECTION_HEADER,
    REPLAYING_HEADER,
    ROLE_HEADER,
    USER_HEADER,
    Submission,
)

log = logging.getLogger(__name__)

CLOSE_UNAUTHORIZED = 4401
# One text for every reason, so that nobody learns why a token is refused.
UNAUTHORIZED = "the token is not valid or no longer valid: log in again"
AUTH_FIRST = "the first message must be `auth` with a token"
CORE_AWAY = "the Core's reader does not answer; the edge keeps trying"

_auth = msgspec.json.Decoder(Auth)

Socket = web.WebSocketResponse[Literal[False]]


class Session:
    """One client's connection and its upstream; all its state dies with it (A-164)."""

    def __init__(
        self,
        ws: Socket,
        transport: asyncio.Transport | None,
        upstream: Upstream,
        access: Access,
        gate: Gate,
        limits: Limits,
        answers: asyncio.Event,
        unsent: Unsent,
        default_view: DefaultView | None = None,
    ) -> None:
        self._ws = ws
        self._answers = answers
        self._unsent = unsent
        self._transport = transport
        self._upstream = upstream
        self._access = access
        self._gate = gate
        self._limits = limits
        self._default_view = default_view
        self._fence = Fence(limits.streams_per_connection_max)
        self._claims: Claims | None = None
        self._users_changed = asyncio.Event()
        self._connection_id = uuid.uuid4().hex

    @property
    def authenticated(self) -> bool:
        """Whether the client has shown a good token."""
        return self._claims is not None

    async def run(self) -> None:
        """Serve the client until it goes, is refused, or stops reading."""
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
        """Close towards the client, politely if it takes that, and for certain."""
        try:
            async with asyncio.timeout(self._limits.close_timeout_s):
                await self._ws.close(code=code)
        except (TimeoutError, OSError):
            self.cut()

    def cut(self) -> None:
        """End the connection at once, whatever the client does."""
        if self._transport is not None:
            self._transport.abort()

    def users_changed(self) -> None:
        """Look again whether the client may go on."""
        self._users_changed.set()

    def lose_reader(self) -> None:
        """The reader does not answer any more; the client is told as if it had gone."""
        self._upstream.drop()

    async def _authenticate(self) -> tuple[Claims, Ref]:
        try:
            message = await self._ws.receive(timeout=self._limits.auth_timeout_s)
        except TimeoutError:
            raise await self._refusal(None, AUTH_FIRST) from None
        if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
            raise ClientGoneError("left before it authenticated")
        if message.type is not WSMsgType.TEXT:
            raise await self._refusal(None, AUTH_FIRST)
        try:
            auth = _auth.decode(message.data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise await self._refusal(protocol.ref_of(message.data), AUTH_FIRST) from None
        try:
            return self._access.admit(auth.token), auth.ref
        except AccessError as error:
            raise await self._refusal(auth.ref, UNAUTHORIZED, str(error)) from None

    async def _refusal(self, ref: Ref, message: str, reason: str = "") -> AccessError:
        """Tell the client why it is sent away; returns the error to raise."""
        await self._error(ref, "unauthorized", message)
        return AccessError(reason or message)

    async def _serve(self, admitted: tuple[Claims, Ref]) -> None:
        claims, ref = admitted
        self._claims = claims
        # A reader that hangs would be waited for before anything is said.
        connected = self._answers.is_set() and await self._connect(claims)
        expires = timestamps.text(claims.exp * timestamps.NS_PER_SECOND)
        welcome = Authenticated(
            ref=ref,
            user=claims.sub,
            role=claims.role,
            expires_at=expires,
            default_view=self._default_view,
        )
        await self._send(protocol.encode(welcome))
        await _first_of(self._read(claims), self._pump(claims, connected), self._watch(claims))

    async def _read(self, claims: Claims) -> None:
        """Take the client's requests, one after the other, until it goes."""
        while True:
            message = await self._ws.receive()
            if message.type is WSMsgType.TEXT:
                await self._check(claims, message.data)
                await self._request(claims, message.data)
            elif message.type is WSMsgType.BINARY:
                await self._error(None, "badRequest", "frames are text, this one is binary")
            else:
                return

    async def _check(self, claims: Claims, frame: bytes = b"") -> None:
        try:
            self._access.check(claims)
        except AccessError as error:
            raise await self._refusal(protocol.ref_of(frame), UNAUTHORIZED, str(error)) from None

    async def _watch(self, claims: Claims) -> None:
        """End even a silent session soon after its token expires or its user is disabled."""
        while True:
            left = max(claims.exp - time.time(), 0.0)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(self._limits.access_check_s, left)):
                    await self._users_changed.wait()
            self._users_changed.clear()
            await self._check(claims)

    async def _request(self, claims: Claims, frame: bytes) -> None:
        try:
            request = protocol.decode_request(frame)
        except ProtocolError as error:
            await self._error(protocol.ref_of(frame), error.code, error.message)
            return
        if isinstance(request, Submission):
            await self._fence.settle(self._limits.start_answer_s)
        try:
            frame = self._admitted(claims, request, frame)
            if not await self._upstream.send(frame):
                raise ProtocolError("coreUnavailable", CORE_AWAY)
        except ProtocolError as error:
            await self._refuse(request, error)

    def _admitted(self, claims: Claims, request: Request, frame: bytes) -> bytes:
        """The frame to forward, which is the client's own unless something has to be added; raises
        ProtocolError where nothing is.
        """
        if isinstance(request, Export | CancelExport) and claims.role not in EXPORT_ROLES:
            raise ProtocolError("forbidden", "exports are for operators and administrators")
        if isinstance(request, StartStream):
            wanted = self._fence.start(request)
            return frame if wanted is request else _encoded(wanted)
        if isinstance(request, CancelStream):
            self._fence.cancel(request)
        elif isinstance(request, SetCursor):
            self._fence.state(request)
        elif isinstance(request, Submission):
            self._gate.admit(claims, request, self._fence.why_past())
        return frame

    async def _refuse(self, request: Request, error: ProtocolError) -> None:
        """What is not served changes nothing: what was served before goes on."""
        refusal = Error(ref=request.ref, code=error.code, message=error.message)
        if isinstance(request, StartStream) and error.code != "playbackRequestIdReused":
            refusal.playback_request_id = request.playback_request_id
            self._fence.refuse(request.playback_request_id)
        await self._send(protocol.encode(refusal))

    async def _pump(self, claims: Claims, connected: bool) -> None:
        """Forward the reader's frames as they are, and find the reader again when it is lost."""
        delay_s = self._limits.upstream_retry_min_s
        while True:
            if connected:
                delay_s = self._limits.upstream_retry_min_s
                async for frame in self._upstream.frames():
                    if self._fence.passes(frame):
                        await self._send(frame)
                await self._tell_lost()
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, self._limits.upstream_retry_max_s)
            await self._answers.wait()
            connected = await self._connect(claims)

    async def _connect(self, claims: Claims) -> bool:
        """Connect to the reader, which is told of the client as it is by the end of that."""
        while True:
            who = self._who(claims)
            if not await self._upstream.connect(who):
                return False
            if self._who(claims) == who:
                return True
            await self._upstream.close()

    def _who(self, claims: Claims) -> dict[str, str]:
        """What the Core is told of the client, which cannot say it itself."""
        who = {
            USER_HEADER: quote(claims.sub, safe=""),
            ROLE_HEADER: claims.role,
            CONNECTION_HEADER: self._connection_id,
        }
        return {**who, REPLAYING_HEADER: "yes"} if self._fence.why_past() else who

    async def _tell_lost(self) -> None:
        """What was asked gets no answer any more: the client may ask again from its cursor."""
        await self._upstream.close()
        lost = self._fence.lose()
        if lost is not None:
            await self._send(protocol.encode(StreamCancelled(playback_request_id=lost)))
        await self._error(None, "coreUnavailable", CORE_AWAY)

    async def _error(self, ref: Ref, code: str, message: str) -> None:
        await self._send(protocol.encode(Error(ref=ref, code=code, message=message)))

    async def _send(self, frame: bytes) -> None:
        """Send one frame; a client that does not take it in time is cut off (pitfalls §1.8)."""
        try:
            with self._unsent.sending(len(frame), self.cut):
                async with asyncio.timeout(self._limits.send_timeout_s):
                    await send_text(self._ws, frame)
        except TimeoutError:
            self.cut()
            raise ClientGoneError("did not read for too long") from None
        except OSError as error:
            raise ClientGoneError(str(error)) from None


def _encoded(request: Request) -> bytes:
    """The frame of a request that is not its client's own. Its size is measured as it is sent, by
    the reader's rule: numbers may be written longer than the client wrote them.
    """
    frame = protocol.encode(request)
    if len(frame) > REQUEST_MAX_BYTES:
        raise ProtocolError(
            "requestTooLarge",
            f"the request is {len(frame)} bytes as it goes to the Core, of {REQUEST_MAX_BYTES} at "
            "most: ask for less in its filters",
        )
    return frame


async def _first_of(*works: Coroutine[None, None, None]) -> None:
    """Run all until the first ends, then stop the others; raises what the first raised."""
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
