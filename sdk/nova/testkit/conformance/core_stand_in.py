"""A stand-in for a Core: stores records and positions together, then acknowledges them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from typing import Final

import msgspec

from nova.sdk.errors import TransportError
from nova.sdk.transport.base import (
    Batch,
    Positions,
    Receipt,
    Record,
    Rejection,
    Subscription,
    Transport,
)
from nova.sdk.transport.link import LinkState
from nova.testkit.record_reader import READ_TIMEOUT_S

POLL_INTERVAL_S: Final = 0.01
"""Poll interval of `wait_until`, since a link's state cannot notify."""

RecordKey = tuple[str | None, bytes]
"""A record's identity in the suite: its address and its bytes."""


def key_of(record: Record) -> RecordKey:
    return record.address, record.value


class CoreStandIn:
    """One Core whose archive survives its process: after `stop`, `start` resumes from it.

    `pause` delays storing the next batches; `withhold_acknowledgements` delays acknowledging the
    stored ones.
    """

    def __init__(
        self,
        connect: Callable[[], Transport],
        scope_id: str | None,
        read_timeout_s: float = READ_TIMEOUT_S,
    ) -> None:
        self._read_timeout_s = read_timeout_s
        self.stored: list[Record] = []
        self.keys: set[RecordKey] = set()
        self.refused: list[Record] = []
        self.batches: list[Batch] = []
        self.received_batches = 0
        """The number of batches received, stored or not."""
        self._connect = connect
        self._scope_id = scope_id
        self._archived = "{}"
        self._transport: Transport | None = None
        self._work: asyncio.Task[None] | None = None
        self._may_store = asyncio.Event()
        self._may_store.set()
        self._withheld: list[tuple[Batch, Receipt]] | None = None

    # --- its process ------------------------------------------------------------------------------

    def start_without_waiting(self) -> None:
        self._transport = self._connect()
        self._work = asyncio.create_task(self._run(self._transport))

    async def start(self) -> None:
        """Start and wait for the connection."""
        self.start_without_waiting()
        await self.wait_until("it is connected", lambda: self.state().connected)

    async def stop(self) -> None:
        """End as a process does: a batch that is not stored by now counts as never received."""
        work, self._work = self._work, None
        if work is not None:
            work.cancel()
            await asyncio.wait((work,))
            # `wait_until` has raised the failure already, if anyone was waiting for this Core.
            work.cancelled() or work.exception()
        if self._transport is not None:
            await self._transport.close()
        self._may_store.set()
        self._withheld = None

    async def close_while_busy(self) -> None:
        """Close the transport while a batch is being handled; `consume` must end by itself."""
        assert self._transport is not None and self._work is not None
        await self._transport.close()
        self._may_store.set()
        async with asyncio.timeout(self._read_timeout_s):
            await self._work

    def pause(self) -> None:
        """Stop storing batches until `resume`."""
        self._may_store.clear()

    def resume(self) -> None:
        """Store batches again."""
        self._may_store.set()

    def withhold_acknowledgements(self) -> None:
        """Store batches without acknowledging them, until `acknowledge_withheld`."""
        self._withheld = []

    async def acknowledge_withheld(self) -> None:
        """Acknowledge all withheld batches in order."""
        answers, self._withheld = self._withheld or [], None
        assert self._transport is not None
        for batch, receipt in answers:
            await self._transport.acknowledge(batch, receipt)

    async def dispatch(self, records: Sequence[Record]) -> None:
        """Publish commands."""
        assert self._transport is not None
        await self._transport.publish(records)

    async def dispatch_until_sent(self, records: Sequence[Record]) -> None:
        """Retry `dispatch` until it succeeds, which a real Core may not do: the server may be
        starting.
        """
        async with asyncio.timeout(self._read_timeout_s):
            while True:
                try:
                    return await self.dispatch(records)
                except TransportError:
                    await asyncio.sleep(POLL_INTERVAL_S)

    # --- what it knows ----------------------------------------------------------------------------

    @property
    def positions(self) -> Positions:
        """The positions to resume at, decoded from the archive."""
        return msgspec.json.decode(self._archived, type=Positions)

    def store_positions(self, moved: Positions) -> None:
        """Store moved positions, as JSON text, since they are opaque to a Core."""
        self._archived = msgspec.json.encode(self.positions | moved).decode()

    def state(self) -> LinkState:
        """The link state of its transport."""
        assert self._transport is not None
        return self._transport.state()

    def lag_records(self) -> int | None:
        """The number of unread records; None if no end is known."""
        ends, positions = self.state().ends, self.positions
        return sum(ends[name] - positions.get(name, 0) for name in ends) if ends else None

    async def wait_until(self, what: str, condition: Callable[[], bool]) -> None:
        """Wait for a condition; raises the error that ended consuming, or TimeoutError."""
        assert self._work is not None
        try:
            async with asyncio.timeout(self._read_timeout_s):
                while not condition():
                    done, _ = await asyncio.wait({self._work}, timeout=POLL_INTERVAL_S)
                    if done:
                        self._work.result()
                        raise AssertionError(f"consuming ended while waiting until {what}")
        except TimeoutError:
            raise TimeoutError(
                f"{what}: not within {self._read_timeout_s:.0f} s; "
                f"{len(self.stored)} records stored, {len(self.refused)} refused, "
                f"positions {self.positions}, {self.state()}"
            ) from None

    async def wait_until_stored(self, records: Iterable[Record]) -> None:
        """Wait until these records are stored."""
        wanted = set(map(key_of, records))
        await self.wait_until(f"{len(wanted)} records are stored", lambda: wanted <= self.keys)

    async def wait_for_count(self, count: int) -> None:
        """Wait until `count` records are stored."""
        await self.wait_until(f"{count} records are stored", lambda: len(self.stored) >= count)

    # --- its work ---------------------------------------------------------------------------------

    async def _run(self, transport: Transport) -> None:
        batches = transport.consume(Subscription(self._scope_id), self.positions)
        try:
            async for batch in batches:
                self.received_batches += 1
                await self._may_store.wait()
                await self._commit(transport, batch)
        finally:
            if isinstance(batches, AsyncGenerator):
                await batches.aclose()

    async def _commit(self, transport: Transport, batch: Batch) -> None:
        assert not batch.gaps, f"a gap where nothing was lost: {batch.gaps}"
        receipt = self._store(batch)
        if self._withheld is None:
            await transport.acknowledge(batch, receipt)
        else:
            self._withheld.append((batch, receipt))

    def _store(self, batch: Batch) -> Receipt:
        """Store records and positions together; reject records of other scopes in the receipt."""
        receipt = Receipt()
        for place, record in enumerate(batch.records):
            if self._is_subscribed(record):
                self.stored.append(record)
                self.keys.add(key_of(record))
                receipt.new += 1
            else:
                self.refused.append(record)
                receipt.rejected.append(Rejection(place, "scope", "scopeId", "another scope"))
        self.batches.append(batch)
        self.store_positions(batch.positions)
        return receipt

    def _is_subscribed(self, record: Record) -> bool:
        prefix = f"nova.{self._scope_id}."
        return self._scope_id is None or (record.address or "").startswith(prefix)
