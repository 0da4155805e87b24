"""What the tests of the NATS transport write and read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from nova.sdk import address
from nova.sdk.transport.base import Batch, Record
from nova.testkit.record_reader import READ_TIMEOUT_S, ReadRecords

POLL_INTERVAL_S = 0.02


def entity(scope: str, unique: object, lane: str = "parsed") -> str:
    """The address of an entity."""
    return str(address.entity(scope, lane, "bus", "eps", str(unique)))


def numbered(scope: str, count: int, first: int = 0) -> list[Record]:
    """Records of one entity whose values count on."""
    return [Record(entity(scope, "one"), b"%d" % (first + n)) for n in range(count)]


def numbers(count: int, first: int = 0) -> list[bytes]:
    """The values of `numbered`."""
    return [b"%d" % (first + n) for n in range(count)]


async def take(batches: AsyncIterator[Batch], count: int, gaps: int = 0) -> ReadRecords:
    """Go on with a consumption that stays open, for this many records and gaps."""
    reading = ReadRecords()
    async with asyncio.timeout(READ_TIMEOUT_S):
        while len(reading.records) < count or len(reading.gaps()) < gaps:
            reading.add(await anext(batches))
    return reading


async def until(condition: Callable[[], bool]) -> None:
    """Return when something that only can be asked for has become so."""
    async with asyncio.timeout(READ_TIMEOUT_S):
        while not condition():
            await asyncio.sleep(POLL_INTERVAL_S)
