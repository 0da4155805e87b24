"""`python -m bench.derived_cost COMMIT`: what each maker of derived data spends on an event, in
turns with another commit.

One process writes an archive, then samples it, makes its checkpoints and writes its daily files,
one after the other; each time is CPU time of that process with RocksDB's threads, to which other
load adds less than to the clock's.
"""

from __future__ import annotations

import cProfile
import pstats
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import msgspec

from bench.figures import US
from bench.own import BATCH_EVENTS, WriterSide, checkpoint, sample
from bench.side_by_side import ROOT, in_turns, probed, work_tree
from bench.work import Work
from nova.core.files.daily_files import DailyFiles
from nova.core.files.files_process import open_snapshot
from nova.sdk import lifecycle
from nova.sdk.drivers.registry import DriverRegistry
from nova.sdk.settings import Settings


def write_files(data: Path) -> None:
    """Write the daily files of an archive."""
    registry = DriverRegistry.load(Settings(data=str(data)).chosen_drivers())
    with open_snapshot(data) as view:
        files = DailyFiles(view, registry, data / "files")
        for _ in files.follow(view.archive.record.last_canonical_ns()):
            pass
        files.save()
        files.close()


MAKERS: dict[str, Callable[[Path], object]] = {
    "samples": sample,
    "checkpoints": checkpoint,
    "files": write_files,
}
PROFILED_LINES = 45


class DerivedCost(msgspec.Struct):
    """Microseconds of the CPU for an event, and bytes on disk, by what they are for."""

    cpu_us: dict[str, float]
    bytes_per_event: dict[str, float]


def archive(data: Path, events: int) -> None:
    """Write an archive of the work in a folder."""
    with WriterSide(data) as writer:
        writer.ingest(Work(events).batches(BATCH_EVENTS))


def probe(events: int, profiled: str = "") -> DerivedCost:
    """The cost with the packages that Python finds; `profiled`: a maker whose profile is printed
    to stderr.
    """
    lifecycle.collect_garbage_rarely()
    with tempfile.TemporaryDirectory(prefix="nova-bench-derived-") as name:
        data = Path(name)
        archive(data, events)
        cpu_us = {}
        for maker, make in MAKERS.items():
            if profiled in ("", maker):
                cpu_us[maker] = _spent_s(make, data, maker == profiled) / events * US
        sizes = {
            folder.name: sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())
            for folder in data.iterdir()
            if folder.is_dir()
        }
        return DerivedCost(cpu_us, {name: size / events for name, size in sizes.items()})


def _spent_s(make: Callable[[Path], object], data: Path, is_profiled: bool) -> float:
    before = time.process_time()
    if is_profiled:
        profile = cProfile.Profile(time.thread_time)
        profile.runcall(make, data)
        pstats.Stats(profile, stream=sys.stderr).sort_stats("tottime").print_stats(PROFILED_LINES)
    else:
        make(data)
    return time.process_time() - before


def lines(pairs: list[tuple[DerivedCost, DerivedCost]]) -> Iterator[str]:
    """Medians of both sides and the ratio of each pair; above 1 is better here."""
    yield f"{'':24} {'here':>8} {'there':>8}   there ÷ here of each pair"
    for unit, name in (("cpu_us", "µs"), ("bytes_per_event", "bytes")):
        for what in getattr(pairs[0][0], unit):
            found = [(getattr(one, unit)[what], getattr(two, unit)[what]) for one, two in pairs]
            here, there = (statistics.median(side) for side in zip(*found, strict=True))
            each = " ".join(f"{two / one:.2f}" for one, two in found)
            yield f"{what + ', ' + name:24} {here:8.1f} {there:8.1f}   {each}"


@click.command()
@click.argument("commit")
@click.option("--pairs", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--events", type=click.IntRange(min=1_000), default=100_000, show_default=True)
def compare(commit: str, pairs: int, events: int) -> None:
    """Print the cost of this tree and of COMMIT, which is a commit or a folder."""
    arguments = [__file__, "--probe", str(events)]
    with work_tree(commit) as there:
        found = in_turns(ROOT, there, pairs, lambda tree: probed(tree, arguments, DerivedCost))
    for line in lines(found):
        click.echo(line)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--probe"]:
        print(msgspec.json.encode(probe(int(sys.argv[2]), "".join(sys.argv[3:4]))).decode())
    else:
        compare()
