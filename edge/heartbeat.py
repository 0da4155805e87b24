"""Whether the reader answers: asked each second on a connection of its own.

A reader that was stopped, or hangs, keeps its connections open and says nothing. Nobody learns from
that, so its clients are told as if it had gone; and nothing is handed to it that it would do late.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import aiohttp

from edge.config import Limits
from edge.upstream import Upstream
from sdk import protocol
from sdk.protocol import Status

log = logging.getLogger(__name__)


class Heartbeat:
    """The reader's, as one edge hears it."""

    def __init__(
        self, client: aiohttp.ClientSession, limits: Limits, hangs: Callable[[], None]
    ) -> None:
        self._client = client
        self._limits = limits
        self._hangs = hangs
        self.answers = asyncio.Event()
        """Unset while somebody listens there who does not answer."""

        self.answers.set()

    async def run(self) -> None:
        """Listen for ever."""
        while True:
            upstream = Upstream(self._client, self._limits)
            try:
                await self._listen(upstream)
                self.answers.set()  # It is gone, and whoever comes next will answer.
            except TimeoutError:
                self._note_silence()
            finally:
                upstream.drop()
            await asyncio.sleep(self._limits.reader_ask_s)

    async def _listen(self, upstream: Upstream) -> None:
        """Ask until the connection ends; raises TimeoutError where no answer comes in time."""
        async with asyncio.timeout(self._limits.reader_silence_s):
            if not await upstream.connect():
                return
        frames = upstream.frames()
        while await upstream.send(protocol.encode(Status())):
            answering = asyncio.ensure_future(anext(frames, None))
            await asyncio.wait((answering,), timeout=self._limits.reader_silence_s)
            await asyncio.sleep(0)  # Where this process stood still, the answer may be there.
            if not answering.done():
                upstream.drop()
                await asyncio.wait((answering,))
                raise TimeoutError
            if answering.result() is None:
                return
            self.answers.set()
            await asyncio.sleep(self._limits.reader_ask_s)

    def _note_silence(self) -> None:
        if self.answers.is_set():
            log.error("the reader hangs: it does not answer")
            self.answers.clear()
            self._hangs()
