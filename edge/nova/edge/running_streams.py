"""The TCP streams that one edge runs. Who their clients are and whom they follow is only here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable

import aiohttp

from nova.edge.access import Access
from nova.edge.edge_config import EdgeLimits
from nova.edge.tcp_closing import STOPPED
from nova.edge.tcp_room import make_room
from nova.edge.tcp_stream import OwnerConnection, TcpServices, TcpStream, TcpStreamStatus
from nova.edge.tcp_stream_store import StoredStream
from nova.sdk.background_task import background_task
from nova.sdk.protocol.drain import SHUTTING_DOWN
from nova.sdk.protocol.message import Timebase

log = logging.getLogger(__name__)


class TcpStreams:
    """Runs streams by their ids, and ends them with the edge."""

    def __init__(
        self,
        reader: aiohttp.ClientSession,
        limits: EdgeLimits,
        reader_responding: asyncio.Event,
        access_of: Callable[[StoredStream], Access],
        default_timebase: Callable[[], Timebase],
    ) -> None:
        """`access_of` gives the principal that created a stream, as it is now, and raises
        ProtocolError if it may not read any more; it is called regularly.
        """
        self._limits = limits.tcp
        self._services = TcpServices(
            reader, limits, reader_responding, access_of, default_timebase, self._has_room
        )
        self._streams: dict[str, TcpStream] = {}
        self._changing = asyncio.Lock()

    async def start(self, stored: StoredStream) -> None:
        """Run a stream, in place of the one that ran under its id. Whether it listens, and if not,
        why, is in its status; it is tried again until it does.
        """
        async with self._changing:
            await self._end(stored.id)
            stream = self._streams[stored.id] = TcpStream(stored, self._services)
            await stream.update()

    async def stop(self, stream_id: str) -> None:
        """Disconnect a stream's clients and listen no longer."""
        async with self._changing:
            await self._end(stream_id)

    async def close(self) -> None:
        """Stop all streams, because the edge stops."""
        async with self._changing:
            ends = (self._end(stream_id, SHUTTING_DOWN) for stream_id in tuple(self._streams))
            await asyncio.gather(*ends)

    async def running(self, _: object) -> AsyncIterator[None]:
        """Look after the streams while the edge runs, then stop them."""
        async with background_task(self._look_after()):
            yield
        await self.close()

    def status(self, stream_id: str) -> TcpStreamStatus | None:
        """The state of a stream, None if it does not run."""
        stream = self._streams.get(stream_id)
        return None if stream is None else stream.status()

    def statuses(self) -> list[TcpStreamStatus]:
        """The state of each stream that runs."""
        return [stream.status() for stream in self._streams.values()]

    async def tie(self, stream_id: str, connection: OwnerConnection) -> bool:
        """Let a stream follow the timeline of a connection instead of what it follows now; False if
        it does not run. What the connection plays after that, the stream's clients get whole.
        """
        stream = self._streams.get(stream_id)
        if stream is not None:
            await stream.tie(connection)
        return stream is not None

    def untie(self, stream_id: str, connection: OwnerConnection | None = None) -> bool:
        """Let a stream follow the present, at once, if it follows this connection, or (None) any;
        returns whether it did.
        """
        stream = self._streams.get(stream_id)
        owner = None if stream is None else stream.owner
        if stream is None or owner is None or connection not in (None, owner):
            return False
        stream.untie()
        return True

    def connection_closed(self, connection: OwnerConnection) -> None:
        """Let the streams that followed a connection follow the present."""
        for stream_id in self._streams:
            self.untie(stream_id, connection)

    def drop_reader(self) -> None:
        """The reader hangs: drop the connections to it."""
        for stream in self._streams.values():
            stream.drop_reader()

    async def update(self) -> None:
        """Apply changes of the principals that created the streams, and try to listen again."""
        async with self._changing:
            for stream in self._streams.values():
                await stream.update()

    def _has_room(self) -> bool:
        open_now = [client for stream in self._streams.values() for client in stream.clients]
        return make_room(open_now, self._limits.clients_max)

    async def _end(self, stream_id: str, reason: str = STOPPED) -> None:
        stream = self._streams.pop(stream_id, None)
        if stream is not None:
            await stream.close(reason)

    async def _look_after(self) -> None:
        while True:
            await asyncio.sleep(self._limits.tick_s)
            for stream in self._streams.values():
                stream.check_clients()
            try:
                await self.update()
            except Exception:
                log.exception("TCP streams could not be updated")
