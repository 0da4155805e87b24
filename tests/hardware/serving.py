"""The other ends of links: a scripted server, and a serial line with two ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tty
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager


class Speaker:
    """A TCP server on a free port, `port`; one that confirms answers `do X` by `done X`."""

    def __init__(self, confirms: bool = False) -> None:
        self.port = 0
        self._confirms = confirms
        self.connections: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()
        self._writers: list[asyncio.StreamWriter] = []

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        self.connections.put_nowait(writer)
        try:
            while data := await reader.read(4096):
                self.heard.put_nowait(data)
                if self._confirms:
                    writer.write(data.replace(b"do ", b"done "))
        except ConnectionError:
            pass
        finally:
            writer.close()

    @asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncIterator[Speaker]:
        """Listen for as long as the block runs."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for writer in self._writers:
                writer.transport.abort()
            await server.wait_closed()

    async def connection(self) -> asyncio.StreamWriter:
        """The next connection that comes."""
        async with asyncio.timeout(20):
            return await self.connections.get()


@contextmanager
def serial_line() -> Iterator[tuple[int, str]]:
    """A pseudo-terminal: the descriptor of its far end, and the path of the near one."""
    far, near = os.openpty()
    try:
        tty.setraw(near)
        yield far, os.ttyname(near)
    finally:
        for end in (far, near):
            with contextlib.suppress(OSError):  # The test may have cut the line.
                os.close(end)
