"""Records for the tests of the Kafka transport, and taking them from a consumption."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from nova.sdk import address
from nova.sdk.transport.base import Batch, Record
from nova.testkit.record_reader import READ_TIMEOUT_S, ReadRecords


def entity(scope: str, unique: object, lane: str = "parsed") -> str:
    """The address of an entity in a scope."""
    return str(address.entity(scope, lane, "bus", "eps", str(unique)))


def numbered(scope: str, count: int, first: int = 0) -> list[Record]:
    """Numbered records of one entity."""
    return [Record(entity(scope, "one"), b"%d" % (first + n)) for n in range(count)]


async def take(batches: AsyncIterator[Batch], count: int) -> ReadRecords:
    """Go on with a consumption that stays open."""
    reading = ReadRecords()
    async with asyncio.timeout(READ_TIMEOUT_S):
        while len(reading.records) < count:
            reading.add(await anext(batches))
    return reading
