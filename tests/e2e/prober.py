"""Somebody who looks at the past and tries everything to command from there.

What he does is generated. He knows from the answers that he has been served the past, or has said
so himself; from then on nothing that he submits may be taken, whatever he does in between short of
a LIVE stream that is accepted.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import aiohttp
from aiohttp import WSMsgType

from nova.sdk.protocol import messages
from nova.sdk.protocol.messages import (
    REQUEST_MAX_BYTES,
    CancelStream,
    CursorSet,
    Error,
    Filters,
    Query,
    Reply,
    SetCursor,
    StartStream,
    StreamStarted,
)
from nova.sdk.protocol.note_messages import NoteAck, SubmitNote
from nova.sdk.protocol.submission import AcknowledgeAlarm, AlarmAck, ChatAck, CommandAck, SubmitChat
from tests.core.commanding import HEATER, SCOPE, command

WAIT_S = 30.0
TRICKS_MAX = 6
PAST = "2026-01-01T00:00:00Z"
LATER = "2026-01-01T00:00:30Z"
ACKS = (CommandAck, ChatAck, NoteAck, AlarmAck)

Socket = aiohttp.ClientWebSocketResponse[Literal[True]]
Connect = Callable[[], Awaitable[Socket]]

REFUSED: tuple[dict[str, Any], ...] = (
    {"rate": 2.0},
    {"rate": -1.0},
    {"rate": "-max"},
    {"rate": 0.0},
    {"rate": 1e15},
    {"start_time": "yesterday"},
    {"start_time": LATER, "stop_time": PAST},
    {"stop_time": "2026-01-01T00:00:00"},
    {"after_key": "00"},
    {"after_key": "not hex"},
)
"""What no LIVE stream may ask for."""

REFUSED_BY_EDGES: tuple[dict[str, Any], ...] = ({"filters": Filters(lanes=["raw"])},)
KILL_CHANCE = 0.02


class GoneError(Exception):
    """The connection has ended."""


class Prober:
    """One who tries, on one connection after the other."""

    def __init__(
        self, connect: Connect, seed: int, *, kill: Callable[[], None] | None, by_edge: bool
    ) -> None:
        """Without `kill` he does not have the reader lost on the way."""
        self._connect = connect
        self._kill = kill
        self._refused = (*REFUSED, *REFUSED_BY_EDGES) if by_edge else REFUSED
        self._chance = random.Random(seed)
        self._socket: Socket | None = None
        self._listener: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[Reply | None]] = {}
        self._count = 0
        self._served = False
        self.answers: Counter[str] = Counter()
        """What the attempts were answered."""
        self.tricks: Counter[str] = Counter()
        self.taken: list[Reply] = []
        """What was acknowledged to him; nothing ever may be."""

    async def run(self, attempts: int) -> None:
        """This many sequences, each from a past that was announced to something submitted."""
        for _ in range(attempts):
            try:
                await self._attempt()
            except GoneError:
                await self.close()
        await self.close()

    async def close(self) -> None:
        """Leave."""
        socket, self._socket = self._socket, None
        if socket is not None:
            await socket.close()
        if self._listener is not None:
            await asyncio.wait((self._listener,))

    async def _attempt(self) -> None:
        if self._socket is None or self._chance.random() < 0.1:
            await self.close()
            self._socket = await self._connect()
            self._listener = asyncio.create_task(self._listen(self._socket))
            self._served = False
        if not self._served or self._chance.random() < 0.3:
            await self._go_back()
        for _ in range(self._chance.randint(0, TRICKS_MAX)):
            await self._trick()
        for _ in range(self._chance.randint(1, 2)):
            await self._ask(self._submission(), awaited=self._chance.random() < 0.7)

    async def _go_back(self) -> None:
        """Be served the past, or say that he is there, and hear that it is so."""
        while True:
            stated = not self._served and self._chance.random() < 0.3
            if stated:
                reply = await self._ask(SetCursor(time=PAST))
            else:
                reply = await self._ask(self._start("REPLAY", **self._way_back()))
            if isinstance(reply, CursorSet | StreamStarted):
                self._served = self._served or not stated
                self.tricks["stated" if stated else "served"] += 1
                return
            assert reply is None or (isinstance(reply, Error)), reply
            await asyncio.sleep(0.03)

    def _way_back(self) -> dict[str, Any]:
        rate = self._chance.choice((1.0, -1.0, 100.0, "max", "-max"))
        backwards = rate in (-1.0, "-max")
        return {
            "rate": rate,
            "start_time": self._chance.choice((None, LATER if backwards else PAST)),
        }

    # --- what may be tried in between -------------------------------------------------------------

    async def _trick(self) -> None:
        tricks: list[Callable[[], Awaitable[object]]] = [
            self._refused_live,
            self._malformed_live,
            self._used_id,
            self._past_live,
            self._large_live,
            self._large_query,
            self._pause,
            self._seek,
            self._state,
            self._look_elsewhere,
        ]
        if self._kill is not None and self._chance.random() < KILL_CHANCE:
            tricks = [self._kill_reader]
        elif self._chance.random() < 0.005:
            tricks = [self._too_large]
        trick = self._chance.choice(tricks)
        self.tricks[trick.__name__.strip("_")] += 1
        await trick()

    async def _refused_live(self) -> None:
        await self._maybe(self._start("LIVE", **self._chance.choice(self._refused)))

    async def _malformed_live(self) -> None:
        text = messages.encode(self._start("LIVE")).decode()
        wrong = self._chance.choice(('"rate":"fast"', '"colour":1', '"shed":3', '"filters":[]'))
        await self._send(f"{text[:-1]},{wrong}}}")

    async def _used_id(self) -> None:
        again = f"p{self._chance.randint(1, max(1, self._count))}"
        start = StartStream(playback_request_id=again, timeline_mode="LIVE", rate=3.0)
        await self._maybe(start)

    async def _past_live(self) -> None:
        """LIVE by its name, and over before the present."""
        bounds = self._chance.choice(({"start_time": PAST}, {}))
        await self._maybe(self._start("LIVE", stop_time=LATER, **bounds))

    async def _large_live(self) -> None:
        """Within the limit as it is written, and beyond it once lanes are added; refused by the
        edge for its size, or by the reader for its rate.
        """
        start = self._start("LIVE", rate=1e15, filters=Filters(message_types=[""]))
        size = REQUEST_MAX_BYTES - self._chance.randint(0, 120)
        start.filters = Filters(message_types=["x" * (size - len(messages.encode(start)) - 8)])
        await self._maybe(start)

    async def _large_query(self) -> None:
        """As large as a request may be."""
        self._count += 1
        query = messages.encode(Query(ref=self._count, limit=1)).decode()
        await self._send(query.ljust(REQUEST_MAX_BYTES))

    async def _too_large(self) -> None:
        """The edge ends the connection over it; what is pipelined behind it must not pass."""
        await self._send(" " * (REQUEST_MAX_BYTES + 1))
        self._served = False

    async def _pause(self) -> None:
        names = (None, f"p{self._count}", "another")
        await self._maybe(CancelStream(playback_request_id=self._chance.choice(names)))

    async def _seek(self) -> None:
        if self._chance.random() < 0.5:
            await self._maybe(self._start("REPLAY", start_time=LATER))
        else:
            time = self._chance.choice((PAST, LATER, "2200-01-01T00:00:00Z"))
            await self._maybe(SetCursor(time=time))

    async def _state(self) -> None:
        """A cursor that is none; and where he was served the past, that he were at the present."""
        time = self._chance.choice((None, "now", "")) if self._served else "now"
        await self._maybe(SetCursor(time=time))

    async def _look_elsewhere(self) -> None:
        await self._maybe(Query(limit=1))

    async def _kill_reader(self) -> None:
        assert self._kill is not None
        self._kill()
        if self._chance.random() < 0.5:
            await asyncio.sleep(self._chance.random() * 0.05)

    # --- frames -----------------------------------------------------------------------------------

    def _start(self, mode: messages.TimelineMode, **given: Any) -> StartStream:
        self._count += 1
        return StartStream(playback_request_id=f"p{self._count}", timeline_mode=mode, **given)

    def _submission(self) -> messages.Message:
        return self._chance.choice(
            (
                command(),
                command(request_id="the-same", command_id="the-same"),
                SubmitChat(scope_id=SCOPE, content="psst", timeline_mode="LIVE"),
                SubmitNote(scope_id=SCOPE, text="psst", from_time=PAST, timeline_mode="LIVE"),
                AcknowledgeAlarm(
                    scope_id=SCOPE,
                    system_id=HEATER.system_id,
                    container_id=HEATER.container_id,
                    unique_id=HEATER.unique_id,
                    view_id="v",
                    key="k",
                    severity="warning",
                    since=PAST,
                    timeline_mode="LIVE",
                ),
            )
        )

    async def _maybe(self, message: messages.Message) -> None:
        await self._ask(message, awaited=self._chance.random() < 0.5)

    async def _ask(self, message: messages.Message, *, awaited: bool = True) -> Reply | None:
        """Its answer where that is awaited; None where it has none, for the reader was lost."""
        self._count += 1
        message.ref = self._count
        future: asyncio.Future[Reply | None] = asyncio.get_running_loop().create_future()
        self._waiting[self._count] = future
        await self._send(messages.encode(message).decode())
        if not awaited:
            return None
        async with asyncio.timeout(WAIT_S):
            return await future

    async def _send(self, text: str) -> None:
        if self._socket is None or self._listener is None or self._listener.done():
            raise GoneError
        try:
            await self._socket.send_str(text)
        except (OSError, aiohttp.ClientError):
            raise GoneError from None

    async def _listen(self, socket: Socket) -> None:
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                self._hear(messages.decode_reply(message.data))
        self._lose(GoneError())

    def _hear(self, reply: Reply) -> None:
        if isinstance(reply, ACKS):
            self.taken.append(reply)
        if isinstance(reply, Error):
            self.answers[reply.code] += 1
            if reply.ref is None and reply.code == "coreUnavailable":
                self._lose(None)
        future = self._waiting.pop(reply.ref, None) if isinstance(reply.ref, int) else None
        if future is not None and not future.done():
            future.set_result(reply)

    def _lose(self, error: GoneError | None) -> None:
        """Nothing that was asked is answered any more."""
        waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            if future.done():
                continue
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)
                future.exception()
