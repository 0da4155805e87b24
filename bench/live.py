"""The live tail: how long an event takes from a publish to a client behind the edge."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import aclosing

import msgspec

from bench.work import Work
from nova.sdk import timestamps
from nova.sdk.client.client import Client
from nova.sdk.transport.base import Record, connect

LIVE_HZ = 5_000
BATCH_RECORDS = 50
FIRST_NUMBER = 10**9
"""Numbers that no event of the work has."""

END_TIMEOUT_S = 30.0


class _Number(msgspec.Struct):
    count: int = -1


class _Update(msgspec.Struct):
    data: _Number = msgspec.field(default_factory=_Number)


class Tail:
    """One client's stream of ui events, and the delay of each published one."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.sent: dict[int, float] = {}
        self.latencies_s: list[float] = []

    async def follow(self, count: int, ready: asyncio.Event) -> None:
        """Read chunks until a number of the sent events has arrived."""
        async with aclosing(self._client.stream("LIVE")) as stream:
            async for chunk in stream:
                ready.set()
                now = time.perf_counter()
                for event in chunk.events:
                    number = msgspec.json.decode(event, type=_Update).data.count
                    if number in self.sent:
                        self.latencies_s.append(now - self.sent[number])
                if len(self.latencies_s) >= count:
                    return


async def latencies(
    client: Client, url: str, work: Work, seconds: float, rate_hz: int = LIVE_HZ
) -> list[float]:
    """Seconds from just before a publish until the event is here, at a steady rate of ui events,
    which any client may follow.
    """
    batches = _made(work, int(seconds * rate_hz))
    tail, ready = Tail(client), asyncio.Event()
    following = asyncio.create_task(tail.follow(len(batches) * BATCH_RECORDS, ready))
    await ready.wait()
    await _feed(url, batches, tail.sent, rate_hz)
    async with asyncio.timeout(END_TIMEOUT_S):
        await following
    return tail.latencies_s


def _made(work: Work, count: int) -> list[tuple[Sequence[int], list[Record]]]:
    """Numbers and records in batches, prepared; different in every run."""
    maker, now_ns = work.maker(), timestamps.now()
    starts = range(FIRST_NUMBER, FIRST_NUMBER + count, BATCH_RECORDS)
    groups = [range(start, start + BATCH_RECORDS) for start in starts]
    return [
        (numbers, [maker.ui_record(number, now_ns + number) for number in numbers])
        for numbers in groups
    ]


async def _feed(
    url: str,
    batches: list[tuple[Sequence[int], list[Record]]],
    sent: dict[int, float],
    rate_hz: int,
) -> None:
    """Publish at the rate, without waiting for the previous one."""
    transport = connect(url)
    publishing = []
    started = time.perf_counter()
    for place, (numbers, records) in enumerate(batches):
        at = started + place * BATCH_RECORDS / rate_hz
        await asyncio.sleep(max(0.0, at - time.perf_counter()))
        sent |= dict.fromkeys(numbers, time.perf_counter())
        publishing.append(asyncio.create_task(transport.publish(records)))
    await asyncio.gather(*publishing)
    await transport.close()
