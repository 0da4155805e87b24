"""Monitors whether the reader replies, by a status request per second on its own connection.

A stopped or hung reader keeps its connections open and sends nothing, which its clients cannot
detect. The edge treats it as disconnected, and sends it no requests that it would execute late.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import aiohttp

from nova.edge.edge_config import EdgeLimits
from nova.edge.upstream import Upstream
from nova.sdk.protocol import messages
from nova.sdk.protocol.messages import Status

log = logging.getLogger(__name__)


class ReaderHeartbeat:
    """One edge's monitor of the reader; `on_hang` is called once when the reader stops replying."""

    def __init__(
        self, client: aiohttp.ClientSession, limits: EdgeLimits, on_hang: Callable[[], None]
    ) -> None:
        self._client = client
        self._limits = limits
        self._on_hang = on_hang
        self.responding = asyncio.Event()
        """Cleared while a process holds the reader's socket but does not reply."""

        self.responding.set()

    async def run(self) -> None:
        """Monitor until cancelled."""
        while True:
            upstream = Upstream(self._client, self._limits)
            try:
                await self._poll(upstream)
                self.responding.set()  # The connection ended; the next reader is expected to reply.
            except TimeoutError:
                self._report_hang()
            finally:
                upstream.drop()
            await asyncio.sleep(self._limits.reader_poll_interval_s)

    async def _poll(self, upstream: Upstream) -> None:
        """Poll until the connection ends; raises TimeoutError if a reply does not come in time."""
        async with asyncio.timeout(self._limits.reader_reply_timeout_s):
            if not await upstream.connect():
                return
        frames = upstream.frames()
        while await upstream.send(messages.encode(Status())):
            answering = asyncio.ensure_future(anext(frames, None))
            await asyncio.wait((answering,), timeout=self._limits.reader_reply_timeout_s)
            await asyncio.sleep(0)  # If this process itself was stopped, the reply may be here.
            if not answering.done():
                upstream.drop()
                await asyncio.wait((answering,))
                raise TimeoutError
            if answering.result() is None:
                return
            self.responding.set()
            await asyncio.sleep(self._limits.reader_poll_interval_s)

    def _report_hang(self) -> None:
        if self.responding.is_set():
            log.error("the reader hangs: it does not answer")
            self.responding.clear()
            self._on_hang()
