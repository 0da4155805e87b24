"""The columns of one series: how fast they are written, scanned, searched and plotted, beside
DuckDB on the same values in Parquet.

`python -m bench.column_blocks --values N`: a noisy curve and an enumeration, with one event in a
thousand late by up to an hour. Times are CPU time of this process, to which other load adds less
than to the clock's; DuckDB has one thread.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from pyarrow import parquet

from nova.core.derived.column_writer import ColumnWriter
from nova.core.ordering import TIMEBASES, Timebase, unsigned_time
from nova.core.query.field_scan import FieldScan, ScanBlock, ScanSpan
from nova.core.query.find_conditions import ChangeFinder, Finder, RunFinder
from nova.core.query.sample_blocks import SampleBlocks
from nova.core.query.sample_buckets import SampleBuckets
from nova.core.query.stored_field import NO_VALUES
from nova.core.store.column import Column, ColumnBlock
from nova.core.store.rollup import level_for
from nova.core.store.sample_store import FieldColumn, SampledSeries, SampleStore
from nova.sdk.timestamps import NS_MAX, NS_MIN

START_NS = 1_767_225_600_000_000_000
STEP_NS = 10_000_000
PART_EVENTS = 131_072
LATE_SHARE, LATE_NS = 0.001, 3_600 * 10**9
MODE_STEPS = 2_000_000
TEXTS = ["safe", "eclipse", "nominal"]
PIXELS, PLOTS = 1_000, 200
OFTEN, NEVER = 200.0, 10_000.0
"""Each block has values above the first, and no value is above the second."""

RUN_VALUES = 6
"""So long a run above OFTEN is rare."""

VALUE, MODE = 1, 2
MS = 1e3


def parts(events: int) -> Iterator[ColumnBlock]:
    """The events, the same for each run."""
    dice = np.random.default_rng(1)
    for first in range(0, events, PART_EVENTS):
        places = np.arange(first, min(first + PART_EVENTS, events))
        canonical = START_NS + places * STEP_NS
        is_late = dice.random(len(places)) < LATE_SHARE
        curve = np.round(np.sin(places / 1e6) * 50 + dice.normal(0, 70, len(places)), 3)
        modes = Column((places // MODE_STEPS % len(TEXTS)).astype(np.float64))
        source = canonical - is_late * dice.integers(0, LATE_NS, len(places))
        yield ColumnBlock(canonical, source, {VALUE: Column(curve), MODE: modes})


class ColumnBench:
    """One database with one series."""

    def __init__(self, store: SampleStore, events: int) -> None:
        self._store = store
        columns = [FieldColumn("n", is_text=False), FieldColumn("mode", is_text=True)]
        self._record = SampledSeries(columns=columns, texts={MODE: list(TEXTS)})
        self._events = events // self._record.sizes.unit_events * self._record.sizes.unit_events

    def lines(self) -> Iterator[str]:
        """Each measurement."""
        writer = ColumnWriter(self._store)
        seconds = 0.0
        for block in parts(self._events):
            seconds += _timed(partial(self._append, writer, block))
        yield f"written: {_rate(self._events, seconds)}"
        for timebase in TIMEBASES:
            for name, finder in self._finders():
                seconds = _timed(partial(self._find, finder, VALUE, timebase))
                yield f"{timebase}, {name}: {seconds * MS:,.0f} ms, {_rate(self._events, seconds)}"
            seconds = _timed(partial(self._find, None, MODE, timebase))
            yield f"{timebase}, changes of the enumeration: {seconds * MS:,.0f} ms"
            plots = sorted(self._plots(timebase))
            p50, p99 = plots[len(plots) // 2], plots[len(plots) * 99 // 100]
            yield f"{timebase}, plots of {PIXELS} px: p50 {p50 * MS:.1f}, p99 {p99 * MS:.1f} ms"

    def _append(self, writer: ColumnWriter, block: ColumnBlock) -> None:
        writer.append(0, self._record, block)
        self._store.change(writer.take_changes())

    def _finders(self) -> Iterator[tuple[str, Finder]]:
        yield (
            "all values read, rare runs",
            RunFinder(lambda values: values > OFTEN, lambda _: False, RUN_VALUES, 0),
        )
        yield (
            "ruled out by zones",
            RunFinder(lambda values: values > NEVER, lambda zone: zone.greatest <= NEVER, 1, 0),
        )

    def _find(self, finder: Finder | None, column: int, timebase: Timebase) -> None:
        span = ScanSpan(timebase, NS_MIN, NS_MAX)
        scan = FieldScan(self._store.columns, 0, self._record, column, span)
        chosen = finder or ChangeFinder(reverse=False)
        for part in scan.parts(chosen, NO_VALUES):
            for _ in chosen.end() if isinstance(part, ScanBlock) else chosen.feed(part):
                pass

    def _plots(self, timebase: Timebase) -> Iterator[float]:
        """Seconds of plots over random spans."""
        dice = random.Random(2)
        stop_ns = START_NS + self._events * STEP_NS
        for _ in range(PLOTS):
            low, high = sorted(dice.randint(START_NS, stop_ns) for _ in range(2))
            chosen = level_for(unsigned_time(low), unsigned_time(high), PIXELS, 0)
            buckets = SampleBuckets(["n"], chosen)
            blocks = SampleBlocks(self._store.columns, 0, self._record, buckets, timebase)
            yield _timed(partial(_plot, blocks, buckets, timebase))


def _plot(blocks: SampleBlocks, buckets: SampleBuckets, timebase: Timebase) -> None:
    for part in blocks.parts(16):
        blocks.add(part, {0: VALUE})
    buckets.response(timebase, is_behind=False)


def duckdb_lines(folder: Path, events: int) -> Iterator[str]:
    """The same questions to DuckDB."""
    file = folder / "values.parquet"
    writer: Any = None
    seconds = 0.0
    for block in parts(events):
        found = {"canonical": block.canonical, "source": block.source}
        table = pa.table(found | {"n": block.columns[VALUE].values})
        started = time.process_time()
        if writer is None:
            writer = parquet.ParquetWriter(file, table.schema, compression="zstd")
        writer.write_table(table)
        seconds += time.process_time() - started

    writer.close()
    yield f"DuckDB, Parquet written: {_rate(events, seconds)}, {file.stat().st_size / events:.1f} B"
    with duckdb.connect(config={"threads": 1}) as connection:
        for name, above in (("all values read", OFTEN), ("ruled out by zones", NEVER)):
            query = f"select count(n), max(canonical) from '{file}' where n > {above}"
            seconds = _timed(partial(_fetch, connection, query))
            yield f"DuckDB, {name}: {seconds * MS:,.0f} ms, {_rate(events, seconds)}"


def _fetch(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    connection.sql(query).fetchall()


def _timed(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _rate(events: int, seconds: float) -> str:
    return f"{events / max(seconds, 1e-9) / 1e6:,.1f} M/s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--values", type=int, default=50_000_000)
    values = parser.parse_args().values
    with tempfile.TemporaryDirectory() as folder:
        with closing(SampleStore.open_primary(Path(folder))) as store:
            for line in ColumnBench(store, values).lines():
                print(line, flush=True)
        size = sum(file.stat().st_size for file in Path(folder, "samples").glob("*.sst"))
        print(f"on disk: {size / values:.1f} bytes an event")
        for line in duckdb_lines(Path(folder), values):
            print(line, flush=True)


if __name__ == "__main__":
    main()
