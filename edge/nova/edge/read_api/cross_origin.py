"""Which pages of other sites may read over HTTP: those whose origins the settings name, or none."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import hdrs, web

from nova.edge.replies import error_reply
from nova.sdk import request_id

PREFIX = "/api/v1/"
LINKS_PREFIX = "/exports/links/"
METHODS = "GET, HEAD"
REQUEST_HEADERS = "Authorization, If-None-Match, If-Range, Range"
EXPOSED = (
    "Accept-Ranges, Content-Length, Content-Range, ETag, Link, Retry-After, Nova-Next-Key, "
    f"{request_id.HTTP_HEADER}"
)
MAX_AGE_S = 600
UNKNOWN_ORIGIN = (
    "pages of {!r} may not read here: if they shall, add it to the setting cors_origins "
    "(NOVA_CORS_ORIGINS)"
)


class CrossOrigin:
    """Adds the headers of CORS, which browsers ask for before a page reads another site's replies.
    Cookies are never used, so they are not allowed either.
    """

    def __init__(self, origins: Iterable[str]) -> None:
        self._origins = frozenset(origins)

    @property
    def is_open(self) -> bool:
        """Whether there is any such page."""
        return bool(self._origins)

    async def add_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        """Called for each response, errors too."""
        if not self.is_open or not request.path.startswith((PREFIX, LINKS_PREFIX)):
            return
        response.headers.add(hdrs.VARY, hdrs.ORIGIN)
        origin = request.headers.get(hdrs.ORIGIN, "")
        if origin in self._origins:
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
            response.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = EXPOSED

    async def preflight(self, request: web.Request) -> web.Response:
        """What a browser asks before it sends a request with a token."""
        origin = request.headers.get(hdrs.ORIGIN, "")
        if origin not in self._origins:
            return error_reply(403, "forbidden", UNKNOWN_ORIGIN.format(origin[:255]))
        headers = {
            hdrs.ACCESS_CONTROL_ALLOW_METHODS: METHODS,
            hdrs.ACCESS_CONTROL_ALLOW_HEADERS: REQUEST_HEADERS,
            hdrs.ACCESS_CONTROL_MAX_AGE: str(MAX_AGE_S),
        }
        return web.Response(status=204, headers=headers)
