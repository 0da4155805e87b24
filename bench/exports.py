"""Exports: events per second by driver, memory, and what ingest keeps beside one.

`python -m bench.exports --data DIR --events N` grows an archive of the bench's work to N
events, exports it by each driver with the processes that a reader starts, and prints a table;
`--save NAME` keeps it in bench/results. Rates are of the events that a driver takes, from the
request to the finished zip, less the time of an empty export, which is the start of processes.
Exports run at a low priority, so on a busy machine the wall clock includes other work: the second
rate is by processor time, of the process that used most.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import re
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from bench.memory import KIB, MIB
from bench.own import BATCH_EVENTS, ReaderSide, WriterSide
from bench.work import Work
from nova.core.server.export_jobs import ExportJobs
from nova.sdk.batch.range_messages import RangeRequest
from nova.sdk.field_types import Lane
from nova.sdk.protocol.export import ExportComplete, ExportProgress
from nova.sdk.protocol.messages import Filters
from nova.sdk.settings import Settings
from nova.sdk.timestamps import NS_MAX, NS_MIN

WANTED = {"jsonl": 300_000, "rawBinary": 300_000, "csv": 100_000, "parquet": 80_000, "mcap": 80_000}
LANES: dict[str, list[Lane]] = {
    "rawBinary": ["raw"],
    "csv": ["metadata", "command", "ui", "parsed"],
    "parquet": ["metadata", "command", "ui", "parsed"],
}
LOOK_INTERVAL_S = 0.05
BESIDE_EVENTS = 300_000
ROUNDS_DEFAULT = 2
RESULTS = Path(__file__).parent / "results"


class Measured(NamedTuple):
    """One export."""

    events: int
    bytes: int
    seconds: float
    busy_s: float
    peak_mib: float


def export(data: Path, driver: str, *, nothing: bool = False) -> Measured:
    """Make one export, as a reader does."""
    with tempfile.TemporaryDirectory() as scratch, ReaderSide(data, Path(scratch)) as reader:
        watermark = reader.bounds("canonical")[1]
    request = RangeRequest(
        start_ns=NS_MAX - 1 if nothing else NS_MIN,
        stop_ns=NS_MAX,
        timebase="canonical",
        filters=Filters(lanes=LANES.get(driver)),
        watermark=watermark,
    )
    exports = ExportJobs(Settings(data=str(data), mode="ground"))

    async def ignore(_: ExportProgress) -> None:
        return

    with _watched() as seen:
        started = time.perf_counter()
        done = asyncio.run(exports.run(exports.reserve_slot(driver), request, driver, ignore))
        seconds = time.perf_counter() - started
    if not isinstance(done, ExportComplete):
        raise RuntimeError(f"the export failed: {done}")
    (data / "exports" / f"{done.export_id}.zip").unlink()
    (data / "exports" / f"{done.export_id}.json").unlink()
    busy_s, peak_mib = (max(column, default=0.0) for column in zip(*seen, strict=True))
    return Measured(done.events, done.bytes, seconds, busy_s, peak_mib)


@contextmanager
def _watched() -> Iterator[list[tuple[float, float]]]:
    """The processor time and the highest resident size of each process that this one starts
    meanwhile (Linux).
    """
    peaks: dict[int, tuple[float, float]] = {}
    stop = threading.Event()
    found: list[tuple[float, float]] = []

    def look() -> None:
        while not stop.wait(LOOK_INTERVAL_S):
            for task in Path("/proc/self/task").iterdir():
                with contextlib.suppress(OSError):
                    for child in (task / "children").read_text().split():
                        status = Path(f"/proc/{child}/status").read_text()
                        fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
                        busy_s = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
                        if peak := re.search(r"VmHWM:\s+(\d+) kB", status):
                            peaks[int(child)] = busy_s, int(peak[1]) * KIB / MIB

    watching = threading.Thread(target=look)
    watching.start()
    try:
        yield found
    finally:
        stop.set()
        watching.join()
        found += peaks.values()


def ingest_hz(data: Path, events: int, seed: int) -> float:
    """Records a second into a new archive."""
    with WriterSide(data) as store:
        work = Work(events, seed=seed)
        batches = list(work.batches(BATCH_EVENTS))
        return store.ingest(batches, lambda: len(batches) // 10)


def beside(data: Path, driver: str, events: int) -> tuple[float, float]:
    """Ingest alone, and beside exports of another archive on the same disk that never end."""
    rates: dict[bool, list[float]] = {False: [], True: []}
    for number in range(ROUNDS_DEFAULT):
        for is_beside in (False, True):
            with (
                tempfile.TemporaryDirectory(dir=data.parent) as folder,
                _exporting(data, driver if is_beside else None),
            ):
                rates[is_beside].append(ingest_hz(Path(folder), events, seed=number + 2))
    return max(rates[False]), max(rates[True])


@contextmanager
def _exporting(data: Path, driver: str | None) -> Iterator[None]:
    """Run exports one after the other while the block runs."""
    if driver is None:
        yield
        return
    process = os.fork()
    if process == 0:
        os.setsid()
        while True:
            export(data, driver)
    try:
        time.sleep(1)
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, 9)
        os.waitpid(process, 0)


def table(mixed: Path, raw: Path, small: Path, drivers: list[str], rounds: int) -> list[str]:
    """The lines of the result."""
    lines = [
        "| driver | events/s | events/s of processor time | wanted | MB | MiB | growth MiB |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for driver in drivers:
        wanted = WANTED[driver]
        data = raw if driver == "rawBinary" else mixed
        nothing = export(data, driver, nothing=True)
        base = export(small, driver)
        best = max((export(data, driver) for _ in range(rounds)), key=_rate)
        rate = best.events / max(best.seconds - nothing.seconds, 0.001)
        busy = best.events / max(best.busy_s - nothing.busy_s, 0.001)
        growth = best.peak_mib - base.peak_mib
        lines.append(
            f"| {driver} | {rate:,.0f} | {busy:,.0f} | {wanted:,} | {best.bytes / 1e6:,.0f} "
            f"| {best.peak_mib:,.0f} | {growth:,.0f} |"
        )
        print(lines[-1], flush=True)
    return lines


def _rate(one: Measured) -> float:
    return one.events / one.seconds


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and keep."""
    parser = argparse.ArgumentParser(prog="python -m bench.exports")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--beside-events", type=int, default=BESIDE_EVENTS)
    parser.add_argument("--drivers", default=",".join(WANTED))
    parser.add_argument("--rounds", type=int, default=ROUNDS_DEFAULT)
    parser.add_argument("--save")
    parser.add_argument("--note", default="")
    given = parser.parse_args(arguments)
    work = Work(given.events)
    raw = given.data.parent / f"{given.data.name}-raw"
    with WriterSide(raw) as store:
        if store.events < given.events // 5:
            batches = work.batches(BATCH_EVENTS)
            store.ingest([one for one in batch if b'"bytes":' in one.value] for batch in batches)
    with WriterSide(given.data) as store:
        if store.events < given.events:
            store.ingest(work.batches(BATCH_EVENTS, store.events))
    with tempfile.TemporaryDirectory(dir=given.data.parent) as small:
        with WriterSide(Path(small)) as store:
            store.ingest(Work(10_000).batches(BATCH_EVENTS))
        drivers = given.drivers.split(",")
        lines = table(given.data, raw, Path(small), drivers, given.rounds)
    if given.beside_events:
        alone, with_export = beside(given.data, "jsonl", given.beside_events)
        share = f"{with_export / alone:.0%}"
        lines += ["", f"Ingest alone {alone:,.0f} records/s, beside a running export (jsonl) "]
        lines[-1] += f"{with_export:,.0f}: {share}, wanted ≥ 80 %."
    heading = f"# Exports, {given.events:,} events\n\n{given.note}\n\n"
    text = heading + "\n".join(lines) + "\n"
    print(text)
    if given.save:
        day = datetime.now(UTC).date().isoformat()
        (RESULTS / f"{day}-{given.save}.md").write_text(text)


if __name__ == "__main__":
    main()
