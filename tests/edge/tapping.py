"""TCP streams of a real NOVA, run in the test's process, and decoders of what their clients get."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nova.edge.access import Access
from nova.edge.edge_config import EdgeLimits
from nova.edge.running_streams import TcpStreams
from nova.edge.tcp_limits import TcpLimits
from nova.edge.tcp_stream import TcpStreamStatus
from nova.edge.tcp_stream_store import StoredStream
from nova.edge.upstream import reader_client
from nova.sdk import endpoints
from nova.sdk.client.client import Client
from nova.sdk.events.event import Event
from nova.sdk.producer.producer import Producer
from nova.sdk.protocol.message import Filters
from nova.sdk.protocol.messages import Query, QueryResponse
from nova.sdk.protocol.tcp_streams import Framing, TcpStreamDefinition
from nova.sdk.transport.base import connect
from nova.testkit.ports import free_port
from nova.testkit.running_nova import RunningNova

WAIT_S = 60.0
SCOPE = "sat"
ADMIN = Access("admin", "user", "admin", float("inf"))
Parts = Iterator[bytes]


def definition(system_id: str | None, **members: Any) -> TcpStreamDefinition:
    """A stream of one system on a free port."""
    filters = Filters(system_id=system_id, lanes=members.pop("lanes", None))
    members = {"name": system_id or "all", "port": free_port(), "timebase": "source", **members}
    return TcpStreamDefinition(filters=filters, **members)


@dataclass
class Tap:
    """The TCP streams of a test's edge, and the NOVA whose reader they read."""

    streams: TcpStreams
    responding: asyncio.Event

    async def start(self, wanted: TcpStreamDefinition) -> str:
        """Run a stream; its id is its name."""
        await self.streams.start(StoredStream(wanted.name, wanted, True, 0.0, "admin", "user"))
        return wanted.name

    def status(self, name: str) -> TcpStreamStatus:
        found = self.streams.status(name)
        assert found is not None
        return found

    async def until(self, name: str, holds: Callable[[TcpStreamStatus], bool]) -> None:
        """Wait until a stream's state is as wanted."""
        async with asyncio.timeout(WAIT_S):
            while not holds(self.status(name)):
                await asyncio.sleep(0.005)

    @asynccontextmanager
    async def client(self, wanted: TcpStreamDefinition) -> AsyncIterator[TapClient]:
        """A client of a running stream that is at the present."""
        before = self.status(wanted.name).connections
        reader, writer = await asyncio.open_connection(wanted.bind, wanted.port)
        try:
            await self.until(wanted.name, lambda s: s.connections > before and bool(s.cursor))
            client = TapClient(reader, writer)
            yield client
            client.reset()
        finally:
            writer.transport.abort()

    @asynccontextmanager
    async def clients(
        self, wanted: Sequence[TcpStreamDefinition]
    ) -> AsyncIterator[list[TapClient]]:
        """Run streams, each with one client that is at the present."""
        async with AsyncExitStack() as stack:
            for one in wanted:
                await self.start(one)
            opened = await asyncio.gather(
                *(stack.enter_async_context(self.client(one)) for one in wanted)
            )
            yield list(opened)


