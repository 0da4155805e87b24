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

from nova.core import submission_messages
from nova.core.errors import RequestError
from nova.core.submission_messages import Principal, SubmissionRequest
from nova.sdk.protocol import messages
from nova.sdk.protocol.health import SubmissionCount
from nova.sdk.protocol.messages import Error, Reply
from nova.sdk.protocol.submission import Submission

CONNECT_TIMEOUT_S = 2.0
REPLY_TIMEOUT_S = 60.0
HANG_CHECK_INTERVAL_S = 0.5
ACCEPTED = "taken"
WRITER_AWAY = "the writer is not running; nothing was recorded"
WRITER_LOST = (
    "the writer disconnected before it replied: whether the submission was recorded is unknown; "
    "retry a command with the same requestId"
)


class SubmissionClient:
    """One connection to the writer, shared by all sessions of a reader and opened on demand."""

    def __init__(
        self,
        path: Path,
        writer_hangs: Callable[[], bool] = lambda: False,
        frame_max_bytes: int = submission_messages.FRAME_MAX_BYTES,
    ) -> None:
        self._frame_max_bytes = frame_max_bytes
        self._path = path
        self._writer_hangs = writer_hangs
        self._session: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse[bool] | None = None
        self._connecting = asyncio.Lock()
        self._listener: asyncio.Task[None] | None = None
        self._pending: dict[int, asyncio.Future[bytes]] = {}
        self._refs = itertools.count()
        self._outcomes: Counter[tuple[str, str]] = Counter()

    def counts(self) -> list[SubmissionCount]:
        """Submissions by kind and outcome since this reader started."""
        return [
            SubmissionCount(kind=kind, outcome=outcome, count=count)
            for (kind, outcome), count in sorted(self._outcomes.items())
        ]

    async def submit(self, principal: Principal, message: Submission) -> Reply:
        """The writer's reply; raises RequestError if the writer is away or disconnects."""
        try:
            reply = await self._request(principal, message)
        except RequestError as error:
            self._count(message, error.code)
            raise
        self._count(message, reply.code if isinstance(reply, Error) else ACCEPTED)
        return reply

    def _count(self, message: Submission, outcome: str) -> None:
        self._outcomes[str(message.__struct_config__.tag), outcome] += 1

    async def _request(self, principal: Principal, message: Submission) -> Reply:
        since_s = time.monotonic()
        if self._writer_hangs():
            raise RequestError("writerAway", WRITER_AWAY)
        ref = next(self._refs)
        frame = submission_messages.encode(SubmissionRequest(ref, principal, message, since_s))
        if len(frame) > self._frame_max_bytes:
            # The writer would close the connection, and all pending submissions on it would fail.
            raise RequestError(
                "requestTooLarge",
                f"the submission is {len(frame)} bytes when encoded for the writer, of at most "
                f"{self._frame_max_bytes}; nothing was recorded",
            )
        socket = await self._ensure_connected()
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._pending[ref] = answer
        try:
            await socket.send_bytes(frame)
            async with asyncio.timeout(REPLY_TIMEOUT_S):
                return messages.decode_reply(await self._await_reply(answer))
        except (OSError, aiohttp.ClientError, TimeoutError):
            raise RequestError("writerAway", WRITER_LOST) from None
        finally:
            self._pending.pop(ref, None)

    async def _await_reply(self, reply: asyncio.Future[bytes]) -> bytes:
        """The encoded reply; raises TimeoutError if the writer hangs meanwhile."""
        while True:
            done, _ = await asyncio.wait((reply,), timeout=HANG_CHECK_INTERVAL_S)
            if done:
                return reply.result()
            if self._writer_hangs():
                raise TimeoutError

    async def _ensure_connected(self) -> aiohttp.ClientWebSocketResponse[bool]:
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
                    f"http://localhost{submission_messages.PATH}",
                    max_msg_size=submission_messages.FRAME_MAX_BYTES,
                )
        except (OSError, aiohttp.ClientError, TimeoutError):
            raise RequestError("writerAway", WRITER_AWAY) from None
        self._listener = asyncio.create_task(self._listen(socket))
        return socket

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse[bool]) -> None:
        """Complete the future of each reply; when the connection ends, fail all that are left."""
        waiting = self._pending
        with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
            async for message in socket:
                if message.type is not WSMsgType.BINARY:
                    break
                answered = submission_messages.decode_reply(message.data)
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
