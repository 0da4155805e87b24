"""Replay gives the same bytes at any speed, in any direction, in any pieces, before and after a
restart.
"""

from __future__ import annotations

import asyncio
import random
from hashlib import sha256
from pathlib import Path

from nova.sdk import timestamps
from nova.sdk.client.client import Client
from nova.sdk.events.observation import Entity
from nova.sdk.producer.producer import Producer
from nova.sdk.protocol.messages import Rate, Timebase
from nova.sdk.transport.base import connect
from nova.testkit.running_nova import running_nova

EVENTS = 4_000
SPAN_S = 1_000
SEEKS = 50
START_NS = timestamps.parse("2026-01-01T00:00:00Z")
START, STOP = timestamps.text(START_NS), timestamps.text(START_NS + SPAN_S * 10**9)


async def publish_history(url: str) -> None:
    """Events of three entities over the span, out of order, with ties in time between entities."""
    dice = random.Random(7)
    transport = connect(url)
    producer = Producer(transport, "sat")
    observed = []
    for number in range(EVENTS):
        at_ns = START_NS + number * SPAN_S * 10**9 // EVENTS
        for unit in ("a", "b", "c"):
            if dice.random() < 0.4:
                observation = producer.observe(Entity("bus", "eps", unit), at_ns)
                observed += [observation.raw(number.to_bytes(4, "big"))]
                observed += [observation.parsed("Battery", {"volts": dice.random() * 30})]
    dice.shuffle(observed)
    await producer.send(observed)
    await transport.close()


async def played(
    data: Path, rate: Rate, timebase: Timebase, start: str = START, stop: str = STOP
) -> list[bytes]:
    """The events of one stream."""
    async with await Client.to_core(data) as client:
        stream = client.stream(
            "REPLAY", start_time=start, stop_time=stop, rate=rate, timebase=timebase
        )
        return [bytes(event) async for chunk in stream for event in chunk.events]


async def played_in_pieces(data: Path, timebase: Timebase, first: int, last: int) -> list[bytes]:
    """The same range by fifty seeks at random times, every piece a new stream of one connection."""
    dice = random.Random(11)
    cuts = sorted(dice.randrange(first, last) for _ in range(SEEKS))
    edges = [first, *(cut + 1 for cut in cuts)]
    found: list[bytes] = []
    async with await Client.to_core(data) as client:
        for begin, end in zip(edges, [*cuts, last], strict=True):
            stream = client.stream(
                "REPLAY",
                start_time=timestamps.text(begin),
                stop_time=timestamps.text(max(begin, end)),
                rate="max" if dice.random() < 0.5 else 1e6,
                timebase=timebase,
            )
            found += [bytes(event) async for chunk in stream for event in chunk.events]
    return found


def digest(events: list[bytes]) -> str:
    """SHA-256 over the events, a line each."""
    return sha256(b"\n".join(events)).hexdigest()


async def all_ways(data: Path, timebase: Timebase) -> set[str]:
    """The digests of one range played in every way."""
    whole = await played(data, "max", timebase, "2000-01-01T00:00:00Z", "2200-01-01T00:00:00Z")
    assert len(whole) > EVENTS
    member = "sourceTruthTime" if timebase == "source" else "canonicalTruthTime"
    first, last = time_of(whole[0], member), time_of(whole[-1], member)
    range_ = (timestamps.text(first), timestamps.text(last))
    backwards = await played(data, -1000.0, timebase, range_[1], range_[0])
    ways = [
        whole,
        await played(data, "max", timebase, *range_),
        await played(data, 1000.0, timebase, *range_),
        backwards[::-1],
        await played_in_pieces(data, timebase, first, last),
    ]
    return {digest(way) for way in ways}


def time_of(event: bytes, member: str) -> int:
    """A time of a stored envelope, in ns."""
    _, _, rest = event.partition(f'"{member}":"'.encode())
    return timestamps.parse(rest.split(b'"', 1)[0].decode())


def test_one_range_is_the_same_bytes_however_it_is_played(tmp_path: Path) -> None:
    """A-005, A-139, A-313: speed, direction, seeks and a restart change when, never what."""
    data = tmp_path / "data"
    found: dict[Timebase, set[str]] = {"source": set(), "canonical": set()}
    for run in range(2):
        with running_nova(data, "--scope", "sat") as nova:
            if run == 0:
                asyncio.run(publish_history(nova.publish))
            for timebase, digests in found.items():
                digests |= asyncio.run(all_ways(data, timebase))
    assert {timebase: len(digests) for timebase, digests in found.items()} == {
        "source": 1,
        "canonical": 1,
    }
