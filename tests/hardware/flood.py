"""A source that sends over TCP as fast as it is read, and a device that reads it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

from nova.hardware.device import Setup
from nova.hardware.packet_device import PacketDevice

PIECE_BYTES = 16_384


class Flood:
    """A TCP server that says all it has to whoever connects, from its beginning."""

    def __init__(self, data: bytes) -> None:
        self.port = 0
        self._data = data
        self._writers: list[asyncio.StreamWriter] = []

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        sending = asyncio.create_task(self._send(writer))
        with contextlib.suppress(ConnectionError):
            while await reader.read(4096):
                pass
        sending.cancel()
        await asyncio.wait((sending,))
        writer.transport.abort()

    async def _send(self, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            for start in range(0, len(self._data), PIECE_BYTES):
                piece = self._data[start : start + PIECE_BYTES]
                writer.write(piece)
                await writer.drain()

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[Flood]:
        """Listen for as long as the block runs."""
        listening = socket.create_server(("127.0.0.1", 0))
        # What it accepts inherits this: not much is on its way that neither side has.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * PIECE_BYTES)
        server = await asyncio.start_server(self._serve, sock=listening)
        self.port = listening.getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for writer in self._writers:
                writer.transport.abort()
            await server.wait_closed()


def radio(folder: Path, port: int, **options: object) -> PacketDevice:
    """A device that reads packets over TCP and takes their own times."""
    folder.mkdir(exist_ok=True)
    options = {"source": f"tcp://127.0.0.1:{port}", "time": "cds", **options}
    return PacketDevice(Setup("radio", options, folder))
