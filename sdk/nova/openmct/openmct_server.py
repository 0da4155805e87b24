"""The site of `nova openmct`: Open MCT's files, the plugin that the edge brings, and its reads."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path

import aiohttp
from aiohttp import web

from nova.openmct.edge_forward import EdgeForward
from nova.openmct.own_pages import only_own_pages

HOST = "127.0.0.1"


@asynccontextmanager
async def serving(url: str, token: str, library: Path, port: int) -> AsyncIterator[str]:
    """Serve on loopback while the block runs; gives the URL. Port 0 is a free one. Raises NovaError
    if the edge does not answer the token.
    """
    # Compressed answers are forwarded as they are.
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        edge = EdgeForward(session, url, token)
        await edge.check()
        runner = web.AppRunner(_application(edge, library), access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, HOST, port).start()
            yield f"http://{HOST}:{runner.addresses[0][1]}/"
        finally:
            await runner.cleanup()


def _application(edge: EdgeForward, library: Path) -> web.Application:
    app = web.Application(middlewares=[only_own_pages])
    app.router.add_get("/", _page)
    app.router.add_static("/lib", library)
    app.router.add_get("/openmct/plugin.js", edge.read)
    # Without dots, which would lead to other paths of the edge.
    app.router.add_get("/api/v1/{route:[A-Za-z0-9/]+}", edge.read)
    app.router.add_get("/ws", edge.follow)
    return app


async def _page(_: web.Request) -> web.Response:
    html = files("nova.openmct").joinpath("page.html").read_text()
    return web.Response(text=html, content_type="text/html", headers={"Cache-Control": "no-cache"})
