"""The Core's side of commands over the embedded transport: who listens, and what each has taken.

A listener answers each command with an empty frame once it has taken it, in the order in which they
were sent. A command is dispatched when one listener has taken it. Where none is there it was
certainly not sent; where those that were sent it left first, nobody knows.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec
from aiohttp import web

from sdk import timestamps
from sdk.address import is_id, parse
from sdk.endpoints import abort, peer_name
from sdk.errors import NotSentError, TransportError
from sdk.transport.base import Record
from sdk.transport.link import LinkHealth

HEARTBEAT_S = 10.0

Outcome = Literal["taken", "unsent", "unknown"]
"""Of one command at one listener; `unsent`: not a byte of it was written."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DispatchLimits:
    """What a dispatch waits for, and what one listener may leave lying.

    `reconnect_s` is for hosts that are connecting again at this moment.
    """

    reconnect_s: float = 1.0
    take_s: float = 10.0
    untaken_max: int = 1_000
    listeners_max: int = 1_000


class Listener:
    """One listener's connection, with the commands that it has not taken yet."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        request: web.Request,
        limits: DispatchLimits,
        on_deaf: Callable[[str], None],
    ) -> None:
        self._socket = socket
        self._request = request
        self._limits = limits
        self._on_deaf = on_deaf
        self._unsent: asyncio.Queue[tuple[bytes, asyncio.Future[Outcome]]] = asyncio.Queue()
        self._untaken: deque[asyncio.Future[Outcome]] = deque()
        self.is_over = False

    async def serve(self) -> None:
        """Send what is queued, and hear what is taken, until it leaves."""
        sender = asyncio.create_task(self._send())
        try:
            async for _ in self._socket:
                if self._untaken:
                    _end(self._untaken.popleft(), "taken")
        finally:
            sender.cancel()
            await asyncio.wait((sender,))

    def send(self, frame: bytes) -> asyncio.Future[Outcome]:
        """Queue a command; its outcome comes once that is known."""
        outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        waiting = len(self._untaken) + self._unsent.qsize()
        if not self.is_over and waiting >= self._limits.untaken_max:
            self._send_away(f"has taken none of {waiting:,} commands")
        if self.is_over:
            outcome.set_result("unsent")
        else:
            self._unsent.put_nowait((frame, outcome))
        return outcome

    async def _send(self) -> None:
        try:
            await self._socket.send_bytes(b"")  # From here on it misses nothing.
            while True:
                frame, outcome = await self._unsent.get()
                if self._has_left():
                    _end(outcome, "unsent")
                    return
                self._untaken.append(outcome)
                async with asyncio.timeout(self._limits.take_s):
                    await self._socket.send_bytes(frame)
        except TimeoutError:
            self._send_away(f"has read nothing for {self._limits.take_s:g} s")
        except ConnectionError:
            pass
        finally:
            self._leave()

    def _has_left(self) -> bool:
        transport = self._request.transport
        return self._socket.closed or transport is None or transport.is_closing()

    def _send_away(self, reason: str) -> None:
        self._on_deaf(f"the listener {peer_name(self._request)} {reason} and was disconnected")
        self._leave()
        abort(self._request)

    def _leave(self) -> None:
        """What it has not taken it may have; what was not written it has not."""
        self.is_over = True
        while self._untaken:
            _end(self._untaken.popleft(), "unknown")
        while not self._unsent.empty():
            _end(self._unsent.get_nowait()[1], "unsent")


class CommandServer:
    """All who listen for commands, by scope, and sending to them."""

    def __init__(self, link: str, health: LinkHealth, limits: DispatchLimits) -> None:
        self._link = link
        self._health = health
        self._limits = limits
        self._of_scope: defaultdict[str, set[Listener]] = defaultdict(set)
        self._came = asyncio.Condition()
        self.connections: dict[web.WebSocketResponse, web.Request] = {}

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """One listener's connection."""
        scope_id = request.query.get("scope", "")
        if "Origin" in request.headers or not is_id(scope_id):
            raise web.HTTPForbidden(reason="only programs listen, and for one scope")
        if len(self.connections) >= self._limits.listeners_max:
            raise web.HTTPServiceUnavailable(reason="so many listen already")
        socket = web.WebSocketResponse(compress=False, heartbeat=HEARTBEAT_S)
        await socket.prepare(request)
        listener = Listener(socket, request, self._limits, self._report)
        self.connections[socket] = request
        self._of_scope[scope_id].add(listener)
        async with self._came:
            self._came.notify_all()
        try:
            await listener.serve()
        finally:
            self._of_scope[scope_id].discard(listener)
            if not self._of_scope[scope_id]:
                del self._of_scope[scope_id]
            del self.connections[socket]
        return socket

    async def send(self, records: Sequence[Record]) -> None:
        """Send commands in order; returns when of each some listener has taken it.

        Raises NotSentError where nobody listens, and TransportError where those who did left, or
        took too long: then nobody knows whether it was taken.
        """
        for record in records:
            assert record.address is not None
            scope_id = parse(record.address).scope_id
            frame = msgspec.msgpack.encode((record.address, record.value))
            while not await self._is_taken(scope_id, frame):
                pass  # Not a byte was written, so it may go to who listens next.

    async def _is_taken(self, scope_id: str, frame: bytes) -> bool:
        """Whether a listener has taken it; if not, it was not sent to any."""
        listeners = await self._listeners(scope_id)
        pending = {listener.send(frame) for listener in listeners}
        outcomes: set[Outcome] = set()
        try:
            async with asyncio.timeout(self._limits.take_s):
                while pending and "taken" not in outcomes:
                    done, pending = await asyncio.wait(pending, return_when="FIRST_COMPLETED")
                    outcomes |= {outcome.result() for outcome in done}
        except TimeoutError:
            raise TransportError(
                f"who takes commands for {scope_id} over {self._link} did not confirm this one "
                f"within {self._limits.take_s:g} s"
            ) from None
        if outcomes == {"unsent"}:
            return False
        if "taken" not in outcomes:
            raise TransportError(
                f"who took commands for {scope_id} over {self._link} went away before confirming "
                "this one"
            )
        return True

    async def _listeners(self, scope_id: str) -> list[Listener]:
        """Who listens; waits a moment for one that is connecting again."""
        of_scope = self._of_scope
        try:
            async with asyncio.timeout(self._limits.reconnect_s), self._came:
                while not (here := [one for one in of_scope.get(scope_id, ()) if not one.is_over]):
                    await self._came.wait()
                return here
        except TimeoutError:
            raise NotSentError(f"nobody takes commands for {scope_id} over {self._link}") from None

    def _report(self, reason: str) -> None:
        log.warning("listener disconnected", extra={"context": {"reason": reason}})
        self._health.warn("listener", f"{timestamps.text(time.time_ns())}: {reason}")


def _end(outcome: asyncio.Future[Outcome], value: Outcome) -> None:
    if not outcome.done():
        outcome.set_result(value)
