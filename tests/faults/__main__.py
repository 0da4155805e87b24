"""Runs schedules of faults by their seeds: `python -m tests.faults kills --seed 7 --print`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

from nova.sdk import private
from tests.core.damaging import Table, page
from tests.faults.byte_flips import ClosedArchive
from tests.faults.forked_writers import WriterFork, writer_fork
from tests.faults.instance_run import InstanceRun, troubles
from tests.faults.schedule_run import Figures, ScheduleRun
from tests.faults.schedules import LIVES, Kind, schedule

MEMORY = Path("/dev/shm")
OTHER_KINDS = ("flips", "instances")

Outcome = tuple[Figures, list[str]]
"""Figures, and what was wrong, with the schedules."""


@contextmanager
def memory_folder() -> Iterator[Path]:
    """A temporary folder, in memory where there is such a place."""
    with tempfile.TemporaryDirectory(
        prefix="nova-", dir=MEMORY if MEMORY.is_dir() else None
    ) as folder:
        yield Path(folder)


def say(seed: int, figures: Figures, faults: list[str]) -> None:
    """A line about a schedule that has ended."""
    counted = ", ".join(f"{count} {name}" for name, count in sorted(figures.items()) if count)
    print(f"seed {seed}: {'WRONG' if faults else 'right'}: {counted}", flush=True)


def run_schedules(kind: Kind, seeds: Iterable[int], lives: int, fork: WriterFork) -> Outcome:
    """Kills, failing calls or power cuts, one schedule after the other."""
    figures, faults = Figures(), []
    for seed in seeds:
        with memory_folder() as folder:
            run = ScheduleRun(schedule(kind, seed, lives), folder, fork)
            asyncio.run(run.run())
        figures += run.figures
        say(seed, run.figures, run.faults)
        if run.faults:
            faults += [f"{run.schedule}", *run.faults]
    return figures, faults


def run_flips(seeds: Iterable[int]) -> Outcome:
    """One flipped bit for each seed."""
    figures, table, faults = Figures(), Table(), []
    with memory_folder() as folder:
        archive = ClosedArchive(folder)
        for seed in seeds:
            own = folder / "flip"
            own.mkdir()
            faults += archive.flip(table, own, seed)
            shutil.rmtree(own)
            figures["flipped bits"] += 1
        figures["files with flipped bits"] = len(archive.flipped)
    for (_, outcome), count in table.items():
        figures[f"answers: {outcome}"] += count
    print(page(table))
    return figures, faults


def run_instances(seeds: Iterable[int], count: int) -> Outcome:
    """Whole instances, each with `count` troubles."""
    figures, faults = Figures(), []
    for seed in seeds:
        plan = troubles(seed, count)
        with memory_folder() as folder:
            run = InstanceRun(seed, folder)
            asyncio.run(run.run(plan))
        figures += run.figures
        say(seed, run.figures, run.faults)
        if run.faults:
            faults += [f"instance of seed {seed}:", *map(str, plan), *run.faults]
    return figures, faults


def run_kind(kind: str, seeds: range, lives: int) -> Outcome:
    if kind == "flips":
        return run_flips(seeds)
    if kind == "instances":
        return run_instances(seeds, lives)
    with writer_fork() as fork:
        return run_schedules(kind, seeds, lives, fork)  # type: ignore[arg-type]  # of its choices


def plan_of(kind: str, seed: int, lives: int) -> str:
    """The schedule of a seed, for people."""
    if kind == "instances":
        return "\n  ".join([f"instance of seed {seed}", *map(str, troubles(seed, lives))])
    return str(schedule(kind, seed, lives))  # type: ignore[arg-type]  # of its choices


def main() -> int:
    """Print a table; the exit status says whether anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("kind", choices=(*get_args(Kind), *OTHER_KINDS))
    parser.add_argument("--seed", type=int, default=0, help="of the first schedule")
    parser.add_argument("--schedules", type=int, default=1, help="how many, of successive seeds")
    parser.add_argument("--lives", type=int, default=LIVES, help="of writers in a schedule")
    parser.add_argument("--print", action="store_true", help="print the schedules, run none")
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    private.restrict_umask()
    seeds = range(asked.seed, asked.seed + asked.schedules)
    if asked.print:
        print(*(plan_of(asked.kind, seed, asked.lives) for seed in seeds), sep="\n")
        return 0
    began = time.monotonic()
    figures, faults = run_kind(asked.kind, seeds, asked.lives)
    took_s = time.monotonic() - began
    print(f"{asked.kind} of seeds {seeds.start} to {seeds.stop - 1}, {took_s:.0f} s")
    print(*(f"{count:>12,} {name}" for name, count in sorted(figures.items())), sep="\n")
    print(*faults or ["nothing lost, doubled, made up, out of order or short"], sep="\n")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
