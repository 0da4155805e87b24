"""A reader that does not answer, or is away, is said as what it is; one that is busy is not cut."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from aiohttp import web

from nova.sdk import endpoints
from nova.sdk.client.client import Client
from nova.sdk.client.local_reader import LocalReader
from nova.sdk.client.server_probe import ReaderHungError
from nova.sdk.errors import ConnectionLostError, ProtocolError
from nova.sdk.protocol import messages
from nova.sdk.protocol.messages import Status, StatusResponse

WAIT_S = 30.0
PROBES = 2


@contextmanager
def listening(path: Path) -> Iterator[None]:
    """A process that listens and never serves."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(endpoints.claim_socket(path)))
        listener.listen()
        yield


class LongReply:
    """A reader that replies to a request only after it was probed."""

    def __init__(self) -> None:
        self.probed = 0
        self._is_probed = asyncio.Event()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        peer = web.WebSocketResponse()
        await peer.prepare(request)
        async for message in peer:
            await self._is_probed.wait()
            error = messages.Error(code="late", message="served", ref=messages.ref_of(message.data))
            await peer.send_str(messages.encode(error).decode())
        return peer

    async def probe(self, request: web.Request) -> web.StreamResponse:
        self.probed += 1
        if self.probed >= PROBES:
            self._is_probed.set()
        raise web.HTTPNotFound

    @asynccontextmanager
    async def client(self, data: Path) -> AsyncIterator[Client]:
        """A client of it."""
        app = web.Application()
        app.router.add_get("/", self.serve)
        app.router.add_get("/{rest}", self.probe)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
        await runner.setup()
        path = endpoints.claim_socket(endpoints.reader_socket(data))
        await web.UnixSite(runner, str(path)).start()
        try:
            async with asyncio.timeout(WAIT_S), await Client.to_core(data) as client:
                yield client
        finally:
            await runner.cleanup()


async def test_a_request_that_takes_long_is_not_cut(tmp_path: Path) -> None:
    """The reader's loop serves other connections meanwhile."""
    reader = LongReply()
    async with reader.client(tmp_path) as client:
        with pytest.raises(ProtocolError, match="late: served"):
            await client.request(Status(), StatusResponse)
        assert reader.probed >= PROBES


async def test_a_socket_without_answers_is_a_hung_reader(tmp_path: Path) -> None:
    """For programs by the code that an edge gives too."""
    with listening(endpoints.reader_socket(tmp_path)):
        reader = LocalReader(tmp_path, answer_timeout_s=0.1)
        async with asyncio.timeout(WAIT_S), reader.session:
            with pytest.raises(ReaderHungError, match=r"does not answer \(hung") as caught:
                await reader.connect()
    assert caught.value.code == "coreUnavailable"


async def test_a_nova_without_its_reader_is_not_said_to_be_away(tmp_path: Path) -> None:
    """A writer that listens is a NOVA that runs; a new client waits for its reader."""
    with pytest.raises(ConnectionLostError, match="no NOVA runs on"):
        await Client.to_core(tmp_path)
    with listening(endpoints.writer_socket(tmp_path)):
        with pytest.raises(ConnectionLostError, match="runs, but its reader starts"):
            await Client.to_core(tmp_path, restart_wait_s=0.0)
        async with asyncio.timeout(WAIT_S):
            coming = asyncio.ensure_future(Client.to_core(tmp_path, restart_wait_s=WAIT_S))
            await asyncio.wait((coming,), timeout=0.1)
            async with LongReply().client(tmp_path), await coming as client:
                assert not client._is_closed  # noqa: SLF001
