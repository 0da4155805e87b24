"""The Core's side of commands over the embedded transport: listeners and their acknowledgements.

A listener acknowledges commands with empty frames in the order in which they were sent. A command
is dispatched when one listener has acknowledged it. Without a listener it was certainly not sent.
If all listeners that it was sent to disconnect first, its fate is unknown.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import aiohttp
from aiohttp import web

from nova.sdk import timestamps
from nova.sdk.address import is_id, parse
from nova.sdk.errors import NotSentError, TransportError
from nova.sdk.transport.base import Record
from nova.sdk.transport.link import LinkHealth
from nova.sdk.transport.local_commands import COMMANDS
from nova.sdk.transport.local_peer import LocalPeer

HEARTBEAT_S = 10.0

Outcome = Literal["taken", "unsent", "unknown"]
"""The fate of a command at one listener; `unsent`: not a byte of it was written."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DispatchLimits:
    """Timeouts of a dispatch, and the backlog that one listener may have.

    `reconnect_s` is the time to wait for hosts that are reconnecting.
    """

    reconnect_s: float = 1.0
    acknowledge_s: float = 10.0
    unacknowledged_max: int = 1_000
    listeners_max: int = 1_000


class ListenerConnection(LocalPeer):
    """One listener's connection, with the commands that it has not acknowledged yet."""

    KIND = "listener"

    def __init__(
        self,
        socket: web.WebSocketResponse,
        request: web.Request,
        limits: DispatchLimits,
        on_unresponsive: Callable[[str], None],
    ) -> None:
        super().__init__(socket, request, limits.acknowledge_s, on_unresponsive)
        self._limits = limits
        self._unsent: asyncio.Queue[tuple[bytes, asyncio.Future[Outcome]]] = asyncio.Queue()
        self._unacknowledged: deque[asyncio.Future[Outcome]] = deque()

    async def serve(self) -> None:
        """Send queued commands and receive acknowledgements until the listener disconnects."""
        await self._exchange(self._receive_acknowledgement)

    async def _receive_acknowledgement(self, _: aiohttp.WSMessage) -> None:
        if self._unacknowledged:
            _resolve(self._unacknowledged.popleft(), "taken")

    def send(self, frame: bytes) -> asyncio.Future[Outcome]:
        """Queue a command; the future resolves to its outcome."""
        outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        waiting = len(self._unacknowledged) + self._unsent.qsize()
        if not self.is_closed and waiting >= self._limits.unacknowledged_max:
            self._disconnect(
                f"has not acknowledged any of {waiting:,} commands and was disconnected"
            )
        if self.is_closed:
            outcome.set_result("unsent")
        else:
            self._unsent.put_nowait((frame, outcome))
        return outcome

    async def _send_queued(self) -> None:
        await self._socket.send_bytes(b"")  # From here on it receives every command.
        while True:
            frame, outcome = await self._unsent.get()
            if self._is_disconnected():
                _resolve(outcome, "unsent")
                return
            self._unacknowledged.append(outcome)
            await self._send(frame)

    def _silence(self) -> str:
        return f"has not read for {self._limits.acknowledge_s:g} s and was disconnected"

    def _is_disconnected(self) -> bool:
        transport = self._request.transport
        return self._socket.closed or transport is None or transport.is_closing()

    def _release(self) -> None:
        """Resolve outcomes: sent commands may have been received, unsent ones were not."""
        while self._unacknowledged:
            _resolve(self._unacknowledged.popleft(), "unknown")
        while not self._unsent.empty():
            _resolve(self._unsent.get_nowait()[1], "unsent")


class CommandServer:
    """All command listeners, by scope."""

    def __init__(self, link: str, health: LinkHealth, limits: DispatchLimits) -> None:
        self._link = link
        self._health = health
        self._limits = limits
        self._by_scope: defaultdict[str, set[ListenerConnection]] = defaultdict(set)
        self._listener_added = asyncio.Condition()
        self.connections: dict[web.WebSocketResponse, web.Request] = {}

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        scope_id = request.query.get("scope", "")
        if "Origin" in request.headers or not is_id(scope_id):
            raise web.HTTPForbidden(reason="command listeners must be programs and name one scope")
        if len(self.connections) >= self._limits.listeners_max:
            raise web.HTTPServiceUnavailable(reason="too many command listeners")
        socket = web.WebSocketResponse(compress=False, heartbeat=HEARTBEAT_S)
        await socket.prepare(request)
        listener = ListenerConnection(socket, request, self._limits, self._report)
        self.connections[socket] = request
        self._by_scope[scope_id].add(listener)
        async with self._listener_added:
            self._listener_added.notify_all()
        try:
            await listener.serve()
        finally:
            self._by_scope[scope_id].discard(listener)
            if not self._by_scope[scope_id]:
                del self._by_scope[scope_id]
            del self.connections[socket]
        return socket

    async def send(self, records: Sequence[Record]) -> None:
        """Send commands in order; returns once each is acknowledged by a listener.

        Raises NotSentError without a listener, and TransportError if the listeners disconnected or
        timed out: then it is unknown whether the command was received.
        """
        for record in records:
            assert record.address is not None
            scope_id = parse(record.address).scope_id
            frame = COMMANDS.encode((record.address, record.value))
            while not await self._is_acknowledged(scope_id, frame):
                pass  # Not a byte was written, so the next listener may get it.

    async def _is_acknowledged(self, scope_id: str, frame: bytes) -> bool:
        """Whether a listener acknowledged the command; False if it was sent to none."""
        listeners = await self._listeners(scope_id)
        pending = {listener.send(frame) for listener in listeners}
        outcomes: set[Outcome] = set()
        try:
            async with asyncio.timeout(self._limits.acknowledge_s):
                while pending and "taken" not in outcomes:
                    done, pending = await asyncio.wait(pending, return_when="FIRST_COMPLETED")
                    outcomes |= {outcome.result() for outcome in done}
        except TimeoutError:
            raise TransportError(
                f"the command listeners of {scope_id} on {self._link} did not acknowledge the "
                f"command within {self._limits.acknowledge_s:g} s"
            ) from None
        if outcomes == {"unsent"}:
            return False
        if "taken" not in outcomes:
            raise TransportError(
                f"the command listeners of {scope_id} on {self._link} disconnected before they "
                "acknowledged the command"
            )
        return True

    async def _listeners(self, scope_id: str) -> list[ListenerConnection]:
        """The listeners of a scope; waits up to `reconnect_s` for the first."""
        of_scope = self._by_scope
        try:
            async with asyncio.timeout(self._limits.reconnect_s), self._listener_added:
                while not (
                    here := [one for one in of_scope.get(scope_id, ()) if not one.is_closed]
                ):
                    await self._listener_added.wait()
                return here
        except TimeoutError:
            raise NotSentError(f"no command listener for {scope_id} on {self._link}") from None

    def _report(self, reason: str) -> None:
        log.warning("listener disconnected", extra={"context": {"reason": reason}})
        self._health.warn("listener", f"{timestamps.text(time.time_ns())}: {reason}")


def _resolve(outcome: asyncio.Future[Outcome], value: Outcome) -> None:
    if not outcome.done():
        outcome.set_result(value)
