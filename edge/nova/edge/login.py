"""`POST /auth/login`: exchanges a password for a token and throttles failed attempts."""

from __future__ import annotations

import logging
import re
import secrets
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from nova.edge.actor import NOBODY
from nova.edge.audit_queue import AuditQueue
from nova.edge.bodies import read_body
from nova.edge.client_address import ClientAddresses
from nova.edge.edge_config import EdgeLimits
from nova.edge.errors import AccessError, BodyError, LoginBusyError
from nova.edge.login_queue import LoginQueue
from nova.edge.login_throttle import DEVICE_MEMORY_S, LoginAttempt, LoginClient, LoginThrottle
from nova.edge.password_policy import PASSWORD_MAX_CHARS, check_new_password
from nova.edge.passwords import PasswordHashing
from nova.edge.replies import error_reply
from nova.edge.secret_digest import digest_of
from nova.edge.session_reply import SessionReplies
from nova.edge.session_store import SessionStore
from nova.edge.user_store import User, UserStore
from nova.sdk.field_types import JsonObject
from nova.sdk.pattern_words import in_words

log = logging.getLogger(__name__)

FIRST_USER = "admin"
LOGIN_MAX_BYTES = 16 * 1024
"""Enough for the longest name and password, each character of which may be two JSON escapes."""


class Credentials(msgspec.Struct, forbid_unknown_fields=True):
    username: Annotated[str, Meta(min_length=1, max_length=64)]
    password: Annotated[str, Meta(min_length=1, max_length=PASSWORD_MAX_CHARS)]


DEVICE_BYTES = 32
_DEVICE_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)

_decoder = msgspec.json.Decoder(Credentials)


class LoginHandler:
    def __init__(
        self,
        users: UserStore,
        sessions: SessionStore,
        passwords: PasswordHashing,
        replies: SessionReplies,
        throttle: LoginThrottle,
        addresses: ClientAddresses,
        limits: EdgeLimits,
        audit: AuditQueue,
    ) -> None:
        self._users = users
        self._sessions = sessions
        self._passwords = passwords
        self._replies = replies
        self._throttle = throttle
        self._addresses = addresses
        self._queue = LoginQueue(limits)
        self._audit = audit

    async def post(self, request: web.Request) -> web.Response:
        try:
            credentials = _decoder.decode(await read_body(request, LOGIN_MAX_BYTES))
        except (BodyError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return error_reply(400, "badRequest", in_words(str(error)))
        device = self._device_token(request)
        client = LoginClient(self._addresses.client_of(request), digest_of(device))
        try:
            attempt, user = await self._check_password(credentials, client)
        except LoginBusyError as error:
            self._throttle.record_refusal(client)
            headers = {"Retry-After": str(error.retry_after_s)}
            return error_reply(429, "tooManyRequests", str(error), headers)
        if user is None:
            return self._refusal(credentials, client)
        attempt.succeed(digest_of(device))
        try:
            session, refresh_token = self._sessions.start(
                user, client.address, request.headers.get("User-Agent", "")
            )
        except AccessError:
            return self._refusal(credentials, client)
        reply = self._replies.reply(request, user, session, refresh_token)
        self._set_device_cookie(request, reply, device)
        return reply

    def _refusal(self, credentials: Credentials, client: LoginClient) -> web.Response:
        """Record a failed login and make its reply. The name is recorded only if there is such a
        user: people type passwords in its place.
        """
        details: JsonObject = {"outcome": "failure", "address": client.address}
        if self._users.get(credentials.username) is not None:
            details["user"] = credentials.username
        self._audit.append("UserLogin", NOBODY, details, is_failed_login=True)
        return self._replies.denied()

    async def _check_password(
        self, credentials: Credentials, client: LoginClient
    ) -> tuple[LoginAttempt, User | None]:
        """Check the password if the throttle allows it; raises LoginBusyError if it does not.

        On success the caller calls `attempt.succeed`, which refunds the allowance.
        """
        rank, allowance = self._throttle.preview(credentials.username, client)
        async with self._queue.turn(rank, (credentials.username, allowance)):
            attempt = self._throttle.reserve(credentials.username, client)
            user = None
            try:
                user = await self._verify(credentials)
            finally:
                if user is None:
                    attempt.fail()
        context = {"ip": client.address}
        # People type passwords in its place, so a name is logged only if there is such a user.
        if user is not None or self._users.get(credentials.username) is not None:
            context["user"] = credentials.username
        if user is None:
            log.warning("login failed", extra={"context": context})
        else:
            log.info("login", extra={"context": context})
        return attempt, user

    def _device_token(self, request: web.Request) -> str:
        """The device token of the client's cookie if this edge issued it, else a new one."""
        shown = request.cookies.get(self._replies.cookies.device, "")
        if _DEVICE_TOKEN.fullmatch(shown) and self._throttle.is_known_device(digest_of(shown)):
            return shown
        return secrets.token_urlsafe(DEVICE_BYTES)

    def _set_device_cookie(self, request: web.Request, reply: web.Response, device: str) -> None:
        """Set the device cookie, which marks the browser as known to this account."""
        reply.set_cookie(
            self._replies.cookies.device,
            device,
            max_age=int(DEVICE_MEMORY_S),
            path=request.path,
            httponly=True,
            samesite="Strict",
            secure=self._addresses.is_secure(request),
        )

    async def _verify(self, credentials: Credentials) -> User | None:
        user = self._users.get(credentials.username)
        stored = user.password_hash if user is not None and user.origin == "local" else None
        good = await self._passwords.verify(stored, credentials.password)
        if not good or user is None or not user.enabled:
            return None
        if self._passwords.needs_rehash(user.password_hash):
            self._users.set_hash(user, await self._passwords.hash(credentials.password))
        return user


async def first_admin(users: UserStore, passwords: PasswordHashing, password: str) -> bool:
    """Create the first user; returns False if the store already has users. Raises PasswordError."""
    if not users.is_empty():
        return False
    check_new_password(password)
    return users.add(FIRST_USER, await passwords.hash(password), "admin")
