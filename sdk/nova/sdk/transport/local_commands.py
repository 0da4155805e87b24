"""Commands over the embedded transport: the Core sends each to all listeners of its scope.

A listener opens a WebSocket to `/commands?scope=ID`, receives an empty frame as soon as it is
registered, and then each command as MessagePack `[address, bytes]`. It acknowledges each, in order,
with an empty frame (`local_listeners.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import NamedTuple

import aiohttp

from nova.sdk.channel import ChannelError, FrameCodec
from nova.sdk.transport.base import Record
from nova.sdk.transport.link import LinkHealth

PATH = "/commands"
RETRY_INTERVAL_S = 0.1
CONNECT_TIMEOUT_S = 5.0
HEARTBEAT_S = 10.0
COMMAND_MAX_BYTES = 8 * 1024 * 1024
QUEUED_MAX_COMMANDS = 10_000

COMMANDS: FrameCodec[tuple[str, bytes]] = FrameCodec(tuple[str, bytes])
"""Address and bytes of a command."""


class _ReceivedCommand(NamedTuple):
    """A command, and the connection on which it arrived and is acknowledged."""

    record: Record
    socket: aiohttp.ClientWebSocketResponse


class CommandListener:
    """Keeps a connection to the Core, across its restarts, until it is stopped."""

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
        self._received: asyncio.Queue[_ReceivedCommand | None] = asyncio.Queue(QUEUED_MAX_COMMANDS)
        self._last: _ReceivedCommand | None = None
        self._task = asyncio.create_task(self._reconnect())

    async def next(self) -> Record | None:
        """The next command, None once stopped; acknowledges the previous one."""
        last, self._last = self._last, None
        if last is not None:
            with contextlib.suppress(ConnectionError):
                await last.socket.send_bytes(b"")
        self._last = await self._received.get()
        return None if self._last is None else self._last.record

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.wait((self._task,))
        self._listening.clear()
        while not self._received.empty():
            self._received.get_nowait()
        self._received.put_nowait(None)
        await self._session.close()

    async def _reconnect(self) -> None:
        while True:
            try:
                await self._receive()
                self._health.mark_down("the Core closed the connection for commands")
            except (OSError, aiohttp.ClientError, TimeoutError) as error:
                self._health.mark_down(f"nothing listens: {error}")
            self._listening.clear()
            await asyncio.sleep(RETRY_INTERVAL_S)

    async def _receive(self) -> None:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            socket = await self._session.ws_connect(
                self._url, max_msg_size=COMMAND_MAX_BYTES, heartbeat=HEARTBEAT_S
            )
        async with socket:
            async for message in socket:
                if message.type is not aiohttp.WSMsgType.BINARY:
                    return
                if not message.data:
                    self._health.mark_up()
                    self._listening.set()
                    continue
                with contextlib.suppress(ChannelError):
                    address, value = COMMANDS.decode(message.data)
                    await self._received.put(_ReceivedCommand(Record(address, value), socket))
