"""A client's own connection to the Core's reader: a WebSocket over a Unix socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import aiohttp
from aiohttp import WSMsgType

from nova.edge.edge_config import EdgeLimits
from nova.sdk.connection_ends import send_text
from nova.sdk.protocol.messages import FRAME_MAX_BYTES

READER_URL = "http://localhost/"
FRAME_SLACK_BYTES = 1024 * 1024
"""A chunk may exceed the frame limit by its last event."""


def reader_client(socket: Path) -> aiohttp.ClientSession:
    """The HTTP session that all upstream connections of an edge share; the caller closes it."""
    connector = aiohttp.UnixConnector(path=str(socket), limit=0)
    return aiohttp.ClientSession(connector=connector)


class Upstream:
    """One connection to the reader; `connect` may be called again after it was lost."""

    def __init__(self, client: aiohttp.ClientSession, limits: EdgeLimits) -> None:
        self._client = client
        self._limits = limits
        self._ws: aiohttp.ClientWebSocketResponse[bool] | None = None
        self.sent = 0
        """Frames sent on this connection; the reader counts those that it receives alike."""

        self._closing: set[asyncio.Future[bool]] = set()

    async def connect(self, headers: Mapping[str, str] | None = None) -> bool:
        """Open the connection; `headers` identify the client. False if there is no reader."""
        try:
            async with asyncio.timeout(self._limits.upstream_connect_timeout_s):
                ws = await self._client.ws_connect(
                    READER_URL,
                    headers=headers,
                    max_msg_size=FRAME_MAX_BYTES + FRAME_SLACK_BYTES,
                    decode_text=False,
                    timeout=aiohttp.ClientWSTimeout(ws_close=self._limits.close_timeout_s),
                )
        except (aiohttp.ClientError, OSError, TimeoutError):
            return False
        self._ws, self.sent = ws, 0
        return True

    @property
    def is_connected(self) -> bool:
        return self._ws is not None and not self._ws.closed

    async def send(self, frame: bytes) -> bool:
        """Send one request; False if the reader is not connected."""
        ws = self._ws
        if ws is None or ws.closed:
            return False
        self.sent += 1
        try:
            await send_text(ws, frame)
        except (aiohttp.ClientError, OSError):
            return False
        return True

    async def frames(self) -> AsyncIterator[bytes]:
        """The reader's frames, until the connection ends.

        The socket is not read until the caller asks for the next frame, so a slow client throttles
        the reader and does not fill memory here.
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
        """Give the connection up without waiting for the hung other side. `frames` ends."""
        ws, self._ws = self._ws, None
        if ws is not None:
            closing = asyncio.ensure_future(ws.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        ws, self._ws = self._ws, None
        if ws is not None:
            await ws.close()
