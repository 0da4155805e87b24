"""A client's own connection to a Core reader: a WebSocket over a Unix socket (nova.md §6)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import aiohttp
from aiohttp import WSMsgType

from edge.config import Limits
from sdk.endpoints import send_text
from sdk.protocol import FRAME_MAX_BYTES

READER_URL = "http://localhost/"
FRAME_SLACK_BYTES = 1024 * 1024
"""A chunk may run over the frame limit by its last event."""


def reader_client(socket: Path) -> aiohttp.ClientSession:
    """What all upstream connections of an edge are opened with."""
    connector = aiohttp.UnixConnector(path=str(socket), limit=0)
    return aiohttp.ClientSession(connector=connector)


class Upstream:
    """One connection to the reader, which may be lost and made again."""

    def __init__(self, client: aiohttp.ClientSession, limits: Limits) -> None:
        self._client = client
        self._limits = limits
        self._ws: aiohttp.ClientWebSocketResponse[bool] | None = None
        self._closing: set[asyncio.Future[bool]] = set()

    async def connect(self, headers: Mapping[str, str] | None = None) -> bool:
        """Open the connection, telling who the client is; False if the reader is not there."""
        try:
            async with asyncio.timeout(self._limits.upstream_connect_timeout_s):
                self._ws = await self._client.ws_connect(
                    READER_URL,
                    headers=headers,
                    max_msg_size=FRAME_MAX_BYTES + FRAME_SLACK_BYTES,
                    decode_text=False,
                    timeout=aiohttp.ClientWSTimeout(ws_close=self._limits.close_timeout_s),
                )
        except (aiohttp.ClientError, OSError, TimeoutError):
            return False
        return True

    async def send(self, frame: bytes) -> bool:
        """Send one request; False if the reader is not there (or has just gone)."""
        ws = self._ws
        if ws is None or ws.closed:
            return False
        try:
            await send_text(ws, frame)
        except (aiohttp.ClientError, OSError):
            return False
        return True

    async def frames(self) -> AsyncIterator[bytes]:
        """The reader's frames as they come, until the connection ends.

        While the caller does not ask for the next one, the socket is not read: so a slow client
        holds back the reader and fills no memory here.
        """
        ws = self._ws
        if ws is None:
            return
        while True:
            message = await ws.receive()
            if message.type is not WSMsgType.TEXT:
                return
            yield message.data

    def drop(self) -> None:
        """Let go of the connection at once: its other side does not answer. `frames` ends."""
        ws, self._ws = self._ws, None
        if ws is not None:
            closing = asyncio.ensure_future(ws.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """Close the connection, if there is one."""
        ws, self._ws = self._ws, None
        if ws is not None:
            await ws.close()
