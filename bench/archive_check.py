"""`nova verify`: CPU time per event, of all its processes.

`python -m bench.archive_check --events N` fills an archive and checks it. `--data DIR` takes an
archive that is there, so that two versions check the same one in turns.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench.figures import US
from bench.own import BATCH_EVENTS, WriterSide
from bench.work import Work

ROUNDS = 3


class _Checked(msgspec.Struct, rename="camel"):
    events: int
    is_whole: bool


def fill(data: Path, events: int) -> None:
    """Store events as the writer would."""
    with WriterSide(data) as store:
        store.ingest(Work(events).batches(BATCH_EVENTS, store.events), lambda: 0)
        store.flush()


def measure(data: Path, processes: int) -> str:
    """The line of the result: the best of the rounds, since other load adds to CPU time."""
    best, events = float("inf"), 0
    for _ in range(ROUNDS):
        before = _children_s()
        place = ("--data", str(data), "--processes", str(processes), "--json")
        command = [sys.executable, "-m", "nova.cli", "verify", *place]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        found = msgspec.json.decode(done.stdout, type=_Checked)
        if not found.is_whole:
            raise RuntimeError("the archive is not whole")
        events = found.events
        best = min(best, _children_s() - before)
    return (
        f"{processes} processes: {best / events * US:.2f} µs of CPU an event, "
        f"{events / best:,.0f} events/s for each core"
    )


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.archive_check")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--data", type=Path)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="nova-bench-") as folder:
        data = given.data or Path(folder) / "data"
        if given.data is None:
            fill(data, given.events)
        for processes in (1, 2):
            print(measure(data, processes))


if __name__ == "__main__":
    main()
