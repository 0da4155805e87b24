"""The writer's endpoint by which a backup has what is only in the log written to table files."""

from __future__ import annotations

import asyncio

from aiohttp import web

from nova.core.store.archive import Archive


class ArchiveFlush:
    """Flushes one archive; requests that come meanwhile wait for each other."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._turn = asyncio.Lock()

    async def serve(self, request: web.Request) -> web.Response:
        """Flush in a thread, beside commits and syncs."""
        async with self._turn:
            await asyncio.to_thread(self._archive.flush)
        return web.Response()
