"""`GET /api/streams`: the TCP streams, for programs that do without the WebSocket."""

from __future__ import annotations

from typing import get_args

import msgspec
from aiohttp import web

from nova.edge.authorization import Authorizer
from nova.edge.http_admission import HttpAdmission, bearer_token
from nova.edge.replies import NO_STORE
from nova.edge.request_limits import RequestLimits
from nova.edge.tcp_stream_requests import TcpStreamRequests
from nova.sdk.protocol.submission import Role


class StreamsRoute:
    def __init__(
        self, authorizer: Authorizer, request_limits: RequestLimits, requests: TcpStreamRequests
    ) -> None:
        self._admission = HttpAdmission(authorizer, request_limits)
        self._requests = requests

    async def get(self, request: web.Request) -> web.StreamResponse:
        """The reply to `listStreams`, for the principal of the token."""
        token = bearer_token(request)
        access = self._admission.admit(token, get_args(Role), "streams are for users and keys")
        if isinstance(access, web.Response):
            return access
        body = msgspec.json.encode(self._requests.list_streams(access))
        return web.Response(body=body, content_type="application/json", headers=NO_STORE)
