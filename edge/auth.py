"""`POST /auth/login`: a password for a token; guessing is slowed, flooding is refused."""

from __future__ import annotations

import asyncio
import logging
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from edge.bodies import body_of
from edge.errors import BodyError, BusyError
from edge.guessing import Guessing
from edge.passwords import Passwords
from edge.replies import error_reply, json_reply
from edge.tokens import Tokens
from edge.users import Role, User, UserStore
from sdk import timestamps

log = logging.getLogger(__name__)

FIRST_USER = "admin"
LOGIN_MAX_BYTES = 4 * 1024

# One text for every reason, so that nobody learns which names exist.
DENIED = "the username or the password is wrong"


class Credentials(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a login."""

    username: Annotated[str, Meta(min_length=1, max_length=64)]
    password: Annotated[str, Meta(min_length=1, max_length=1_024)]


class LoginReply(msgspec.Struct, rename="camel"):
    """What a good login gives."""

    token: str
    user: str
    role: Role
    expires_at: str


_decoder = msgspec.json.Decoder(Credentials)


class Login:
    """The login of one edge."""

    def __init__(
        self, users: UserStore, passwords: Passwords, tokens: Tokens, guessing: Guessing
    ) -> None:
        self._users = users
        self._passwords = passwords
        self._tokens = tokens
        self._guessing = guessing

    async def post(self, request: web.Request) -> web.Response:
        """Answer one login."""
        try:
            credentials = _decoder.decode(await body_of(request, LOGIN_MAX_BYTES))
        except (BodyError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return error_reply(400, "badRequest", str(error))
        try:
            user = await self._attempt(credentials, request.remote or "")
        except BusyError as error:
            headers = {"Retry-After": str(error.retry_after_s)}
            return error_reply(429, "tooManyRequests", str(error), headers)
        if user is None:
            return error_reply(401, "unauthorized", DENIED)
        token, claims = self._tokens.issue(user)
        expires = timestamps.text(claims.exp * timestamps.NS_PER_SECOND)
        return json_reply(200, LoginReply(token, user.username, user.role, expires))

    async def _attempt(self, credentials: Credentials, ip: str) -> User | None:
        with self._guessing.attempt(credentials.username, ip) as attempt:
            await asyncio.sleep(attempt.delay_s)
            user = await self._verified(credentials)
            if user is None:
                attempt.failed()
                log.warning(
                    "login failed", extra={"context": {"user": credentials.username, "ip": ip}}
                )
                return None
            attempt.succeeded()
            log.info("login", extra={"context": {"user": user.username, "ip": ip}})
            return user

    async def _verified(self, credentials: Credentials) -> User | None:
        user = self._users.get(credentials.username)
        stored = user.password_hash if user is not None else None
        good = await self._passwords.verify(stored, credentials.password)
        if not good or user is None or not user.enabled:
            return None
        if self._passwords.outdated(user.password_hash):
            self._users.set_hash(user, await self._passwords.hash(credentials.password))
        return user


async def first_admin(users: UserStore, passwords: Passwords, password: str) -> bool:
    """Make the first user of a store that has none; False if it has some (AMB-63)."""
    return users.empty() and users.add(FIRST_USER, await passwords.hash(password), "admin")
