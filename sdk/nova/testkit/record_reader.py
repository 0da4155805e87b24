"""Reads a given number of records from any transport, for tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from nova.sdk.transport.base import Batch, Gap, Positions, Record, Subscription, Transport

READ_TIMEOUT_S = 60.0


@dataclass(slots=True)
class ReadRecords:
    """The records read, and the positions to resume after them."""

    records: list[Record] = field(default_factory=list)
    positions: Positions = field(default_factory=dict)
    batches: list[Batch] = field(default_factory=list)

    def add(self, batch: Batch) -> None:
        self.records += batch.records
        self.positions |= batch.positions
        self.batches.append(batch)

    def gaps(self) -> list[Gap]:
        """The gaps that the transport reported."""
        return [gap for batch in self.batches for gap in batch.gaps]

    def values(self) -> list[bytes]:
        return [record.value for record in self.records]


def stream_positions(positions: Positions) -> Positions:
    """Positions without the ids that identify recreated streams (`…#…`)."""
    return {name: at for name, at in positions.items() if "#" not in name}


async def read_records(
    transport: Transport, scope_id: str | None, count: int, positions: Positions | None = None
) -> ReadRecords:
    """Read until there are `count` records; raises TimeoutError after READ_TIMEOUT_S."""
    reading = ReadRecords(positions=dict(positions or {}))
    batches = transport.consume(Subscription(scope_id), dict(positions or {}))
    try:
        async with asyncio.timeout(READ_TIMEOUT_S):
            while len(reading.records) < count:
                reading.add(await anext(batches))
    finally:
        if isinstance(batches, AsyncGenerator):
            await batches.aclose()
    return reading
