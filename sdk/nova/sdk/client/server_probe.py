"""Whether the server that a client waits for answers at all.

A stopped or hung process keeps its socket and its connections, and sends nothing. So whoever waits
for it asks beside its connection, every second, for a reply that needs nothing but that process's
event loop: one that is busy with a long request gives it too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TypeVar

import aiohttp

from nova.sdk import connection_ends
from nova.sdk.client.retry_policy import CORE_UNAVAILABLE, NoReplyError
from nova.sdk.errors import ConnectionLostError, ServiceError
from nova.sdk.protocol.messages import FRAME_MAX_BYTES

PROBE_INTERVAL_S = 1.0
ANSWER_TIMEOUT_S = 3.0
ReplyT = TypeVar("ReplyT")


class ReaderHungError(NoReplyError, ServiceError):
    """The reader, or the edge before it, holds its socket and does not answer: it hangs or is
    stopped.
    """


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


class ServerProbe:
    """A server by the session of a client, which closes it. `url` is where its WebSocket is, at
    `probe_url` any status is an answer; `hung` is what a client learns when there is none.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        probe_url: str,
        hung: str,
        answer_timeout_s: float = ANSWER_TIMEOUT_S,
    ) -> None:
        self.session = session
        self._url = url
        self._probe_url = probe_url
        self._hung = hung
        self._answer_timeout_s = answer_timeout_s

    async def connect(self) -> aiohttp.ClientWebSocketResponse[bool]:
        """Connect once. Raises ReaderHungError if the server does not answer, ConnectionLostError
        if there is none.
        """
        try:
            return await self.in_time(open_socket(self.session, self._url))
        except (OSError, aiohttp.ClientError) as error:
            raise ConnectionLostError(self.why_absent(error)) from error

    def why_absent(self, error: Exception) -> str:
        """What a client learns when nothing listens."""
        return f"no NOVA answers at {self._url} ({error})"

    async def monitor(
        self, is_awaited: Callable[[], bool], on_hang: Callable[[ReaderHungError], None]
    ) -> None:
        """Call `on_hang` when the server does not answer while it is awaited; until cancelled."""
        while True:
            await asyncio.sleep(PROBE_INTERVAL_S)
            if not is_awaited():
                continue
            try:
                await self.in_time(self._probe())
            except ReaderHungError as hung:
                on_hang(hung)
            except (OSError, aiohttp.ClientError):
                continue  # It is gone, and the client's own connection ends too.

    async def _probe(self) -> None:
        async with self.session.get(self._probe_url):
            pass

    async def in_time(self, call: Coroutine[object, object, ReplyT]) -> ReplyT:
        """The result of a call to the server; raises ReaderHungError if it takes too long."""
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
        raise ReaderHungError(CORE_UNAVAILABLE, self._hung)
