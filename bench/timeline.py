"""`python -m bench.timeline --data DIR`: how long timelines and plots wait for their numbers, over
random spans of an archive that is grown to so many events first.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import click
import msgspec

from bench import own
from bench.figures import MS, quantile
from bench.own import BATCH_EVENTS, Reader, Store
from bench.payloads import MESSAGES
from bench.work import Work, messages_of, unit
from core.ordering import Timebase
from sdk import lifecycle, timestamps
from sdk.timeline import Sample, Summary

TIMEBASES: tuple[Timebase, Timebase] = ("source", "canonical")
BUCKETS = (200, 1_000, 1_920, 4_096)
FIELDS_TRIED = 4
BUSY_ENTITIES = 20


class Waited(msgspec.Struct, kw_only=True):
    """What one kind of request took in ms, and how many were asked."""

    asked: int
    p50_ms: float
    p99_ms: float
    worst_ms: float


class Run(msgspec.Struct, kw_only=True):
    """One run: figures by kind of request and timebase, and what sampling took."""

    events: int
    sampled_hz: float
    waited: dict[str, Waited]


def span(dice: random.Random, first_ns: int, last_ns: int) -> tuple[str, str]:
    """A random part of a time, of any order of magnitude."""
    whole = last_ns - first_ns
    width = int(whole * 10 ** dice.uniform(-5, 0))
    start = first_ns + dice.randrange(whole - width + 1)
    return timestamps.text(start), timestamps.text(start + width)


async def waited(asks: int, ask: Callable[[], Awaitable[object]]) -> Waited:
    """Ask so often, one after the other."""
    found: list[float] = []
    for _ in range(asks):
        started = time.perf_counter()
        await ask()
        found.append(time.perf_counter() - started)
    return Waited(
        asked=asks,
        p50_ms=quantile(found, 0.5) * MS,
        p99_ms=quantile(found, 0.99) * MS,
        worst_ms=max(found) * MS,
    )


async def measured(reader: Reader, asks: int) -> dict[str, Waited]:
    """Both kinds of requests in both timebases."""
    found: dict[str, Waited] = {}
    dice = random.Random(7)
    for timebase in TIMEBASES:
        bounds = reader.bounds(timebase)

        async def summarise(
            timebase: Timebase = timebase, bounds: tuple[int, int] = bounds
        ) -> object:
            start, stop = span(dice, *bounds)
            request = Summary(start_time=start, stop_time=stop, buckets=dice.choice(BUCKETS))
            return await reader.summary(request, timebase)

        async def plot(timebase: Timebase = timebase, bounds: tuple[int, int] = bounds) -> object:
            return await reader.sample(plotted(dice, *span(dice, *bounds)), timebase)

        found[f"summary, {timebase}"] = await waited(asks, summarise)
        found[f"sample, {timebase}"] = await waited(asks, plot)
    return found


def plotted(dice: random.Random, start: str, stop: str) -> Sample:
    """A plot of a message of one of the busier entities."""
    number = dice.randrange(BUSY_ENTITIES)
    name = dice.choice(messages_of(number))
    system, container, unique = unit(number)
    return Sample(
        start_time=start,
        stop_time=stop,
        buckets=dice.choice(BUCKETS),
        scope_id=Work(0).scope,
        system_id=system,
        container_id=container,
        unique_id=unique,
        lane="parsed",
        message_type=name,
        fields=list(MESSAGES[name])[:FIELDS_TRIED],
    )


@click.command()
@click.option("--events", type=click.IntRange(min=1_000), default=1_000_000, show_default=True)
@click.option("--asks", type=click.IntRange(min=1), default=500, show_default=True)
@click.option("--data", type=click.Path(path_type=Path), required=True, help="The archive.")
def timeline(events: int, asks: int, data: Path) -> None:
    """Grow an archive, sample it, and measure requests over random spans; prints JSON."""
    lifecycle.collect_seldom()
    data.mkdir(parents=True, exist_ok=True)
    with Store(data) as store:
        if store.events < events:
            store.ingest(Work(events).batches(BATCH_EVENTS, store.events))
        held = store.events
    with tempfile.TemporaryDirectory() as scratch:
        sampled, seconds = own.sample(data, Path(scratch))
    with tempfile.TemporaryDirectory() as scratch, Reader(data, Path(scratch)) as reader:
        found = asyncio.run(measured(reader, asks))
    run = Run(events=held, sampled_hz=sampled / seconds if sampled else 0.0, waited=found)
    click.echo(msgspec.json.format(msgspec.json.encode(run)).decode())


if __name__ == "__main__":
    timeline()
