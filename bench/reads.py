"""Reading through real processes: scans, replays, seeks and the live tail, to one client."""

from __future__ import annotations

import asyncio
import random
import time

import msgspec

from bench.work import START_NS, Work, record
from sdk import timestamps
from sdk.client import Client
from sdk.envelope import Lane
from sdk.protocol import Filters, Query
from sdk.transport.base import connect

LIVE_HZ = 1_000
LIVE_BATCH = 10


class _Number(msgspec.Struct):
    number: int = -1


class _Stamped(msgspec.Struct):
    data: _Number = msgspec.field(default_factory=_Number)


async def replay(client: Client, lanes: list[Lane] | None) -> tuple[int, float]:
    """Events and seconds of one stream at rate `max`."""
    filters = Filters(lanes=lanes)
    started = time.perf_counter()
    events = 0
    async for chunk in client.stream("REPLAY", rate="max", filters=filters):
        events += len(chunk.events)
    return events, time.perf_counter() - started


async def pages(client: Client) -> tuple[int, float]:
    """Events and seconds of a whole range by bounded queries."""
    started = time.perf_counter()
    events = 0
    async for _ in client.query(Query(limit=5_000)):
        events += 1
    return events, time.perf_counter() - started


async def seeks(client: Client, work: Work, count: int) -> list[float]:
    """Seconds from a seek to its first event, at random times."""
    dice = random.Random(2)
    found: list[float] = []
    for _ in range(count):
        at_ns = dice.randrange(START_NS, work.last_ns())
        started = time.perf_counter()
        async for chunk in client.stream("REPLAY", start_time=timestamps.text(at_ns), rate=1.0):
            if chunk.events:
                found.append(time.perf_counter() - started)
                break
    await client.cancel_stream()
    return found


async def live(client: Client, url: str, scope: str, seconds: float) -> list[float]:
    """Seconds from just before a publish until the event is here, at a steady rate."""
    count = int(seconds * LIVE_HZ)
    sent: dict[int, float] = {}
    latencies: list[float] = []
    stream = client.stream("LIVE", filters=Filters(lanes=["ui"]))
    await anext(stream)
    feeding = asyncio.create_task(_feed(url, scope, count, sent))
    async for chunk in stream:
        now = time.perf_counter()
        for event in chunk.events:
            number = msgspec.json.decode(event, type=_Stamped).data.number
            if number in sent:
                latencies.append(now - sent[number])
        if feeding.done() and not chunk.events:
            break
    await feeding
    await client.cancel_stream()
    return latencies


async def _feed(url: str, scope: str, count: int, sent: dict[int, float]) -> None:
    """Publish at the rate, ten events at a time, without waiting for the one before."""
    dice = random.Random(3)
    transport = connect(url)
    started = time.perf_counter()
    publishing = []
    for first in range(0, count, LIVE_BATCH):
        await asyncio.sleep(max(0.0, started + first / LIVE_HZ - time.perf_counter()))
        at_ns = timestamps.now()
        numbers = [10**9 + first + index for index in range(LIVE_BATCH)]
        records = [record(scope, number, "live", at_ns + number, dice) for number in numbers]
        sent |= dict.fromkeys(numbers, time.perf_counter())
        publishing.append(asyncio.create_task(transport.publish(records)))
    await asyncio.gather(*publishing)
    await transport.close()
