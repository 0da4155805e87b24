"""A line between an edge and its reader that can be cut, as when the reader's process is killed: on
each side the other is gone in the middle of whatever it said.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

BLOCK_BYTES = 64 * 1024


class CutLine:
    """All connections through one socket."""

    def __init__(self, reader: Path) -> None:
        self._reader = reader
        self._ends: set[asyncio.StreamWriter] = set()
        self.cuts = 0

    def cut(self) -> None:
        """End every connection at once."""
        self.cuts += 1
        for end in list(self._ends):
            end.transport.abort()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, both ways."""
        with contextlib.suppress(OSError):
            there_reader, there = await asyncio.open_unix_connection(str(self._reader))
            self._ends |= {writer, there}
            await asyncio.wait(
                {
                    asyncio.create_task(_copy(reader, there)),
                    asyncio.create_task(_copy(there_reader, writer)),
                }
            )
            self._ends -= {writer, there}
        writer.transport.abort()


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(BLOCK_BYTES):
            sink.write(data)
            await sink.drain()
    sink.transport.abort()


@asynccontextmanager
async def cut_line(reader: Path, path: Path) -> AsyncIterator[CutLine]:
    """A line to a reader's socket, at a path of its own."""
    line = CutLine(reader)
    server = await asyncio.start_unix_server(line.carry, path)
    try:
        yield line
    finally:
        server.close()
        line.cut()
        await server.wait_closed()
