"""A transport in memory that keeps every promise, and variants that break one each."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from nova.sdk.address import is_dispatch
from nova.sdk.errors import TransportError
from nova.sdk.transport.base import Batch, Positions, Receipt, Record, Subscription, Transport
from nova.sdk.transport.link import LinkHealth, LinkState
from nova.testkit.conformance import Backend

LOG = "log"
BATCH_MAX_RECORDS = 500
LOOK_INTERVAL_S = 0.001


@dataclass
class Server:
    """What outlives the transports."""

    records: list[Record] = field(default_factory=list)
    is_up: bool = True


class MemoryTransport:
    """Keeps every promise, for the tests of the suite itself."""

    link = "memory://"

    def __init__(self, server: Server) -> None:
        self.server = server
        self.health = LinkHealth()
        self.is_closed = False
        self.is_read = False

    async def publish(self, records: Sequence[Record]) -> Receipt:
        self.check_open()
        await asyncio.sleep(0)
        if not self.server.is_up:
            self.health.mark_down("the server is away")
            raise TransportError("the server is away")
        self.health.mark_up()
        for record in records:
            place = len(self.server.records)
            self.server.records.append(Record(record.address, record.value, str(place)))
        return Receipt()

    async def consume(
        self, subscription: Subscription, positions: Positions
    ) -> AsyncIterator[Batch]:
        self.check_open()
        self.is_read = True
        position = positions.get(LOG, 0)
        while not self.is_closed:
            if not self.server.is_up:
                self.miss_the_server()
            else:
                self.health.mark_up()
                if found := self.server.records[position : position + BATCH_MAX_RECORDS]:
                    position += len(found)
                    yield Batch([r for r in found if wants(subscription, r)], {LOG: position})
                    continue
            await asyncio.sleep(LOOK_INTERVAL_S)

    async def acknowledge(self, batch: Batch, receipt: Receipt) -> None:
        pass

    async def commands(
        self, scope_id: str, listening: asyncio.Event | None = None
    ) -> AsyncIterator[Record]:
        self.check_open()
        position = self.first_command()
        if listening is not None:
            listening.set()
        while not self.is_closed:
            found = self.server.records[position:] if self.server.is_up else []
            position += len(found)
            for record in found:
                if self.is_for(scope_id, record):
                    yield record
            await asyncio.sleep(LOOK_INTERVAL_S)

    def first_command(self) -> int:
        return len(self.server.records)

    def is_for(self, scope_id: str, record: Record) -> bool:
        return is_dispatch(record.address) and wants(Subscription(scope_id), record)

    def state(self) -> LinkState:
        return self.health.state({LOG: len(self.server.records)} if self.is_read else {})

    async def close(self) -> None:
        self.is_closed = True

    def miss_the_server(self) -> None:
        self.health.mark_down("the server is away")

    def check_open(self) -> None:
        if self.is_closed:
            raise TransportError("closed")


def wants(subscription: Subscription, record: Record) -> bool:
    """Whether a record is subscribed to."""
    prefix = f"nova.{subscription.scope_id}."
    return subscription.scope_id is None or (record.address or "").startswith(prefix)


class MemoryBackend(Backend):
    """Connects transports of one kind to a server that a test can take away."""

    def __init__(self, make: Callable[[Server], Transport] = MemoryTransport) -> None:
        self.name = "memory"
        self._make = make
        self._server = Server()

    def connect(self) -> Transport:
        return self._make(self._server)

    async def start(self) -> None:
        self._server.is_up = True

    async def stop(self) -> None:
        self._server.is_up = False


class Forgetful(MemoryBackend):
    """Acknowledges what is not durable: a crash takes the newest back."""

    async def kill(self) -> None:
        await self.stop()
        del self._server.records[-10:]


class Loses(MemoryTransport):
    """Loses a record now and then."""

    async def publish(self, records: Sequence[Record]) -> Receipt:
        return await super().publish([r for r in records if not r.value.endswith(b"7")])


class Doubles(MemoryTransport):
    """Stores a record twice now and then."""

    async def publish(self, records: Sequence[Record]) -> Receipt:
        return await super().publish([*records, *(r for r in records if r.value.endswith(b"7"))])


class Shuffles(MemoryTransport):
    """Turns the order around within a publish."""

    async def publish(self, records: Sequence[Record]) -> Receipt:
        return await super().publish(records[::-1])


class Cuts(MemoryTransport):
    """Cuts what is larger than 1 MiB."""

    async def publish(self, records: Sequence[Record]) -> Receipt:
        return await super().publish([Record(r.address, r.value[: 2**20]) for r in records])


class Renames(MemoryTransport):
    """Changes a character in addresses that its own names do not allow."""

    async def publish(self, records: Sequence[Record]) -> Receipt:
        renamed = [Record((r.address or "").replace(":", "_"), r.value) for r in records]
        return await super().publish(renamed)


class OneAtATime(MemoryTransport):
    """Takes one publish at a time."""

    is_busy = False

    async def publish(self, records: Sequence[Record]) -> Receipt:
        if self.is_busy:
            raise TransportError("busy")
        self.is_busy = True
        try:
            return await super().publish(records)
        finally:
            self.is_busy = False


class Consumes(MemoryTransport):
    """What the variants of consuming share: every batch passes through `change`."""

    async def consume(
        self, subscription: Subscription, positions: Positions
    ) -> AsyncIterator[Batch]:
        async for batch in super().consume(self.heard(subscription), positions):
            yield self.change(batch)

    def heard(self, subscription: Subscription) -> Subscription:
        return subscription

    def change(self, batch: Batch) -> Batch:
        return batch


class StaysBehind(Consumes):
    """Its positions are those of the last record, not behind it."""

    def change(self, batch: Batch) -> Batch:
        return Batch(batch.records, {LOG: batch.positions[LOG] - 1})


class GetsAhead(Consumes):
    """Its positions are one too far."""

    def change(self, batch: Batch) -> Batch:
        return Batch(batch.records, {LOG: batch.positions[LOG] + 1})


class HearsAll(Consumes):
    """Gives every scope to who asked for one."""

    def heard(self, subscription: Subscription) -> Subscription:
        return Subscription(None)


class FindsNothingNew(Consumes):
    """Knows only the lanes that were there when it began."""

    async def consume(
        self, subscription: Subscription, positions: Positions
    ) -> AsyncIterator[Batch]:
        known = {topic(record) for record in self.server.records}
        async for batch in super().consume(subscription, positions):
            yield Batch([r for r in batch.records if topic(r) in known], batch.positions)


class FindsNothingNewAnywhere(FindsNothingNew):
    """The same, by another name: for scopes."""


def topic(record: Record) -> str:
    """Scope and lane of a record."""
    return ".".join((record.address or "").split(".")[:3])


class DropsWhenSlow(Consumes):
    """Throws away what a slow reader has not fetched."""

    async def consume(
        self, subscription: Subscription, positions: Positions
    ) -> AsyncIterator[Batch]:
        async for batch in super().consume(subscription, positions):
            yield Batch(batch.records[-10:], batch.positions)


class WaitsForAnswers(Consumes):
    """Gives no batch before the one before it is acknowledged."""

    async def consume(
        self, subscription: Subscription, positions: Positions
    ) -> AsyncIterator[Batch]:
        self.answered = asyncio.Event()
        async for batch in super().consume(subscription, positions):
            yield batch
            await self.answered.wait()
            self.answered.clear()

    async def acknowledge(self, batch: Batch, receipt: Receipt) -> None:
        self.answered.set()


class GivesUp(MemoryTransport):
    """Ends consuming when the server goes away."""

    def miss_the_server(self) -> None:
        super().miss_the_server()
        raise TransportError("the server is away")


class SeesNoOutage(MemoryTransport):
    """Says that it is connected, whatever happens."""

    def state(self) -> LinkState:
        return LinkState(self.is_read or bool(self.server.records), ends=super().state().ends)


class NeverCatchesUp(MemoryTransport):
    """Counts one record more than there is."""

    def state(self) -> LinkState:
        ends = {name: end + 1 for name, end in super().state().ends.items()}
        return self.health.state(ends)


class OneReader(MemoryTransport):
    """Lets the newest reader take the place of the one before."""

    newest: MemoryTransport | None = None

    async def consume(
        self, subscription: Subscription, positions: Positions
    ) -> AsyncIterator[Batch]:
        type(self).newest = self
        async for batch in super().consume(subscription, positions):
            if self.newest is self:
                yield batch


class LeavesTask(MemoryTransport):
    """Leaves a task running."""

    async def close(self) -> None:
        if not self.is_closed:
            self.left = asyncio.create_task(asyncio.sleep(5))
        await super().close()


class LeavesDescriptor(MemoryTransport):
    """Leaves a descriptor open."""

    left: ClassVar[list[int]] = []

    async def close(self) -> None:
        self.left.append(os.memfd_create("left"))
        await super().close()


class EndsLate(Consumes):
    """Continues consuming after `close`."""

    async def close(self) -> None:
        pass


class ManyNames(MemoryTransport):
    """Has another name each time."""

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self.link = f"memory://{uuid.uuid4()}"


class SendsOldCommands(MemoryTransport):
    """Gives listeners what was dispatched before they came."""

    def first_command(self) -> int:
        return 0


class SendsAllCommands(MemoryTransport):
    """Gives listeners what is said of commands too."""

    def is_for(self, scope_id: str, record: Record) -> bool:
        return ".command." in (record.address or "") and wants(Subscription(scope_id), record)


class OneListener(MemoryTransport):
    """Lets the newest listener take the place of the one before."""

    listener: MemoryTransport | None = None

    def first_command(self) -> int:
        type(self).listener = self
        return super().first_command()

    def is_for(self, scope_id: str, record: Record) -> bool:
        return self.listener is self and super().is_for(scope_id, record)


class DropsListeners(MemoryTransport):
    """Ends listening when the server goes away."""

    async def commands(
        self, scope_id: str, listening: asyncio.Event | None = None
    ) -> AsyncIterator[Record]:
        async for record in super().commands(scope_id, listening):
            yield record
            return


class ListensOn(MemoryTransport):
    """Continues listening after `close`."""

    async def close(self) -> None:
        pass
