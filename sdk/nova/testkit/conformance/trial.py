"""One case on one backend: its scopes, Cores, producers, and the server between them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Sequence

from nova.sdk.transport.base import Record, Transport
from nova.testkit.conformance.backend import Backend
from nova.testkit.conformance.core_stand_in import POLL_INTERVAL_S, CoreStandIn
from nova.testkit.conformance.leftovers import ProcessResources, leaked_since
from nova.testkit.conformance.producer_stand_in import ProducerStandIn


class Trial:
    """A case's resources; `close` ends all of them."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.keeps_records = backend.keeps_records
        self.keeps_history = backend.keeps_records and backend.keeps_history
        self.has_sessions = backend.keeps_records and not backend.keeps_history
        self._was_killed = False
        self.read_timeout_s = backend.read_timeout_s
        self._transports: list[Transport] = []
        self._cores: list[CoreStandIn] = []

    def scope(self) -> str:
        """A unique scope."""
        return f"c{uuid.uuid4().hex[:16]}"

    def connect(self) -> Transport:
        self._transports.append(self.backend.connect())
        return self._transports[-1]

    def producer(self, scope_id: str | None = None) -> ProducerStandIn:
        """A producer, in its own scope if none is given."""
        return ProducerStandIn(self.connect, scope_id or self.scope(), self.read_timeout_s)

    def core(self, scope_id: str | None) -> CoreStandIn:
        """A Core of one scope, or of all."""
        self._cores.append(CoreStandIn(self.connect, scope_id, self.read_timeout_s))
        return self._cores[-1]

    def pair(self) -> tuple[ProducerStandIn, CoreStandIn]:
        """A producer and a Core of its scope."""
        producer = self.producer()
        return producer, self.core(producer.scope_id)

    async def leaked_since(self, before: ProcessResources) -> list[str]:
        """Resources that the transports have used since then and not released in time."""
        return await leaked_since(before, self.backend.release_timeout_s)

    async def deliver(
        self, producer: ProducerStandIn, core: CoreStandIn, *publishes: Sequence[Record]
    ) -> None:
        """Publish one after the other; return when the Core, which keeps running, has everything.

        A backend that keeps a history gets them before the Core starts: existing streams are found
        at once, later ones only at the transport's next discovery.
        """
        if not self.keeps_history:
            await core.start()
        for records in publishes:
            await producer.publish(records)
        await producer.publish_marks()
        if self.keeps_history:
            await core.start()
        await self.wait_until_read(producer, core)

    async def wait_until(self, what: str, condition: Callable[[], bool]) -> None:
        """Wait for a condition that involves no running Core; raises TimeoutError."""
        try:
            async with asyncio.timeout(self.read_timeout_s):
                while not condition():
                    await asyncio.sleep(POLL_INTERVAL_S)
        except TimeoutError:
            raise TimeoutError(f"{what}: not within {self.read_timeout_s:.0f} s") from None

    async def wait_until_read(self, producer: ProducerStandIn, core: CoreStandIn) -> None:
        """Return when the marks have arrived, after which no other record can come. Mark first."""
        await core.wait_until(f"{producer.scope_id} is read", lambda: producer.has_marks_in(core))

    async def finish(self, producer: ProducerStandIn, core: CoreStandIn) -> None:
        """Mark the end, wait for it, and check the arrivals."""
        await producer.publish_marks()
        await self.wait_until_read(producer, core)
        # A session that was killed may have forgotten what was acknowledged to it.
        may_repeat = self._was_killed and self.has_sessions
        producer.check_arrivals(core, may_repeat=may_repeat)

    async def begin_session(self, core: CoreStandIn) -> None:
        """Let the backend know the Core, which then stops: from now on it keeps its records."""
        if self.has_sessions:
            await core.start()
            await core.stop()

    async def stop_server(self, core: CoreStandIn) -> None:
        """Stop the server; with a direct transport that is the Core."""
        await (self.backend.stop() if self.keeps_records else core.stop())

    async def kill_server(self, core: CoreStandIn) -> None:
        self._was_killed = True
        await (self.backend.kill() if self.keeps_records else core.stop())

    async def start_server(self, core: CoreStandIn) -> None:
        await (self.backend.start() if self.keeps_records else core.start())

    async def close(self) -> None:
        """Stop every Core and close every transport."""
        for core in self._cores:
            await core.stop()
        for transport in self._transports:
            await transport.close()
