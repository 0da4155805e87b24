"""`python -m bench.probe DATA`: a reader in a process of its own, measured; prints JSON.

Asked by the table and by the scale run, so that both mean the same by every figure.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from pathlib import Path

import click
import msgspec

from bench.figures import MS, quantile, rate, seconds_each
from bench.memory import peak_mib
from bench.own import ReaderSide
from bench.work import messages_of, unit
from nova.core.ordering import Timebase
from nova.sdk import lifecycle
from nova.sdk.protocol.messages import Filters

ENTITY_EVENTS = 1_000
ENTITY_READS = 20
NEWEST_EVENTS = 50
NEWEST_SHARE = 10
"""Of this many seeks one is a reading of the newest events."""

BUSY_ENTITIES = range(2, 40)
"""Of these one is drawn whose events are read: neither the busiest nor the rare ones."""

TIMEBASES: tuple[Timebase, Timebase] = ("canonical", "source")


class Probed(msgspec.Struct, kw_only=True):
    """What a reader measured; times in ms, rates in events per second, 0 where not asked for."""

    seek_p50_ms: dict[str, float]
    seek_p99_ms: dict[str, float]
    entity_p50_ms: float
    entity_events: int
    latest_p50_ms: float
    latest_p99_ms: float
    newest_p50_ms: float
    newest_p99_ms: float
    replay_hz: dict[str, float]
    bytes_per_family: dict[str, int]
    peak_mib: float


def probed(reader: ReaderSide, seeks: int, *, replay: bool) -> Probed:
    """Measure an open reader."""
    took = {base: _seek_seconds(reader, base, seeks) for base in TIMEBASES}
    entity_ms, entity_events = _entity(reader)
    latest = _latest_seconds(reader, seeks)
    newest = _newest_seconds(reader, seeks // NEWEST_SHARE)
    rates: dict[str, float] = {}
    if replay:
        rates |= {base: _replay_hz(reader, base) for base in TIMEBASES}
    return Probed(
        seek_p50_ms={base: quantile(took[base], 0.5) * MS for base in TIMEBASES},
        seek_p99_ms={base: quantile(took[base], 0.99) * MS for base in TIMEBASES},
        entity_p50_ms=entity_ms,
        entity_events=entity_events,
        latest_p50_ms=quantile(latest, 0.5) * MS,
        latest_p99_ms=quantile(latest, 0.99) * MS,
        newest_p50_ms=quantile(newest, 0.5) * MS,
        newest_p99_ms=quantile(newest, 0.99) * MS,
        replay_hz=rates,
        bytes_per_family=reader.bytes_per_family(),
        peak_mib=peak_mib(),
    )


def _replay_hz(reader: ReaderSide, timebase: Timebase) -> float:
    return rate(lambda: reader.replay(timebase))


def _times(reader: ReaderSide, timebase: Timebase, count: int) -> list[int]:
    dice = random.Random(2)
    low, high = reader.bounds(timebase)
    return [dice.randint(low, high) for _ in range(count)]


def _seek_seconds(reader: ReaderSide, timebase: Timebase, seeks: int) -> list[float]:
    return seconds_each(lambda at_ns: reader.seek(timebase, at_ns), _times(reader, timebase, seeks))


def _entity(reader: ReaderSide) -> tuple[float, int]:
    """Median milliseconds of reading one entity's 1,000 events, and how many came on average."""
    low, high = reader.bounds("source")
    dice = random.Random(3)
    found: list[int] = []

    def read(at_ns: int) -> None:
        filters = Filters(unique_id=unit(dice.choice(BUSY_ENTITIES))[2])
        found.append(reader.of_entity(filters, at_ns, ENTITY_EVENTS))

    times = [dice.randint(low, low + (high - low) // 2) for _ in range(ENTITY_READS)]
    seconds = seconds_each(read, times)
    return quantile(seconds, 0.5) * MS, sum(found) // len(found)


def _latest_seconds(reader: ReaderSide, count: int) -> list[float]:
    """Seconds from asking for the last event of one series before a random time."""
    dice = random.Random(4)

    def ask(at_ns: int) -> int:
        number = dice.choice(BUSY_ENTITIES)
        _, _, unique = unit(number)
        filters = Filters(lanes=["parsed"], unique_id=unique, message_types=messages_of(number)[:1])
        return reader.latest(filters, at_ns)

    return seconds_each(ask, _times(reader, "source", count))


def _newest_seconds(reader: ReaderSide, count: int) -> list[float]:
    """Seconds of reading the newest requests of commands to a quarter of all entities."""
    filters = Filters(lanes=["command"], system_id="sat-1", message_types=["CommandRequest"])

    def ask(turn: int) -> int:
        return reader.newest(filters, TIMEBASES[turn % len(TIMEBASES)], NEWEST_EVENTS)

    return seconds_each(ask, range(count))


def in_process_of_its_own(data: Path, seeks: int, *, replay: bool) -> Probed:
    """Let another process measure, as readers are other processes than the writer."""
    arguments = [str(data), "--seeks", str(seeks), *(["--replay"] if replay else [])]
    done = subprocess.run(
        [sys.executable, "-m", "bench.probe", *arguments], stdout=subprocess.PIPE, check=True
    )
    return msgspec.json.decode(done.stdout, type=Probed)


@click.command()
@click.argument("data", type=click.Path(exists=True, path_type=Path))
@click.option("--seeks", type=click.IntRange(min=1), default=1_000, show_default=True)
@click.option("--replay", is_flag=True, help="Read everything in both orders too.")
def probe(data: Path, seeks: int, replay: bool) -> None:
    """Measure a reader of the archive in DATA."""
    lifecycle.prepare_for_batches()
    with (
        tempfile.TemporaryDirectory(prefix="nova-probe-") as scratch,
        ReaderSide(data, Path(scratch)) as reader,
    ):
        found = probed(reader, seeks, replay=replay)
    click.echo(msgspec.json.encode(found).decode())


if __name__ == "__main__":
    probe()
