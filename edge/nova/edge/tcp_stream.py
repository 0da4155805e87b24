"""One TCP stream that runs: its port, its clients, and what it reads for them."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import aiohttp
import msgspec

from nova.edge.access import Access
from nova.edge.edge_config import EdgeLimits
from nova.edge.identity_headers import identity_headers
from nova.edge.tcp_client import TcpClient
from nova.edge.tcp_closing import STOPPED, Reached, closing_message
from nova.edge.tcp_format import MessageBatch, MessageFormat
from nova.edge.tcp_ports import BACKLOG, cannot_listen, listening_socket
from nova.edge.tcp_room import make_room
from nova.edge.tcp_source import READING_ROLE, TcpSource
from nova.edge.tcp_source import OwnerConnection as OwnerConnection
from nova.edge.tcp_stream_store import StoredStream
from nova.edge.upstream import Upstream
from nova.sdk import timestamps
from nova.sdk.errors import ProtocolError
from nova.sdk.protocol.message import Timebase
from nova.sdk.protocol.messages import StreamChunk
from nova.sdk.timestamps import NS_PER_SECOND

log = logging.getLogger(__name__)


class TcpServices(NamedTuple):
    """What the streams of an edge share. `access_of` gives the principal that created a stream, as
    it is now, and raises ProtocolError if it may not read any more; `default_timebase` is the
    instance's.
    """

    reader: aiohttp.ClientSession
    limits: EdgeLimits
    reader_responding: asyncio.Event
    access_of: Callable[[StoredStream], Access]
    default_timebase: Callable[[], Timebase]
    has_room: Callable[[], bool]
    """Whether the edge takes another client; one of those that it has may give way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpStreamStatus:
    """The state of a stream. Counts are since its start and over all clients: `dropped` are the
    messages that slow clients did not get, `too_large` those that no client got, because their
    length does not fit the framing.
    """

    listening: bool
    problem: str | None
    owner: OwnerConnection | None
    cursor: str | None
    connections: int
    messages: int
    dropped: int
    too_large: int
    bytes_sent: int
    bytes_per_s: float


class _ReceivedEvent(msgspec.Struct, rename="camel"):
    canonical_truth_time: str


_received = msgspec.json.Decoder(_ReceivedEvent)


