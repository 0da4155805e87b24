"""`python -m bench.counting`: the cost of rollups at ingest: the same batches with and
without them, alternating, into two archives that grow alike.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from statistics import median

import click

from bench.own import BATCH_EVENTS, WriterSide, uncounted
from bench.work import Work
from nova.sdk import lifecycle

WARM_UP_SHARE = 10


def rounds_of(data: Path, events: int, rounds: int) -> Iterator[tuple[float, float]]:
    """The rates of each round with and without counting; the order alternates."""
    for number in range(rounds):
        last = (number + 1) * events
        batches = list(Work(last).batches(BATCH_EVENTS, number * events))
        warm_up = len(batches) // WARM_UP_SHARE
        rates: dict[bool, float] = {}
        for counting in (True, False) if number % 2 else (False, True):
            with (
                nullcontext() if counting else uncounted(),
                WriterSide(data / ("with" if counting else "without")) as store,
            ):
                rates[counting] = store.ingest(batches, partial(int, warm_up))
        yield rates[True], rates[False]


@click.command()
@click.option("--events", type=click.IntRange(min=1_000), default=200_000, show_default=True)
@click.option("--rounds", type=click.IntRange(min=1), default=7, show_default=True)
def counting(events: int, rounds: int) -> None:
    """Ingest rounds of a number of events with and without rollups."""
    lifecycle.collect_garbage_rarely()
    shares: list[float] = []
    with tempfile.TemporaryDirectory(prefix="nova-counting-") as data:
        for number, (counted, plain) in enumerate(rounds_of(Path(data), events, rounds), 1):
            shares.append(counted / plain)
            click.echo(
                f"round {number}: {counted:,.0f} events/s with rollups, {plain:,.0f} without, "
                f"{shares[-1]:.3f} of it"
            )
    click.echo(f"median {median(shares):.3f}")


if __name__ == "__main__":
    counting()
