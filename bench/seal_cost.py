"""The cost of sealing: CPU time per event of a day's seal, and what ingest keeps beside it.

`python -m bench.seal_cost --events N` stores N events in process, in turns alone and beside a
process of the lowest priority that computes the seal of an archive of as many events again and
again.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from bench.bulk_archive import fill
from bench.figures import US
from bench.own import BATCH_EVENTS, WriterSide
from bench.work import Work
from nova.core.derived.day_sealer import DaySealer
from nova.core.ordering import time_of
from nova.core.store.archive import Archive
from nova.core.utc_day import day_of
from nova.sdk import lifecycle

ROUNDS = 4
SEALED_EVENTS = 100_000


def seal_once(data: Path) -> float:
    """CPU seconds per event of the seal of an archive's first day."""
    with tempfile.TemporaryDirectory() as scratch:
        archive = Archive.open_secondary(data, Path(scratch))
        day = day_of(time_of(archive.events.first_key()))
        started = time.process_time()
        seal = [one for one in DaySealer(archive).seal(day) if one is not None][-1]
        took = time.process_time() - started
        archive.close()
    return took / seal.events


@contextmanager
def _sealing(data: Path) -> Iterator[None]:
    """Seal again and again in a process of the lowest priority while the block runs."""
    command = [sys.executable, "-m", "bench.seal_cost", "--again", str(data)]
    with subprocess.Popen(command, start_new_session=True) as process:
        try:
            yield
        finally:
            process.terminate()


def _ingest_hz(data: Path, events: int) -> float:
    with WriterSide(data) as store:
        return store.ingest(Work(events).batches(BATCH_EVENTS), lambda: 1)


def measure(folder: Path, events: int, rounds: int) -> str:
    """The line of the result."""
    sealed = folder / "sealed"
    fill(sealed, SEALED_EVENTS)
    cost_s = min(seal_once(sealed) for _ in range(rounds))
    alone: list[float] = []
    beside: list[float] = []
    for number in range(rounds):
        alone.append(_ingest_hz(folder / f"alone-{number}", events))
        with _sealing(sealed):
            beside.append(_ingest_hz(folder / f"beside-{number}", events))
    share = median(with_it / without for with_it, without in zip(beside, alone, strict=True))
    return (
        f"sealing: {cost_s * US:.2f} µs of CPU an event; ingest beside it keeps {share:.0%} "
        f"(median of {rounds} rounds in turns; {median(alone):,.0f} events/s alone)"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print, or seal again and again."""
    parser = argparse.ArgumentParser(prog="python -m bench.seal_cost")
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--again", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.again is not None:
        lifecycle.take_lowest_priority()
        while True:
            seal_once(given.again)
    with tempfile.TemporaryDirectory(prefix="nova-bench-") as folder:
        print(measure(Path(folder), given.events, given.rounds))


if __name__ == "__main__":
    main()
