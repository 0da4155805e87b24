"""Only the gateway's own page is answered, since it reads with a key that no page has."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import hdrs, web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

LOCAL_NAME = "localhost"
FOREIGN = "this gateway answers only its own page, at a loopback name or address\n"


@web.middleware
async def only_own_pages(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what a page of another site sends, and names that are not of this machine: a page
    may point its own name here, and its browser would then take the gateway for its site.
    """
    host = request.headers.get(hdrs.HOST, "")
    origins = request.headers.getall(hdrs.ORIGIN, [])
    # A browser may also load parts of a page without an Origin.
    site = request.headers.get("Sec-Fetch-Site", "none")
    is_own = all(origin == f"http://{host}" for origin in origins)
    if not is_loopback(host) or not is_own or site not in ("none", "same-origin"):
        raise web.HTTPForbidden(text=FOREIGN)
    return await handler(request)


def is_loopback(host: str) -> bool:
    """Whether a Host names this machine by a loopback name or address."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == LOCAL_NAME or ip_address(name).is_loopback
    except ValueError:
        return False
