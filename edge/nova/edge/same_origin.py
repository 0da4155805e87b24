"""Same-origin check: a browser's Origin must equal the Host that it requested."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web


def is_browser(request: web.Request) -> bool:
    """Whether a page sent this; no page can leave `Origin` out of the handshake of a WebSocket."""
    return "Origin" in request.headers


def is_foreign_origin(request: web.Request) -> bool:
    """Whether a browser sent this for a page of another site; other programs send no Origin."""
    origins = request.headers.getall("Origin", [])
    if not origins:
        return False
    if len(origins) > 1:
        return True
    try:
        parts = urlsplit(origins[0])
    except ValueError:
        return True
    return parts.scheme not in ("http", "https") or parts.netloc.lower() != request.host.lower()
