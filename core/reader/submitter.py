"""Submission client: forwards clients' submissions to the writer and returns its replies."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import aiohttp
import msgspec
from aiohttp import WSMsgType

from core import submission
from core.errors import QueryError
from core.submission import Asker, Submitted
from sdk import protocol
from sdk.health import SubmissionCount
from sdk.protocol import Error, Reply
from sdk.submission import Submission

CONNECT_TIMEOUT_S = 2.0
ANSWER_TIMEOUT_S = 60.0
LOOK_INTERVAL_S = 0.5
TAKEN = "taken"
AWAY = "the writer is not running; nothing was recorded"
LOST = (
    "the writer disconnected before it replied: whether the submission was recorded is unknown; "
    "retry a command with the same requestId"
)


class Submitter:
    """One connection to the writer, shared by all sessions of a reader and opened on demand."""

    def __init__(
        self,
        path: Path,
        hangs: Callable[[], bool] = lambda: False,
        frame_max_bytes: int = submission.FRAME_MAX_BYTES,
    ) -> None:
        self._frame_max_bytes = frame_max_bytes
        self._path = path
        self._hangs = hangs
        self._session: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse[bool] | None = None
        self._connecting = asyncio.Lock()
        self._listener: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[bytes]] = {}
        self._refs = itertools.count()
        self._outcomes: Counter[tuple[str, str]] = Counter()

    def counts(self) -> list[SubmissionCount]:
        """Submissions by kind and outcome since this reader started."""
        return [
            SubmissionCount(kind=kind, outcome=outcome, count=count)
            for (kind, outcome), count in sorted(self._outcomes.items())
        ]

    async def submit(self, asker: Asker, what: Submission) -> Reply:
        """The writer's reply; raises QueryError if the writer is away or disconnects meanwhile."""
        try:
            reply = await self._ask(asker, what)
        except QueryError as error:
            self._count(what, error.code)
            raise
        self._count(what, reply.code if isinstance(reply, Error) else TAKEN)
        return reply

    def _count(self, what: Submission, outcome: str) -> None:
        self._outcomes[str(what.__struct_config__.tag), outcome] += 1

    async def _ask(self, asker: Asker, what: Submission) -> Reply:
        since_s = time.monotonic()
        if self._hangs():
            raise QueryError("writerAway", AWAY)
        ref = next(self._refs)
        frame = submission.encode(Submitted(ref, asker, what, since_s))
        if len(frame) > self._frame_max_bytes:
            # The writer would close the connection, and all pending submissions on it would fail.
            raise QueryError(
                "requestTooLarge",
                f"the submission is {len(frame)} bytes when encoded for the writer, of at most "
                f"{self._frame_max_bytes}; nothing was recorded",
            )
        socket = await self._connected()
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[ref] = answer
        try:
            await socket.send_bytes(frame)
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                return protocol.decode_reply(await self._answered(answer))
        except (OSError, aiohttp.ClientError, TimeoutError):
            raise QueryError("writerAway", LOST) from None
        finally:
            self._waiting.pop(ref, None)

    async def _answered(self, answer: asyncio.Future[bytes]) -> bytes:
        """The encoded reply; raises TimeoutError if the writer hangs meanwhile."""
        while True:
            done, _ = await asyncio.wait((answer,), timeout=LOOK_INTERVAL_S)
            if done:
                return answer.result()
            if self._hangs():
                raise TimeoutError

    async def _connected(self) -> aiohttp.ClientWebSocketResponse[bool]:
        async with self._connecting:
            if self._socket is None or self._socket.closed:
                self._socket = await self._connect()
        return self._socket

    async def _connect(self) -> aiohttp.ClientWebSocketResponse[bool]:
        if self._session is None:
            connector = aiohttp.UnixConnector(str(self._path))
            self._session = aiohttp.ClientSession(connector=connector)
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                socket = await self._session.ws_connect(
                    f"http://localhost{submission.PATH}", max_msg_size=submission.FRAME_MAX_BYTES
                )
        except (OSError, aiohttp.ClientError, TimeoutError):
            raise QueryError("writerAway", AWAY) from None
        self._listener = asyncio.create_task(self._listen(socket))
        return socket

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse[bool]) -> None:
        """Complete the future of each reply; when the connection ends, fail all that are left."""
        waiting = self._waiting
        with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
            async for message in socket:
                if message.type is not WSMsgType.BINARY:
                    break
                answered = submission.decode_answered(message.data)
                future = waiting.get(answered.ref)
                if future is not None and not future.done():
                    future.set_result(answered.reply)
        await socket.close()
        for future in waiting.values():
            if not future.done():
                future.set_exception(ConnectionResetError())

    async def close(self) -> None:
        if self._socket is not None:
            await self._socket.close()
        if self._listener is not None:
            await asyncio.wait((self._listener,))
        if self._session is not None:
            await self._session.close()
