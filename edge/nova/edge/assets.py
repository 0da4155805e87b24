"""Serves the built web app from a file list made at start; requests cannot name other files."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from nova.edge.replies import Handler

INDEX = "index.html"
PAGES = {INDEX: "/", "admin.html": "/admin"}
"""The pages and their paths; every other file has its name as its path."""

COMPRESSED = {".br", ".gz"}
"""Made by the build beside each file; aiohttp sends one where the browser accepts it."""

HASHED_FOLDER = "assets"
CACHE_HASHED = "public, max-age=31536000, immutable"
CACHE_OTHER = "no-cache"
NOT_BUILT = (
    "NOVA's edge is running, but its web pages have not been built.\n"
    "In a checkout run `make web`, then start again.\n"
)


def add_assets(app: web.Application, static: Path) -> None:
    """Add a route per file below `static`; if not built, the paths of the pages explain it."""
    if not (static / INDEX).is_file():
        for path in PAGES.values():
            app.router.add_get(path, _not_built)
        return
    for file in sorted(static.rglob("*")):
        if file.is_file() and not file.is_symlink() and file.suffix not in COMPRESSED:
            name = file.relative_to(static).as_posix()
            app.router.add_get(PAGES.get(name, f"/{name}"), _serve(file, name))


def _serve(path: Path, name: str) -> Handler:
    # File names under assets/ contain a hash of their content, so they never change.
    cache = CACHE_HASHED if name.startswith(f"{HASHED_FOLDER}/") else CACHE_OTHER

    async def send_file(_: web.Request) -> web.StreamResponse:
        return web.FileResponse(path, headers={"Cache-Control": cache, "Vary": "Accept-Encoding"})

    return send_file


async def _not_built(_: web.Request) -> web.Response:
    return web.Response(status=503, text=NOT_BUILT)
