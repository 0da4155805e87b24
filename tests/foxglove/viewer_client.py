"""A viewer for tests, written from the specification of `foxglove.sdk.v1`: it shares no code with
the gateway.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import aiohttp
import msgspec

WAIT_S = 60.0
PLAYING, PAUSED, BUFFERING, ENDED = range(4)


class Received(NamedTuple):
    """A message: its topic, its log time in ns, and the JSON in it."""

    topic: str
    log_ns: int
    data: bytes

    @property
    def event(self) -> Any:
        return msgspec.json.decode(self.data)


class State(NamedTuple):
    """The state of a playback."""

    status: int
    time_ns: int
    speed: float
    did_seek: bool
    request_id: str


@dataclass
class ViewerClient:
    """One connection, and everything that it has received so far."""

    socket: aiohttp.ClientWebSocketResponse[bool]
    info: dict[str, Any] = field(default_factory=dict)
    channels: dict[int, dict[str, Any]] = field(default_factory=dict)
    topics: dict[int, str] = field(default_factory=dict)
    messages: list[Received] = field(default_factory=list)
    states: list[State] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    async def receive(self) -> None:
        """Receive one frame; raises ConnectionError once the connection has ended."""
        frame = await self.socket.receive(WAIT_S)
        if frame.type is aiohttp.WSMsgType.TEXT:
            self._text(msgspec.json.decode(frame.data))
        elif frame.type is aiohttp.WSMsgType.BINARY:
            self._binary(frame.data)
        else:
            raise ConnectionError(f"{frame.type!r} {frame.data!r} {frame.extra!r}")

    def _text(self, message: dict[str, Any]) -> None:
        match message["op"]:
            case "serverInfo":
                self.info = message
            case "advertise":
                self.channels |= {one["id"]: one for one in message["channels"]}
            case "status":
                self.faults.append(message["message"])
            case unknown:
                raise AssertionError(unknown)

    def _binary(self, frame: bytes) -> None:
        match frame[0]:
            case 1:
                number, log_ns = struct.unpack_from("<IQ", frame, 1)
                self.messages.append(Received(self.topics[number], log_ns, frame[13:]))
            case 2:
                self.times.append(*struct.unpack("<Q", frame[1:]))
            case 5:
                status, time_ns, speed, did_seek, size = struct.unpack_from("<BQf?I", frame, 1)
                assert len(frame) == 19 + size
                written = frame[19:].decode()
                self.states.append(State(status, time_ns, speed, did_seek, written))
            case unknown:
                raise AssertionError(unknown)

    async def until(self, *wanted: str, **counts: int) -> None:
        """Receive until there are channels of topics, and as many `messages`, `states`, …."""
        while not (
            {one["topic"] for one in self.channels.values()}.issuperset(wanted)
            and all(len(getattr(self, name)) >= count for name, count in counts.items())
        ):
            await self.receive()

    async def send(self, op: str, **members: Any) -> None:
        await self.socket.send_str(msgspec.json.encode({"op": op, **members}).decode())

    async def subscribe(self, *topics: str) -> None:
        """Subscribe to topics once they are advertised; ids are those of the channels and 1,000."""
        await self.until(*topics)
        wanted = [one for one in self.channels.values() if one["topic"] in topics]
        self.topics |= {1_000 + one["id"]: one["topic"] for one in wanted}
        ids = [{"id": 1_000 + one["id"], "channelId": one["id"]} for one in wanted]
        await self.send("subscribe", subscriptions=ids)

    async def unsubscribe(self, topic: str) -> None:
        ids = [number for number, one in self.topics.items() if one == topic]
        await self.send("unsubscribe", subscriptionIds=ids)

    async def send_control(
        self, *, play: bool, speed: float = 1.0, seek_ns: int | None = None
    ) -> str:
        """Control the playback; returns the id of the request."""
        request_id = f"request-{len(self.states)}"
        written = request_id.encode()
        seek = (seek_ns is not None, seek_ns or 0)
        head = struct.pack("<BBfBQI", 3, not play, speed, *seek, len(written))
        await self.socket.send_bytes(head + written)
        return request_id

    async def control(self, *, play: bool, speed: float = 1.0, seek_ns: int | None = None) -> State:
        """Control the playback; returns the state that answers."""
        request_id = await self.send_control(play=play, speed=speed, seek_ns=seek_ns)
        while not self.states or self.states[-1].request_id != request_id:
            await self.receive()
        return self.states[-1]

    async def until_ended(self) -> None:
        while not self.states or self.states[-1].status != ENDED:
            await self.receive()

    async def hear_nothing(self, seconds: float) -> None:
        """No message comes in this time."""
        count = len(self.messages)
        try:
            async with asyncio.timeout(seconds):
                while True:
                    await self.receive()
        except TimeoutError:
            assert len(self.messages) == count


@asynccontextmanager
async def viewing(
    url: str, *, subprotocol: str = "foxglove.sdk.v1", origin: str | None = None
) -> AsyncIterator[ViewerClient]:
    """A viewer that has got the server's information."""
    headers = {} if origin is None else {"Origin": origin}
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(
            url, protocols=(subprotocol,), headers=headers, max_msg_size=0
        ) as socket,
    ):
        assert socket.protocol == subprotocol
        viewer = ViewerClient(socket)
        while not viewer.info:
            await viewer.receive()
        yield viewer
