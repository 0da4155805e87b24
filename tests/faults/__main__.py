"""Runs schedules of faults by their seeds: `python -m tests.faults kills --seed 7 --print`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from pathlib import Path
from typing import get_args

from nova.sdk import private
from tests.faults.forked_writers import WriterFork, writer_fork
from tests.faults.schedule_run import Figures, ScheduleRun
from tests.faults.schedules import LIVES, Kind, schedule

MEMORY = Path("/dev/shm")


def run_schedules(
    kind: Kind, seeds: range, lives: int, fork: WriterFork
) -> tuple[Figures, list[str]]:
    """Run schedules one after the other; returns figures, and what was wrong."""
    figures, faults = Figures(), []
    for seed in seeds:
        folder = MEMORY if MEMORY.is_dir() else None
        with tempfile.TemporaryDirectory(prefix="nova-", dir=folder) as place:
            run = ScheduleRun(schedule(kind, seed, lives), Path(place), fork)
            asyncio.run(run.run())
        figures += run.figures
        if run.faults:
            faults += [f"{run.schedule}", *run.faults]
    return figures, faults


def main() -> int:
    """Print a table; the exit status says whether anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("kind", choices=get_args(Kind))
    parser.add_argument("--seed", type=int, default=0, help="of the first schedule")
    parser.add_argument("--schedules", type=int, default=1, help="how many, of successive seeds")
    parser.add_argument("--lives", type=int, default=LIVES, help="of writers in a schedule")
    parser.add_argument("--print", action="store_true", help="print the schedules, run none")
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    private.restrict_umask()
    seeds = range(asked.seed, asked.seed + asked.schedules)
    if asked.print:
        print(*(schedule(asked.kind, seed, asked.lives) for seed in seeds), sep="\n")
        return 0
    began = time.monotonic()
    with writer_fork() as fork:
        figures, faults = run_schedules(asked.kind, seeds, asked.lives, fork)
    print(
        f"{asked.kind} of seeds {seeds.start} to {seeds.stop - 1}, {time.monotonic() - began:.0f} s"
    )
    print(*(f"{count:>12,} {name}" for name, count in sorted(figures.items())), sep="\n")
    print(*faults or ["nothing lost, doubled, made up, out of order or short"], sep="\n")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
