"""`python -m bench.writer_cost COMMIT`: the writer's own path, with the native part and without it,
in turns with another commit.

Prepared batches go through intake, check, commit and sync. The CPU time is that of the writer with
RocksDB's threads, and of its worker process if it has one.
"""

from __future__ import annotations

import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from bench.own import BATCH_EVENTS, WriterSide
from bench.side_by_side import ROOT, probed, work_tree
from bench.work import Work
from nova.sdk import lifecycle

VARIABLE = "NOVA_NATIVE"
WARM_UP_BATCHES = 5


class WriterCost(msgspec.Struct):
    """Records per second, and microseconds of the CPU for a record: of the writer, and of its
    worker.
    """

    rate_hz: float
    writer_us: float
    worker_us: float

    @property
    def cpu_us(self) -> float:
        return self.writer_us + self.worker_us


def probe(events: int) -> WriterCost:
    """The cost of a new archive with the packages that Python finds."""
    records = list(Work(events).arrivals())
    starts = range(0, len(records), BATCH_EVENTS)
    batches = [records[start : start + BATCH_EVENTS] for start in starts]
    lifecycle.collect_garbage_rarely()
    with (
        tempfile.TemporaryDirectory(prefix="nova-bench-writer-") as name,
        WriterSide(Path(name)) as writer,
    ):
        before = time.process_time()
        rate_hz = writer.ingest(batches, lambda: WARM_UP_BATCHES)
        writer_us = (time.process_time() - before) / len(records) * 1e6
    worker = resource.getrusage(resource.RUSAGE_CHILDREN)
    worker_us = (worker.ru_utime + worker.ru_stime) / len(records) * 1e6
    return WriterCost(rate_hz, writer_us, worker_us)


def line(name: str, found: Sequence[WriterCost], there: Sequence[WriterCost]) -> str:
    """Medians, and the ratios to the other commit; above 1 is better here."""
    costs = [getattr(one, unit) for unit in ("rate_hz", "writer_us", "worker_us") for one in found]
    rate, writer, worker = (
        statistics.median(costs[start : start + len(found)])
        for start in range(0, len(costs), len(found))
    )
    pairs = list(zip(found, there, strict=True))
    faster = statistics.median(one.rate_hz / other.rate_hz for one, other in pairs)
    cheaper = statistics.median(other.cpu_us / one.cpu_us for one, other in pairs)
    figures = f"{rate:10,.0f} {writer:8.1f} {worker:8.1f}"
    return f"{name:16} {figures} {faster:8.2f} × {cheaper:8.2f} ×"


@click.command()
@click.argument("commit")
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--events", type=click.IntRange(min=20_000), default=200_000, show_default=True)
def compare(commit: str, rounds: int, events: int) -> None:
    """Print rate and CPU time of this tree, with and without the native part, and of COMMIT."""
    arguments = [__file__, "--probe", str(events)]
    with work_tree(commit) as there:
        runs = {"there": (there, "0"), "here, Python": (ROOT, "0"), "here, native": (ROOT, "1")}
        found: dict[str, list[WriterCost]] = {name: [] for name in runs}
        for number in range(rounds):
            click.echo(f"round {number + 1} of {rounds}…", err=True)
            for name, (tree, native) in sorted(runs.items(), reverse=number % 2 == 1):
                found[name].append(
                    probed(tree, arguments, WriterCost, programs=tree, **{VARIABLE: native})
                )
    click.echo(f"{'':16} {'records/s':>10} {'writer':>8} {'worker':>8} {'rate':>10} {'CPU':>10}")
    for name, costs in found.items():
        click.echo(line(name, costs, found["there"]))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--probe"]:
        print(msgspec.json.encode(probe(int(sys.argv[2]))).decode())
    else:
        compare()
