"""`python -m bench.timeline --data DIR`: latency of the requests of timelines and plots, over
random spans of an archive that is first grown to N events.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from bench import own
from bench.figures import MS, quantile, seconds_each
from bench.own import BATCH_EVENTS, ReaderSide, WriterSide
from bench.payloads import MESSAGES
from bench.table import machine, number
from bench.work import Work, messages_of, unit
from nova.core.ordering import Timebase
from nova.sdk import lifecycle, timestamps
from nova.sdk.protocol.timeline import Sample, Summary

TIMEBASES: tuple[Timebase, Timebase] = ("source", "canonical")
BUCKETS = (200, 1_000, 1_920, 4_096)
FIELDS_TRIED = 4
BUSY_ENTITIES = 20
LOOPS, LOOP_STEPS = 200, 100_000
WANTED = "≤ 100"
RESULTS = Path(__file__).parent / "results"


class Waited(msgspec.Struct, kw_only=True):
    """Latency of one kind of request in ms, and the number of requests."""

    asked: int
    p50_ms: float
    p99_ms: float
    worst_ms: float


class TimelineRun(msgspec.Struct, kw_only=True):
    """One run: figures by kind of request and timebase, and what sampling took."""

    machine: str
    events: int
    sampled_hz: float
    loop_p50_ms: float
    loop_p99_ms: float
    waited: dict[str, Waited]


def loops() -> list[float]:
    """Seconds that the same small piece of work takes each time: what differs is the machine."""
    return seconds_each(lambda count: sum(range(count)), [LOOP_STEPS] * LOOPS)


def span(dice: random.Random, first_ns: int, last_ns: int) -> tuple[str, str]:
    """A random part of a time, of any order of magnitude."""
    whole = last_ns - first_ns
    width = int(whole * 10 ** dice.uniform(-5, 0))
    start = first_ns + dice.randrange(whole - width + 1)
    return timestamps.text(start), timestamps.text(start + width)


async def waited(asks: int, ask: Callable[[], Awaitable[object]]) -> Waited:
    """Send the requests, one after the other."""
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


async def measured(reader: ReaderSide, asks: int) -> dict[str, Waited]:
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
    entity = dice.randrange(BUSY_ENTITIES)
    name = dice.choice(messages_of(entity))
    system, container, unique = unit(entity)
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


def ask_all(data: Path, asks: int, when: str) -> dict[str, Waited]:
    """Both kinds of requests of a reader; `when` is added to their names."""
    with tempfile.TemporaryDirectory() as scratch, ReaderSide(data, Path(scratch)) as reader:
        found = asyncio.run(measured(reader, asks))
    return {name + when: waited for name, waited in found.items()}


@contextmanager
def sampler_at_work(data: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The sampler's process, with a new database."""
    own.forget_samples(data)
    arguments = ("-m", "nova.cli", "core", "sampler", "--data", str(data), "--exit-with-stdin")
    with subprocess.Popen(
        [sys.executable, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "NOVA_SCOPE": Work(0).scope},
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline(), "the sampler did not start"
            yield process
        finally:
            process.terminate()


def run(data: Path, events: int, asks: int) -> TimelineRun:
    """Grow an archive, and measure while its sampler is behind and after it has caught up."""
    with WriterSide(data) as store:
        if store.events < events:
            store.ingest(Work(events).batches(BATCH_EVENTS, store.events))
        held = store.events
    before = loops()
    with sampler_at_work(data):
        found = ask_all(data, asks, " beside a sampler that is behind")
    sampled, seconds = own.sample(data)
    found |= ask_all(data, asks, "")
    noise = before + loops()
    return TimelineRun(
        machine=machine(None).replace("; PostgreSQL not installed", ""),
        events=held,
        sampled_hz=sampled / seconds if sampled else 0.0,
        loop_p50_ms=quantile(noise, 0.5) * MS,
        loop_p99_ms=quantile(noise, 0.99) * MS,
        waited=found,
    )


def markdown(done: TimelineRun) -> str:
    """A run as a Markdown table under a line of versions and one on the machine's noise."""
    lines = [
        f"{done.events:,} events; {done.machine}",
        "",
        f"Of the machine's noise: the same loop took {done.loop_p50_ms:.2f} ms in the median and "
        f"{done.loop_p99_ms:.2f} ms at p99. The sampler took in {done.sampled_hz:,.0f} events/s of "
        "what it still lacked.",
        "",
        "| request, over random spans | asked | p50, ms | p99, ms | worst, ms | wanted, p99 |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, one in done.waited.items():
        times = " | ".join(map(number, (one.p50_ms, one.p99_ms, one.worst_ms)))
        lines.append(f"| {name} | {one.asked:,} | {times} | {WANTED} |")
    return "\n".join(lines) + "\n"


@click.command()
@click.option("--events", type=click.IntRange(min=1_000), default=1_000_000, show_default=True)
@click.option("--asks", type=click.IntRange(min=1), default=500, show_default=True)
@click.option("--data", type=click.Path(path_type=Path), required=True, help="The archive.")
@click.option("--save", is_flag=True, help="Keep the table as bench/results/<date>-timeline.md.")
def timeline(events: int, asks: int, data: Path, save: bool) -> None:
    """Grow an archive, sample it, and measure requests over random spans; prints JSON."""
    lifecycle.prepare_for_batches()
    data.mkdir(parents=True, exist_ok=True)
    done = run(data, events, asks)
    click.echo(msgspec.json.format(msgspec.json.encode(done)).decode())
    if save:
        name = f"{datetime.now(tz=UTC):%Y-%m-%d}-timeline.md"
        (RESULTS / name).write_text(markdown(done))


if __name__ == "__main__":
    timeline()
