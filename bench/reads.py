"""Reading through real processes: replays, pages and seeks, to one client.

`python -m bench.reads DATA` replays all of an archive over and over from the reader's own socket,
until it is stopped: the load beside the measurement of the live tail.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from contextlib import aclosing
from pathlib import Path

from bench.work import START_NS
from nova.core.ordering import Timebase
from nova.sdk import timestamps
from nova.sdk.client.client import Client
from nova.sdk.protocol.messages import QUERY_LIMIT_MAX, Query
from nova.sdk.timestamps import NS_PER_SECOND

WINDOW_NS = 2 * NS_PER_SECOND
"""Events requested by a seek: enough that a stream of few lanes contains some."""


async def replay(client: Client, timebase: Timebase | None = None) -> tuple[int, float]:
    """Events, and events per second, of one stream of all that may be streamed, at rate `max`."""
    started = time.perf_counter()
    events = 0
    async for chunk in client.stream("REPLAY", rate="max", timebase=timebase):
        events += len(chunk.events)
    return events, events / (time.perf_counter() - started)


async def pages(client: Client) -> float:
    """Events per second of everything by bounded queries, which may carry any lane."""
    started = time.perf_counter()
    events = 0
    async for _ in client.query(Query(limit=QUERY_LIMIT_MAX, timebase="canonical")):
        events += 1
    return events / (time.perf_counter() - started)


async def seeks(client: Client, last_ns: int, count: int) -> list[float]:
    """Seconds from a seek to the first chunk with events, at random source times."""
    dice = random.Random(2)
    found: list[float] = []
    for _ in range(count):
        at_ns = dice.randrange(START_NS, last_ns)
        window = client.stream(
            "REPLAY",
            start_time=timestamps.text(at_ns),
            stop_time=timestamps.text(at_ns + WINDOW_NS),
            rate="max",
            timebase="source",
        )
        started = time.perf_counter()
        async with aclosing(window):
            async for chunk in window:
                if chunk.events:
                    found.append(time.perf_counter() - started)
                    break
    return found


async def replay_for_ever(data: Path) -> None:
    """Replay all of an archive repeatedly."""
    async with await Client.to_core(data) as client:
        while True:
            await replay(client, "canonical")


if __name__ == "__main__":
    asyncio.run(replay_for_ever(Path(sys.argv[1])))
