"""`POST /auth/refresh`: exchanges the refresh token in the cookie for the next access token."""

from __future__ import annotations

import logging

from aiohttp import web

from nova.edge.errors import AccessError
from nova.edge.replies import NO_STORE, error_reply, rate_limit_reply
from nova.edge.request_limits import RequestLimits, session_key
from nova.edge.session_reply import REFRESH_PATH, SessionReplies
from nova.edge.session_store import SessionStore
from nova.edge.user_store import UserStore
from nova.sdk.errors import RateLimitError

# The same text for every reason, so that a reply does not reveal which tokens there were.
SESSION_ENDED = "the session has ended: log in again"

log = logging.getLogger(__name__)


class SessionRefresh:
    """Renews sessions. The limit is each session's own, and what it refuses costs no write and
    leaves the token good. Whatever is no newest token of a session is answered from one read: a
    limit by address would keep others at that address from the login form.
    """

    def __init__(
        self,
        users: UserStore,
        sessions: SessionStore,
        replies: SessionReplies,
        request_limits: RequestLimits,
    ) -> None:
        self._users = users
        self._sessions = sessions
        self._replies = replies
        self._request_limits = request_limits

    async def post(self, request: web.Request) -> web.Response:
        cookie = request.cookies.get(self._replies.cookies.refresh)
        if cookie is None:  # A page asks before it shows the login form; this is no failure.
            return web.Response(status=204, headers=NO_STORE)
        renewing = self._sessions.session_of(cookie)
        try:
            if renewing is not None:
                self._request_limits.spend_of(session_key(renewing), "refresh")
            session, token = self._sessions.refresh(cookie)
        except RateLimitError as error:
            return rate_limit_reply(error)
        except AccessError as error:
            log.info("refresh refused", extra={"context": {"reason": str(error)}})
            return self._refusal()
        user = self._users.get(session.username)
        if user is None or not user.enabled:
            return self._refusal()
        return self._replies.reply(request, user, session, token)

    def _refusal(self) -> web.Response:
        reply = error_reply(401, "unauthorized", SESSION_ENDED)
        reply.del_cookie(self._replies.cookies.refresh, path=REFRESH_PATH)
        return reply
