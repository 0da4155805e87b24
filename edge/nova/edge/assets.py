"""Serves the built web app from a file list made at start; requests cannot name other files."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from nova.edge.replies import Handler

INDEX = "index.html"
HASHED_FOLDER = "assets"
CACHE_HASHED = "public, max-age=31536000, immutable"
CACHE_OTHER = "no-cache"
NOT_BUILT = (
    "NOVA's edge is running, but its web pages have not been built.\n"
    "In a checkout run `make web`, then start again.\n"
)


def add_assets(app: web.Application, static: Path) -> None:
    """Add a route per file below `static`, index.html as `/`; if not built, `/` explains it."""
    if not (static / INDEX).is_file():
        app.router.add_get("/", _not_built)
        return
    for path in sorted(static.rglob("*")):
        if path.is_file() and not path.is_symlink():
            name = path.relative_to(static).as_posix()
            app.router.add_get("/" if name == INDEX else f"/{name}", _serve(path, name))


def _serve(path: Path, name: str) -> Handler:
    # File names under assets/ contain a hash of their content, so they never change.
    cache = CACHE_HASHED if name.startswith(f"{HASHED_FOLDER}/") else CACHE_OTHER

    async def send_file(_: web.Request) -> web.StreamResponse:
        return web.FileResponse(path, headers={"Cache-Control": cache})

    return send_file


async def _not_built(_: web.Request) -> web.Response:
    return web.Response(status=503, text=NOT_BUILT)
