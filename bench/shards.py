"""Replay of an archive into files by several processes, through `nova replay`."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.own import BATCH_EVENTS, WriterSide
from bench.table import Row
from bench.work import Work

TIMES_AS_MANY = 4
"""An archive so much larger than the rest of the table's, for starting takes a second too."""

ROUNDS = 3
NO_EVENTS_FROM = "2200-01-01T00:00:00Z"
LEAST_S = 0.001


def rows(data: Path, work: Work) -> list[Row]:
    """One process against two; nothing where there is no such command."""
    if _run("--help").returncode != 0:
        return []
    larger = work._replace(events=TIMES_AS_MANY * work.events)
    with WriterSide(data) as store:
        store.ingest(larger.batches(BATCH_EVENTS))
    one, two = (replay_hz(data, count, larger.events) for count in (1, 2))
    note = f"{larger.events:,} events, without the time of starting"
    return [
        Row("replay to files, 1 shard", one, "events/s", note=note),
        Row("replay to files, 2 shards", two, "events/s"),
        Row("2 shards against 1", two / one, "×", "≥ 1.6"),
    ]


def replay_hz(data: Path, shards: int, events: int) -> float:
    """Events per second of a replay to one file per shard; what a replay of nothing takes, which is
    starting, is taken off.
    """
    whole = statistics.median(_seconds(data, shards) for _ in range(ROUNDS))
    nothing = ("--from", NO_EVENTS_FROM)
    starting = statistics.median(_seconds(data, shards, *nothing) for _ in range(ROUNDS))
    return events / max(whole - starting, LEAST_S)


def _seconds(data: Path, shards: int, *arguments: str) -> float:
    with tempfile.TemporaryDirectory(prefix="nova-shards-") as folder:
        target = ("--per-shard", str(Path(folder) / "out"))
        started = time.perf_counter()
        done = _run("--data", str(data), "--shards", str(shards), *target, *arguments)
        took = time.perf_counter() - started
    if done.returncode:
        raise RuntimeError(f"nova replay failed: {done.stderr.decode().strip()}")
    return took


def _run(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "nova.cli", "replay", *arguments]
    return subprocess.run(command, capture_output=True, check=False)
