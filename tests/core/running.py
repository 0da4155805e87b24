"""A real writer and a real reader in this process, connected by real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp import WSMsgType

from nova.core.server import reader_process as reader_app
from nova.core.server.reader_limits import READER_LIMITS, ReaderLimits
from nova.core.writer import writer_process
from nova.core.writer.pipeline import Writer
from nova.sdk import endpoints
from nova.sdk.alarms.alarm_rule_files import RuleFile
from nova.sdk.client.client import Client
from nova.sdk.manifests.manifest_files import ManifestFile
from nova.sdk.producer.producer import Producer
from nova.sdk.protocol import messages
from nova.sdk.protocol.messages import Query
from nova.sdk.settings import Settings
from nova.sdk.transport.base import Receipt, Record, connect

WAIT_S = 60.0


class Frames:
    """A client that speaks in frames, also in such as no client should send."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def send(self, message: messages.Message | str | bytes) -> None:
        """Send a message, or a text or binary frame as it is."""
        if isinstance(message, messages.Message):
            await self.socket.send_str(messages.encode(message).decode())
        elif isinstance(message, str):
            await self.socket.send_str(message)
        else:
            await self.socket.send_bytes(message)

    async def receive(self) -> messages.Reply:
        """The next frame as a message; fails if the connection ended instead."""
        message = await self.socket.receive(timeout=WAIT_S)
        assert message.type is WSMsgType.TEXT, message
        return messages.decode_reply(message.data)

    async def until(self, kind: type[messages.Message]) -> list[messages.Reply]:
        """The frames up to and with the first of a kind."""
        found = [await self.receive()]
        while not isinstance(found[-1], kind):
            found.append(await self.receive())
        return found


@dataclass
class Core:
    """A running Core, with the parts that tests look into."""

    settings: Settings
    writer: Writer

    @property
    def data(self) -> Path:
        """Its data folder."""
        return self.settings.data_folder()

    async def publish(self, records: Sequence[Record]) -> Receipt:
        """Publish over the local transport, waiting until the writer listens."""
        transport = connect(f"local://{self.data}")
        try:
            return await Producer(transport, "sat").publish(records)
        finally:
            await transport.close()

    async def settled(self, client: Client, events: int) -> list[bytes]:
        """All events in canonical order, once the reader shows that many."""
        async with asyncio.timeout(WAIT_S):
            while True:
                found = [event async for event in client.query(Query(timebase="canonical"))]
                if len(found) >= events:
                    return found
                await asyncio.sleep(0.01)

    @asynccontextmanager
    async def frames(self) -> AsyncIterator[Frames]:
        """A connection to the reader that speaks in frames."""
        connector = aiohttp.UnixConnector(str(endpoints.reader_socket(self.data)))
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.ws_connect("http://localhost/", max_msg_size=0) as socket,
        ):
            yield Frames(socket)


@asynccontextmanager
async def running_writer(
    settings: Settings, files: Sequence[ManifestFile] = (), rules: Sequence[RuleFile] = ()
) -> AsyncIterator[Writer]:
    """A writer that works for as long as the block runs, and then stops as on SIGTERM."""
    async with writer_process.open_writer(settings, files, rules) as (writer, transports):
        work = asyncio.create_task(writer.run(transports))
        try:
            yield writer
            assert not work.done(), work
        finally:
            work.cancel()
            await asyncio.wait((work,))
            writer.finish()


@asynccontextmanager
async def running_core(
    settings: Settings,
    files: Sequence[ManifestFile] = (),
    limits: ReaderLimits = READER_LIMITS,
) -> AsyncIterator[Core]:
    """A writer and a reader of it, with no manifests but these. They share this process: that it is
    held up does not mean that the writer hangs.
    """
    limits = limits._replace(writer_silence_s=WAIT_S)
    async with AsyncExitStack() as stack:
        writer = await stack.enter_async_context(running_writer(settings, files))
        await stack.enter_async_context(reader_app.open_reader(settings, limits))
        yield Core(settings, writer)
