"""The reply that starts or continues a session: an access token, and the refresh token as a cookie.

Scripts cannot read the cookie, and browsers send it to `/auth` only, from pages of this edge only.
"""

from __future__ import annotations

import msgspec
from aiohttp import web

from nova.edge.client_address import ClientAddresses
from nova.edge.replies import json_reply
from nova.edge.session_store import SESSION_IDLE_S
from nova.edge.tokens import TokenSigner
from nova.edge.user_store import Role, User
from nova.sdk import timestamps

REFRESH_COOKIE = "nova_refresh"
REFRESH_PATH = "/auth"


class LoginReply(msgspec.Struct, rename="camel", omit_defaults=True):
    """The access token of a session; with `must_change_password` it is good for that only.
    `expires_in_s` is its lifetime in seconds, for clients whose clock is wrong.
    """

    token: str
    user: str
    role: Role
    expires_at: str
    expires_in_s: int
    must_change_password: bool = False


class SessionReplies:
    """Makes the replies of an edge's logins and refreshes."""

    def __init__(self, tokens: TokenSigner, addresses: ClientAddresses) -> None:
        self._tokens = tokens
        self._addresses = addresses

    def reply(
        self, request: web.Request, user: User, session_id: str, refresh_token: str
    ) -> web.Response:
        token, claims = self._tokens.issue(user, session_id)
        expires = timestamps.text(claims.exp * timestamps.NS_PER_SECOND)
        body = LoginReply(
            token, user.username, user.role, expires, claims.exp - claims.iat, user.must_change
        )
        reply = json_reply(200, body)
        reply.set_cookie(
            REFRESH_COOKIE,
            refresh_token,
            max_age=int(SESSION_IDLE_S),
            path=REFRESH_PATH,
            httponly=True,
            samesite="Strict",
            secure=self._addresses.is_secure(request),
        )
        return reply
