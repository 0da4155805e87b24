"""Asks a running writer to flush, so that a backup copies table files, which later backups share,
and nearly no log.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import aiohttp

from nova.core.commit_feed import FLUSH_PATH
from nova.sdk import endpoints

FLUSH_TIMEOUT_S = 60.0


def flush_writer(data: Path) -> bool:
    """Flush the writer of a data folder; returns whether one runs. Otherwise logs are copied as
    they are.
    """
    socket = endpoints.writer_socket(data)
    if socket.exists():
        with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
            asyncio.run(_flush(socket))
            return True
    return False


async def _flush(socket: Path) -> None:
    timeout = aiohttp.ClientTimeout(FLUSH_TIMEOUT_S)
    connector = aiohttp.UnixConnector(str(socket))
    async with (
        aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
        session.post(f"http://localhost{FLUSH_PATH}") as response,
    ):
        response.raise_for_status()
