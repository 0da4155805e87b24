"""Derived telemetry over history: how many input events a second a vectorised function, and an
expression, get through, from columns and from events, and with what CPU time of all processes.

`python -m bench.derive_history --events N`: an archive of one series with two numbers, filled in
the bulk way, and its samples. A window has an output for each event too.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import msgspec

from bench import bulk_archive
from bench.work import START_NS
from nova.core.definitions.definition import Definition
from nova.core.derivation.formula_process import FormulaProcesses
from nova.core.derivation.history_run import HistoryRun, HistorySpan
from nova.core.derived.sampler import Sampler
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.store.archive import Archive
from nova.core.store.sample_store import SampleStore
from nova.sdk import lifecycle
from nova.sdk.events.observation import Entity, Observer, record_of
from nova.sdk.timestamps import NS_MAX, NS_MIN
from nova.sdk.transport.base import Record

SCOPE, ENTITY = "bench", Entity("bus", "eps", "battery")
ADDRESS = "nova.bench.parsed.bus.eps.battery.v1"
FUNCTIONS = """
def power(volts, amps):
    return volts * amps


def above(volts, amps):
    import numpy as np

    return np.where(volts > 28.485, volts * amps, np.nan)
"""
MODULE = "bench_derived_functions"
US = 1e6


class DeriveCost(NamedTuple):
    """A run: input events, records, seconds, and seconds of CPU of all its processes."""

    inputs: int
    records: int
    seconds: float
    cpu_s: float


def definitions() -> Iterator[tuple[str, Definition]]:
    """What is measured, by name."""
    field = {"address": ADDRESS, "type": "Battery"}
    volts, amps = {**field, "field": "volts"}, {**field, "field": "amps"}
    means = {**volts, "samples": 10, "aggregate": "mean"}
    for name, members, first in (
        ("vectorised, an output for each", {"function": "power"}, volts),
        ("vectorised, an output for one in fifty", {"function": "above"}, volts),
        ("vectorised, mean of 10 samples", {"function": "above"}, means),
        ("expression, an output for each", {"expression": "volts * amps"}, volts),
    ):
        whole = {
            "id": "power",
            "version": "1.0.0",
            "vectorised": "function" in members,
            **members,
            "inputs": {"volts": first, "amps": amps},
            "output": {
                "address": "nova.bench.parsed.derived.eps.battery.v1",
                "type": "Power",
                "field": "watts",
                "card": False,
            },
        }
        yield name, msgspec.convert(whole, Definition)


def install(folder: Path) -> None:
    """Register the functions for the processes that start from now on."""
    info = folder / f"{MODULE}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {MODULE}\nVersion: 1.0\n")
    points = "\n".join(f"{name} = {MODULE}:{name}" for name in ("power", "above"))
    (info / "entry_points.txt").write_text(f"[nova.derived]\n{points}\n")
    (folder / f"{MODULE}.py").write_text(FUNCTIONS)
    os.environ["PYTHONPATH"] = str(folder)


def payload(number: int) -> bytes:
    return b'{"volts":%d.%02d,"amps":%d.5}' % (28, number % 50, number % 7)


def fill(data: Path, events: int) -> None:
    at = Observer(SCOPE).observe(ENTITY, START_NS - 1)
    first = record_of(at.parsed("Battery", {"volts": 28.0, "amps": 1.5}))
    bulk_archive.fill(data, events, [[first]], payload)


def cpu_s() -> float:
    """CPU time of this process and of those that it has ended."""
    own, children = (resource.getrusage(of) for of in (0, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


async def measure(
    definition: Definition, snapshot: ArchiveSnapshot, samples: SampleStore | None
) -> DeriveCost:
    """Derive all of the archive, and drop the records once they are built."""
    records = inputs = 0

    async def drop(made: Sequence[Record]) -> None:
        nonlocal records
        records += len(made)

    started, cpu = time.monotonic(), cpu_s()
    processes = FormulaProcesses()
    span = HistorySpan(NS_MIN, NS_MAX, snapshot.watermark)
    run = HistoryRun(definition, snapshot, samples, processes.process_of(definition), span)
    async for step in run.run(drop):
        inputs += step.derived.events
    await processes.close()
    return DeriveCost(inputs, records, time.monotonic() - started, cpu_s() - cpu)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--events", type=int, default=2_000_000)
    arguments.add_argument("--data", type=Path, help="An archive that an earlier run has made.")
    arguments.add_argument("--columns-only", action="store_true", help="Leave out the events.")
    chosen = arguments.parse_args()
    lifecycle.collect_garbage_rarely()  # As `nova derive` does.
    with tempfile.TemporaryDirectory(prefix="nova-bench-") as folder:
        install(Path(folder) / "site")
        data = chosen.data or Path(folder) / "data"
        if not data.exists():
            data.mkdir(parents=True)
            fill(data, chosen.events)
        with (
            closing(Archive.open_secondary(data, Path(folder) / "scratch")) as archive,
            closing(SampleStore.open_primary(data)) as samples,
        ):
            snapshot = ArchiveSnapshot(archive)
            snapshot.advance(archive.record.last_canonical_ns())
            snapshot.refresh()
            for _ in Sampler(snapshot, samples).sample(snapshot.watermark):
                pass
            sources = [("columns", samples), *([] if chosen.columns_only else [("events", None)])]
            for source, store in sources:
                for name, definition in definitions():
                    found = asyncio.run(measure(definition, snapshot, store))
                    rate = found.inputs / found.seconds
                    print(
                        f"{name}, from {source}: {found.inputs:,} inputs, {found.records:,} "
                        f"records, {rate:,.0f} inputs/s, "
                        f"{found.cpu_s / found.inputs * US:.2f} µs of CPU an input",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
