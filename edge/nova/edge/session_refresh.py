"""`POST /auth/refresh`: exchanges the refresh token in the cookie for the next access token."""

from __future__ import annotations

import logging

from aiohttp import web

from nova.edge.errors import AccessError
from nova.edge.replies import NO_STORE, error_reply
from nova.edge.session_reply import REFRESH_COOKIE, REFRESH_PATH, SessionReplies
from nova.edge.session_store import SessionStore
from nova.edge.user_store import UserStore

# The same text for every reason, so that a reply does not reveal which tokens there were.
SESSION_ENDED = "the session has ended: log in again"

log = logging.getLogger(__name__)


class SessionRefresh:
    def __init__(self, users: UserStore, sessions: SessionStore, replies: SessionReplies) -> None:
        self._users = users
        self._sessions = sessions
        self._replies = replies

    async def post(self, request: web.Request) -> web.Response:
        cookie = request.cookies.get(REFRESH_COOKIE)
        if cookie is None:  # A page asks before it shows the login form; this is no failure.
            return web.Response(status=204, headers=NO_STORE)
        try:
            session, token = self._sessions.refresh(cookie)
        except AccessError as error:
            log.info("refresh refused", extra={"context": {"reason": str(error)}})
            return self._refusal()
        user = self._users.get(session.username)
        if user is None or not user.enabled:
            return self._refusal()
        return self._replies.reply(request, user, session.id, token)

    def _refusal(self) -> web.Response:
        reply = error_reply(401, "unauthorized", SESSION_ENDED)
        reply.del_cookie(REFRESH_COOKIE, path=REFRESH_PATH)
        return reply
