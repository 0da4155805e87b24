"""Publishing records to a running NOVA, with as many in flight as a busy producer has."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from nova.sdk.transport.base import Record, connect

PUBLISH_RECORDS = 500
PUBLISHES_IN_FLIGHT = 8


async def publish(url: str, records: Sequence[Record]) -> float:
    """Seconds until all records are acknowledged as durable."""
    transport = connect(url)
    room = asyncio.Semaphore(PUBLISHES_IN_FLIGHT)

    async def one(part: Sequence[Record]) -> None:
        async with room:
            await transport.publish(part)

    await transport.publish(records[:1])
    started = time.perf_counter()
    parts = range(1, len(records), PUBLISH_RECORDS)
    await asyncio.gather(*(one(records[start : start + PUBLISH_RECORDS]) for start in parts))
    took = time.perf_counter() - started
    await transport.close()
    return took
