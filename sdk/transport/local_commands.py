"""Commands over the embedded transport: the Core sends each to all who listen for its scope.

Who listens opens a WebSocket to `/commands?scope=ID`, gets an empty frame as soon as it is heard,
and then each command as MessagePack `[address, bytes]`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Sequence

import aiohttp
import msgspec
from aiohttp import web

from sdk.address import is_id, parse
from sdk.endpoints import abort
from sdk.transport.base import Record
from sdk.transport.link import LinkHealth

PATH = "/commands"
SEND_TIMEOUT_S = 1.0
RETRY_INTERVAL_S = 0.1
CONNECT_TIMEOUT_S = 5.0
HEARTBEAT_S = 10.0
COMMAND_MAX_BYTES = 8 * 1024 * 1024
LISTENERS_MAX = 1_000
WAITING_MAX_COMMANDS = 10_000


class CommandServer:
    """The Core's side: who listens, and sending to them."""

    def __init__(self) -> None:
        self.connections: dict[web.WebSocketResponse, web.Request] = {}
        self._of_scope: defaultdict[str, set[web.WebSocketResponse]] = defaultdict(set)
        self._turn = asyncio.Lock()

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """One listener's connection."""
        scope_id = request.query.get("scope", "")
        if "Origin" in request.headers or not is_id(scope_id):
            raise web.HTTPForbidden(reason="only programs listen, and for one scope")
        if len(self.connections) >= LISTENERS_MAX:
            raise web.HTTPServiceUnavailable(reason="so many listen already")
        socket = web.WebSocketResponse(compress=False, heartbeat=HEARTBEAT_S)
        await socket.prepare(request)
        self.connections[socket] = request
        self._of_scope[scope_id].add(socket)
        try:
            await socket.send_bytes(b"")
            async for _ in socket:
                pass  # A listener has nothing to say; its leaving ends the loop.
        except ConnectionError:
            pass
        finally:
            self._of_scope[scope_id].discard(socket)
            del self.connections[socket]
        return socket

    async def send(self, records: Sequence[Record]) -> None:
        """Send commands in order; returns when every listener's socket has them.

        A listener that does not take them in time is sent away, and no other waits for it again.
        """
        async with self._turn:
            for record in records:
                assert record.address is not None
                listeners = list(self._of_scope[parse(record.address).scope_id])
                frame = msgspec.msgpack.encode((record.address, record.value))
                await asyncio.gather(*(self._send(listener, frame) for listener in listeners))

    async def _send(self, listener: web.WebSocketResponse, frame: bytes) -> None:
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await listener.send_bytes(frame)
        except ConnectionError:
            pass
        except TimeoutError:
            if (request := self.connections.get(listener)) is not None:
                abort(request)


class CommandListener:
    """The other side: keeps a connection to the Core, over its restarts, until it is stopped."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        scope_id: str,
        health: LinkHealth,
        listening: asyncio.Event | None,
    ) -> None:
        self._session = session
        self._url = f"{url}{PATH.removeprefix('/')}?scope={scope_id}"
        self._health = health
        self._listening = listening or asyncio.Event()
        self._heard: asyncio.Queue[Record | None] = asyncio.Queue(WAITING_MAX_COMMANDS)
        self._keeper = asyncio.create_task(self._keep())

    async def next(self) -> Record | None:
        """The next command, or None once it is stopped."""
        return await self._heard.get()

    async def stop(self) -> None:
        """End the connection."""
        self._keeper.cancel()
        await asyncio.wait((self._keeper,))
        self._listening.clear()
        while not self._heard.empty():
            self._heard.get_nowait()
        self._heard.put_nowait(None)
        await self._session.close()

    async def _keep(self) -> None:
        while True:
            try:
                await self._listen()
                self._health.down("who sends commands went away")
            except (OSError, aiohttp.ClientError, TimeoutError) as error:
                self._health.down(f"nobody listens: {error}")
            self._listening.clear()
            await asyncio.sleep(RETRY_INTERVAL_S)

    async def _listen(self) -> None:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            socket = await self._session.ws_connect(
                self._url, max_msg_size=COMMAND_MAX_BYTES, heartbeat=HEARTBEAT_S
            )
        async with socket:
            async for message in socket:
                if message.type is not aiohttp.WSMsgType.BINARY:
                    return
                if not message.data:
                    self._health.up()
                    self._listening.set()
                    continue
                with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
                    address, value = msgspec.msgpack.decode(message.data, type=tuple[str, bytes])
                    await self._heard.put(Record(address, value))