@dataclass
class TapClient:
    """A program that reads a stream with a plain socket."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def read(self, size: int) -> bytes:
        """The next bytes."""
        async with asyncio.timeout(WAIT_S):
            return await self.reader.readexactly(size)

    async def line(self) -> Any:
        """The next line as JSON."""
        async with asyncio.timeout(WAIT_S):
            return json.loads(await self.reader.readuntil(b"\n"))

    async def numbers_until(self, last: int) -> list[int]:
        """`n` of the payloads, up to the one that is `last`."""
        found = [(await self.line())["p"]["n"]]
        while found[-1] != last:
            found.append((await self.line())["p"]["n"])
        return found

    def reset(self) -> None:
        """End so that the other side notices at once."""
        sock = self.writer.get_extra_info("socket")
        if sock.fileno() >= 0:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def has_ended(self) -> bool:
        """Whether the other side closes the connection, after what it sends before."""
        try:
            async with asyncio.timeout(WAIT_S):
                while await self.reader.read(1 << 20):
                    pass
        except ConnectionError:
            pass
        except TimeoutError:
            return False
        return True


@asynccontextmanager
async def tapped(data: Path, **limits: Any) -> AsyncIterator[Tap]:
    """The TCP streams of an edge that reads the NOVA of a data folder."""
    async with tapped_reader(endpoints.reader_socket(data), **limits) as tap:
        yield tap


@asynccontextmanager
async def tapped_reader(
    reader_socket: Path,
    access_of: Callable[[StoredStream], Access] = lambda _: ADMIN,
    **limits: Any,
) -> AsyncIterator[Tap]:
    """The TCP streams of an edge that reads what listens at a socket."""
    responding = asyncio.Event()
    responding.set()
    async with reader_client(reader_socket) as reader:
        tcp = TcpLimits(**{"tick_s": 0.05, **limits})
        streams = TcpStreams(
            reader, EdgeLimits(tcp=tcp), responding, access_of, lambda: "canonical"
        )
        running = streams.running(None)
        await anext(running)
        try:
            yield Tap(streams, responding)
        finally:
            async for _ in running:
                pass


async def publish(nova: RunningNova, events: list[Event]) -> None:
    """Publish events, durably."""
    async with Producer(connect(nova.publish), SCOPE) as producer:
        assert not (await producer.send(events)).rejected


async def publish_past(nova: RunningNova, events: list[Event]) -> None:
    """Publish events, and wait until the reader shows them: they are before the present then."""
    await publish(nova, events)
    last = events[-1]
    newest = Query(
        filters=Filters(system_id=last.series.system_id),
        limit=1,
        reverse=True,
        timebase="canonical",
    )
    async with asyncio.timeout(WAIT_S), await Client.to_core(nova.data) as client:
        found: list[str] = []
        while found != [last.event_id.hex()]:
            page = await client.request(newest, QueryResponse)
            found = [json.loads(bytes(event))["eventId"] for event in page.events]


async def stored_times(data: Path, wanted: TcpStreamDefinition) -> list[str]:
    """When the events of a stream's selection were received."""
    return [json.loads(one)["canonicalTruthTime"] for one in await stored(data, wanted)]


async def stored(data: Path, wanted: TcpStreamDefinition) -> list[bytes]:
    """The envelopes of a stream's selection in canonical order, as a query gives them."""
    async with await Client.to_core(data) as client:
        query = Query(timebase="canonical", filters=wanted.filters, limit=5_000)
        return [event async for event in client.query(query)]


# --- what messages are, written from the documentation alone --------------------------------------

HEADER = [
    "eventId",
    "scopeId",
    "lane",
    "systemId",
    "containerId",
    "uniqueId",
    "sourceTruthTime",
    "canonicalTruthTime",
    "messageType",
]


def payload_of(envelope: bytes) -> bytes:
    """What `payloadOnly` gives of an event."""
    event = json.loads(envelope)
    if event["lane"] == "raw":
        return base64.b64decode(event["bytes"])
    return json.dumps(_content(event), separators=(",", ":"), ensure_ascii=False).encode()


def line_of(envelope: bytes, timebase: str = "source", with_address: bool = False) -> str:
    """What `hierarchyPerMessage` gives of an event, as text."""
    event = json.loads(envelope)
    line = {
        "s": event["systemId"],
        "c": event["containerId"],
        "u": event["uniqueId"],
        "t": event[f"{timebase}TruthTime"],
        "p": event["bytes"] if event["lane"] == "raw" else _content(event),
    }
    if with_address:
        more = event["scopeId"], event["lane"], event.get("messageType", "")
        line |= dict(zip(("scope", "l", "m"), more, strict=True))
    return json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n"


def _content(event: dict[str, Any]) -> Any:
    if event["lane"] == "ui":
        return event["data"]
    if event["lane"] != "command" and "payload" in event:
        return event["payload"]
    return {name: value for name, value in event.items() if name not in HEADER}


def _lines(received: bytes) -> Parts:
    yield from received.split(b"\n")[:-1]


def _with_length(received: bytes, width: int) -> Parts:
    at = 0
    while at < len(received):
        size = sum(byte << 8 * place for place, byte in enumerate(received[at : at + width][::-1]))
        at += width + size
        yield received[at - size : at]


def _slip(received: bytes) -> Parts:
    """As in RFC 1055: the receiver takes what stands between two ENDs, and empty ones for noise."""
    message, escaped = bytearray(), False
    for byte in received:
        if escaped:
            message.append({0xDC: 0xC0, 0xDD: 0xDB}[byte])
            escaped = False
        elif byte == 0xDB:
            escaped = True
        elif byte != 0xC0:
            message.append(byte)
        elif message:
            yield bytes(message)
            message.clear()
    assert not message


DECODERS: dict[Framing, Callable[[bytes], Parts]] = {
    "newline": _lines,
    "length2": lambda received: _with_length(received, 2),
    "length4": lambda received: _with_length(received, 4),
    "slip": _slip,
}
