"""The reader of a data folder on this machine, as a client of its socket sees it.

A stopped or hung reader keeps its socket and its connections, and sends nothing. So whoever waits
for it asks beside its connection, every second, for a reply that needs nothing but the reader's
event loop: a reader that is busy with a long request gives it too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TypeVar

import aiohttp

from nova.sdk import connection_ends, endpoints
from nova.sdk.client.retry_policy import CORE_UNAVAILABLE, Backoff, NoReplyError
from nova.sdk.errors import ConnectionLostError, ServiceError
from nova.sdk.protocol.messages import FRAME_MAX_BYTES

READER_URL = "http://localhost/"
PROBE_PATH = "alive"
"""Any status is an answer, also that there is no such page."""

PROBE_INTERVAL_S = 1.0
ANSWER_TIMEOUT_S = 3.0
RESTART_WAIT_S = 5.0
"""How long a new client waits for a reader that starts or is restarted."""

ReplyT = TypeVar("ReplyT")


class ReaderHungError(NoReplyError, ServiceError):
    """The reader holds its socket and does not answer: it hangs or is stopped."""


async def open_socket(
    session: aiohttp.ClientSession, url: str
) -> aiohttp.ClientWebSocketResponse[bool]:
    """A WebSocket for frames of the protocol."""
    return await session.ws_connect(
        url,
        compress=0,
        max_msg_size=FRAME_MAX_BYTES,
        decode_text=False,
        timeout=aiohttp.ClientWSTimeout(ws_close=connection_ends.CLOSE_TIMEOUT_S),
    )


class LocalReader:
    """Connections to one reader; the caller closes the session, which they share."""

    def __init__(self, data: Path, answer_timeout_s: float = ANSWER_TIMEOUT_S) -> None:
        self._data = data
        self._answer_timeout_s = answer_timeout_s
        connector = aiohttp.UnixConnector(str(endpoints.reader_socket(data)))
        self.session = aiohttp.ClientSession(connector=connector)

    async def wait_and_connect(self, wait_s: float) -> aiohttp.ClientWebSocketResponse[bool]:
        """Connect; while the instance runs without its reader, for up to `wait_s`."""
        restarting = Backoff(wait_s)
        while True:
            try:
                return await self.connect()
            except ReaderHungError:
                raise
            except ConnectionLostError:
                if not (self._has_writer() and await restarting.wait()):
                    raise

    async def connect(self) -> aiohttp.ClientWebSocketResponse[bool]:
        """Connect once. Raises ReaderHungError if the reader does not answer, ConnectionLostError
        if there is none.
        """
        try:
            return await self._in_time(open_socket(self.session, READER_URL))
        except (OSError, aiohttp.ClientError) as error:
            raise ConnectionLostError(self._why_absent(error)) from error

    async def monitor(
        self, is_awaited: Callable[[], bool], on_hang: Callable[[ReaderHungError], None]
    ) -> None:
        """Call `on_hang` when the reader does not answer while it is awaited; until cancelled."""
        while True:
            await asyncio.sleep(PROBE_INTERVAL_S)
            if not is_awaited():
                continue
            try:
                await self._in_time(self._probe())
            except ReaderHungError as hung:
                on_hang(hung)
            except (OSError, aiohttp.ClientError):
                continue  # It is gone, and the client's own connection ends too.

    async def _probe(self) -> None:
        async with self.session.get(READER_URL + PROBE_PATH):
            pass

    async def _in_time(self, call: Coroutine[object, object, ReplyT]) -> ReplyT:
        calling = asyncio.ensure_future(call)
        try:
            # If this process itself was stopped, the answer is here, and read in the second half.
            for _ in range(2):
                await asyncio.wait((calling,), timeout=self._answer_timeout_s / 2)
                if calling.done():
                    return calling.result()
        finally:
            calling.cancel()
            await asyncio.wait((calling,))
        raise ReaderHungError(
            CORE_UNAVAILABLE,
            f"the reader of {self._data} does not answer (hung or stopped): `nova up` restarts it, "
            "its log says when; then ask again",
        )

    def _has_writer(self) -> bool:
        """Whether the instance runs, by its writer."""
        return endpoints.has_listener(endpoints.writer_socket(self._data))

    def _why_absent(self, error: Exception) -> str:
        if isinstance(error, PermissionError):
            return f"this user may not connect to the NOVA on {self._data} ({error})"
        if self._has_writer():
            return (
                f"the NOVA on {self._data} runs, but its reader starts or is being restarted: "
                f"ask again in a moment ({error})"
            )
        return f"no NOVA runs on {self._data}: start `nova up` ({error})"
