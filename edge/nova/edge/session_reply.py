"""The reply that starts or continues a session: an access token, and the refresh token as a cookie.

Scripts cannot read the cookie, and browsers send it to `/auth` only, from pages of this edge only.
"""

from __future__ import annotations

import time

import msgspec
from aiohttp import web

from nova.edge.client_address import ClientAddresses
from nova.edge.cookie_names import CookieNames
from nova.edge.replies import error_reply, json_reply
from nova.edge.session_store import SESSION_IDLE_S, Session
from nova.edge.tokens import TokenSigner
from nova.edge.user_store import Role, User
from nova.sdk import timestamps

REFRESH_PATH = "/auth"

# The same text for every reason, so that a reply does not reveal which usernames exist.
LOGIN_DENIED = "the username or the password is wrong"
OTHER_LOGIN = "; users of {0} have no password here and use “Log in with {0}”"


class LoginReply(msgspec.Struct, rename="camel", omit_defaults=True):
    """The access token of a session; with `must_change_password` it is good for that only.
    `expires_in_s` is its lifetime in seconds, for clients whose clock is wrong; `session_ends_in_s`
    the time until the session ends however often it is renewed, absent if it does not.
    """

    token: str
    user: str
    role: Role
    expires_at: str
    expires_in_s: int
    must_change_password: bool = False
    session_ends_in_s: int | None = None


class SessionReplies:
    """Makes the replies of an edge's logins and refreshes."""

    def __init__(
        self,
        tokens: TokenSigner,
        cookies: CookieNames,
        addresses: ClientAddresses,
        provider: str | None = None,
    ) -> None:
        self._tokens = tokens
        self.cookies = cookies
        self._addresses = addresses
        self._denied = LOGIN_DENIED
        if provider is not None:
            self._denied += OTHER_LOGIN.format(provider)

    def reply(
        self, request: web.Request, user: User, session: Session, refresh_token: str
    ) -> web.Response:
        token, claims = self._tokens.issue(user, session.id)
        expires = timestamps.text(claims.exp * timestamps.NS_PER_SECOND)
        ends = session.ends(user.role)
        body = LoginReply(
            token,
            user.username,
            user.role,
            expires,
            claims.exp - claims.iat,
            user.must_change,
            None if ends is None else max(0, int(ends - time.time())),
        )
        reply = json_reply(200, body)
        self.set_refresh_cookie(request, reply, refresh_token)
        return reply

    def denied(self) -> web.Response:
        """The reply to a password that is wrong, or not that of a user."""
        return error_reply(401, "unauthorized", self._denied)

    def set_refresh_cookie(
        self, request: web.Request, reply: web.Response, refresh_token: str
    ) -> None:
        """Give the browser the refresh token of its session."""
        reply.set_cookie(
            self.cookies.refresh,
            refresh_token,
            max_age=int(SESSION_IDLE_S),
            path=REFRESH_PATH,
            httponly=True,
            samesite="Strict",
            secure=self._addresses.is_secure(request),
        )
