"""Admits principals to HTTP routes by the token of a request, as `/ws` admits them by `auth`."""

from __future__ import annotations

from collections.abc import Collection

from aiohttp import web

from nova.edge.access import Access
from nova.edge.authorization import Authorizer
from nova.edge.errors import AccessError
from nova.edge.replies import error_reply, rate_limit_reply
from nova.edge.request_limits import RequestLimits
from nova.sdk import log_context
from nova.sdk.errors import RateLimitError
from nova.sdk.protocol.submission import Role

CHANGE_PASSWORD_FIRST = "this password was set by somebody else: change it with `changePassword`"
BEARER = "Bearer "


def bearer_token(request: web.Request) -> str:
    """The token in a request's header; empty if there is none."""
    header = request.headers.get("Authorization", "")
    return header[len(BEARER) :] if header.startswith(BEARER) else ""


class HttpAdmission:
    """Every route that takes a token admits by this, so that none forgets a rule."""

    def __init__(self, authorizer: Authorizer, request_limits: RequestLimits) -> None:
        self._authorizer = authorizer
        self._request_limits = request_limits

    def admit(self, token: str, roles: Collection[Role], who: str) -> Access | web.Response:
        """The access that a token gives, else the error reply; `who` says in it whose route it is.
        The request counts for the limit.
        """
        access = self.identify(token, roles, who)
        if isinstance(access, web.Response):
            return access
        try:
            self._request_limits.spend(access, "http")
        except RateLimitError as error:
            return rate_limit_reply(error)
        return access

    def identify(self, token: str, roles: Collection[Role], who: str) -> Access | web.Response:
        """The same for a route whose requests count for another limit."""
        try:
            access = self._authorizer.authorize(token)
        except AccessError:
            return error_reply(401, "unauthorized", "log in and send the token")
        log_context.bind(user=access.name)
        if access.must_change:
            return error_reply(403, "passwordChangeRequired", CHANGE_PASSWORD_FIRST)
        if access.role not in roles:
            return error_reply(403, "forbidden", who)
        return access
