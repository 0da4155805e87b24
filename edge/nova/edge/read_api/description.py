"""The routes that describe the others: `openapi.json`, and its page. They say nothing of data."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from aiohttp import web

from nova.edge.read_api.cross_origin import PREFIX
from nova.edge.read_api.openapi import openapi
from nova.edge.read_api.openapi_page import STYLE, viewer_page
from nova.edge.replies import Handler
from nova.sdk.protocol.message import Message

CACHE = {"Cache-Control": "no-cache"}


def add_description(app: web.Application, routes: Mapping[str, type[Message]]) -> None:
    """Add them; they are made with the first request, since most edges are never asked."""
    for name, media_type in (
        ("", "text/html"),
        ("openapi.json", "application/json"),
        ("viewer.css", "text/css"),
    ):
        app.router.add_get(f"{PREFIX}{name}", _served(routes, name, media_type))


def _served(routes: Mapping[str, type[Message]], name: str, media_type: str) -> Handler:
    made: list[bytes] = []

    async def serve(_: web.Request) -> web.Response:
        if not made:
            made.append(_made(routes, name))
        return web.Response(body=made[0], content_type=media_type, charset="utf-8", headers=CACHE)

    return serve


def _made(routes: Mapping[str, type[Message]], name: str) -> bytes:
    if name == "viewer.css":
        return STYLE.encode()
    document = openapi(routes)
    return msgspec.json.encode(document) if name else viewer_page(document).encode()