class TcpStream:
    """The state of one stream from its start to its stop. Nothing is read without a client."""

    def __init__(self, stored: StoredStream, services: TcpServices) -> None:
        self._stored = stored
        self._services = services
        self._limits = services.limits.tcp
        timebase = stored.definition.timebase or services.default_timebase()
        self._format = MessageFormat(stored.definition, timebase)
        self._server: asyncio.Server | None = None
        self._clients: set[TcpClient] = set()
        self._headers: Mapping[str, str] | None = None
        self._problem: str | None = None
        self._owner: OwnerConnection | None = None
        self._source: TcpSource | None = None
        self._reading: asyncio.Task[None] | None = None
        self._is_empty = asyncio.Event()
        self._is_empty.set()
        self._refuses = False
        self._reached = Reached()
        self._messages = self._dropped = self._bytes_sent = 0
        self._bytes_per_s = 0.0
        self._rated_s, self._rated_bytes = time.monotonic(), 0

    @property
    def clients(self) -> frozenset[TcpClient]:
        return frozenset(self._clients)

    @property
    def owner(self) -> OwnerConnection | None:
        """The connection whose timeline the stream follows."""
        return self._owner

    def status(self) -> TcpStreamStatus:
        return TcpStreamStatus(
            listening=self._server is not None,
            problem=self._problem,
            owner=self._owner,
            cursor=self._reached.cursor,
            connections=len(self._clients),
            messages=self._messages,
            dropped=self._dropped,
            too_large=self._format.too_large,
            bytes_sent=self._bytes_sent,
            bytes_per_s=self._bytes_per_s,
        )

    # --- port and principal -----------------------------------------------------------------------

    async def update(self) -> None:
        """Listen if the stream can and does not yet; stop if its creator may not read any more."""
        try:
            access = self._services.access_of(self._stored)
        except sqlite3.Error as error:
            log.error("cannot check who created a TCP stream: %s", error)
            return
        except ProtocolError as error:
            await self.close()
            self._headers = None
            self._problem = error.message
            return
        headers = identity_headers(access, f"tcp:{self._stored.id}", READING_ROLE)
        if headers != self._headers:
            self._headers = headers
            self.drop_reader()
        if self._server is None:
            await self._listen()

    async def _listen(self) -> None:
        definition = self._stored.definition
        loop = asyncio.get_running_loop()
        try:
            listening = listening_socket(definition.bind, definition.port)
        except ProtocolError as error:
            self._problem = error.message
            return
        except OSError as error:
            self._problem = cannot_listen(error, definition.bind, definition.port).message
            return
        self._server = await loop.create_server(self._new_client, sock=listening, backlog=BACKLOG)
        self._problem = None

    def _new_client(self) -> TcpClient:
        return TcpClient(self, self._stored.definition.backpressure, self._limits)

    async def close(self, reason: str = STOPPED) -> None:
        """Listen no longer and disconnect the clients, within the limits' `drain_s`. Each gets what
        waits for it and a last message with the reason and where it can continue, if the format
        has one.
        """
        if self._server is not None:
            self._server.close()
            self._server = None
        self._stop_reading()
        if self._clients:
            self._log_end(reason)
        last_message = partial(closing_message, self._stored.definition.format, reason)
        for client in tuple(self._clients):
            client.close(last_message)
        await self._is_empty.wait()

    def _log_end(self, reason: str) -> None:
        """Of a format without a last message, the log alone says where the stream ended."""
        context = {
            **{"stream": self._stored.definition.name, "reason": reason},
            **{"cursor": self._reached.cursor, "lastKey": self._reached.last_key},
            "clients": len(self._clients),
        }
        log.info("TCP stream ended", extra={"context": context})

    def check_clients(self) -> None:
        """Compute the rate, and disconnect clients that are stalled for too long. Called
        regularly.
        """
        now_s = time.monotonic()
        self._bytes_per_s = (self._bytes_sent - self._rated_bytes) / max(
            now_s - self._rated_s, 1e-3
        )
        self._rated_s, self._rated_bytes = now_s, self._bytes_sent
        for client in tuple(self._clients):
            client.check()

    # --- clients ----------------------------------------------------------------------------------

    def admit(self, client: TcpClient) -> bool:
        """Take a new client, unless a limit is reached."""
        has_room = self._server is not None
        has_room = has_room and make_room(self.clients, self._limits.clients_per_stream_max)
        if not (has_room and self._services.has_room()):
            self._log_refusal()
            return False
        self._clients.add(client)
        self._is_empty.clear()
        if self._reading is None:
            self._reached = Reached()  # Where former clients got says nothing of this one.
            self._start_reading()
        return True

    def _log_refusal(self) -> None:
        """Once, however many try, until a client leaves."""
        if not self._refuses:
            self._refuses = True
            context = {"stream": self._stored.definition.name, "clients": len(self._clients)}
            log.warning("TCP clients refused: limit reached", extra={"context": context})

    def discard(self, client: TcpClient) -> None:
        """Forget a client whose connection has ended; without clients nothing is read."""
        if client in self._clients:
            self._refuses = False
        self._clients.discard(client)
        if not self._clients:
            self._is_empty.set()
            self._stop_reading()

    def sent(self, batch: MessageBatch) -> None:
        """Count what a client was sent."""
        self._messages += batch.messages
        self._bytes_sent += len(batch.data)

    def dropped(self, messages: int) -> None:
        """Count what a slow client did not get."""
        self._dropped += messages

    # --- reading ----------------------------------------------------------------------------------

    async def tie(self, owner: OwnerConnection) -> None:
        """Follow the timeline of a connection. Returns when the reader follows it, so that nothing
        is missing of what the connection plays next, or after the limits' `tie_timeout_s`.
        """
        self._owner = owner
        self._read_anew()
        if self._source is None or self._reading is None:
            return
        begun = asyncio.ensure_future(self._source.has_begun.wait())
        waits = (begun, self._reading)
        timeout_s = self._limits.tie_timeout_s
        try:
            await asyncio.wait(waits, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            begun.cancel()

    def untie(self) -> None:
        """Follow the present, from now on."""
        if self._owner is not None:
            self._owner = None
            self._reached = Reached()  # The replay's key is not one of the present.
            for client in self._clients:
                client.reach(self._reached)
            self._read_anew()

    def drop_reader(self) -> None:
        """Connect to the reader anew, and continue where it was."""
        if self._source is not None:
            self._source.drop()

    def _read_anew(self) -> None:
        self._stop_reading()
        if self._clients:
            self._start_reading()

    def _start_reading(self) -> None:
        services = self._services
        self._source = TcpSource(
            Upstream(services.reader, services.limits),
            services.limits,
            services.reader_responding,
            self._stored.definition.filters,
            self._deliver,
            self._owner,
            self.untie,
        )
        self._reading = asyncio.create_task(self._source.run(lambda: self._headers))

    def _stop_reading(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
        self._reading = self._source = None

    async def _deliver(self, chunk: StreamChunk) -> None:
        """Format each message once, for all clients."""
        is_present = self._is_present(chunk)
        for batch in self._format.batches(chunk.events, self._limits.batch_bytes):
            for client in tuple(self._clients):
                client.send(batch)
            await asyncio.sleep(0)
            if not is_present:
                await self._wait_for_clients()
        self._reached = Reached(chunk.cursor, chunk.last_key or self._reached.last_key)
        for client in self._clients:
            client.reach(self._reached)

    def _is_present(self, chunk: StreamChunk) -> bool:
        """Whether a chunk shows the present. An owner may replay what was received just now."""
        if self._owner is not None or not chunk.events:
            return self._owner is None
        received = timestamps.parse(_received.decode(chunk.events[-1]).canonical_truth_time)
        return timestamps.now() - received < self._limits.present_lag_s * NS_PER_SECOND

    async def _wait_for_clients(self) -> None:
        """Let clients that read what comes from the past take it, within the limits' patience."""
        slow = [one for one in self._clients if not (one.has_room.is_set() or one.is_late)]
        if not slow:
            return
        waits = {asyncio.ensure_future(one.has_room.wait()): one for one in slow}
        try:
            _, late = await asyncio.wait(waits, timeout=self._limits.patience_s)
            for wait in late:
                waits[wait].is_late = True
        finally:
            for wait in waits:
                wait.cancel()
