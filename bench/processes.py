"""NOVA as it runs: writer, reader and edge as processes, and one client that does every task."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from bench import live, reads
from bench.busy_producer import publish
from bench.figures import MS, Figures, quantile
from bench.memory import peak_mib
from bench.probe import TIMEBASES
from bench.table import Row
from bench.work import Work
from nova.sdk.client.client import Client, login
from nova.sdk.transport.base import Record
from nova.testkit.running_nova import PASSWORD, RunningNova

WANTED_REPLAY = {"canonical": "≥ 800,000", "source": "≥ 500,000"}


class RunLength(NamedTuple):
    """How long to measure: numbers of seeks, seconds of the live tail and of an idle instance."""

    seeks: int
    live_s: float
    idle_s: float


async def mixed(
    nova: RunningNova, work: Work, records: Sequence[Record], extent: RunLength, sqlite: Figures
) -> list[Row]:
    """Every task over the mix of all lanes."""
    assert sqlite.ingest_hz is not None
    hz = len(records) / await publish(nova.publish, records)
    rows = [Row("ingest, local transport", hz, "events/s", sqlite=sqlite.ingest_hz)]
    token = await login(nova.url, "admin", PASSWORD)
    async with AsyncExitStack() as stack:
        core = await stack.enter_async_context(await Client.to_core(nova.data))
        edge = await stack.enter_async_context(await Client.to_edge(nova.url, token))
        rows += await _replays(core, edge, work, sqlite)
        rows.append(
            Row("query pages, edge to client, all lanes", await reads.pages(edge), "events/s")
        )
        found = await reads.seeks(edge, work.last_ns(), extent.seeks)
        rows += latency("seek to first chunk, edge to client", found, wanted="≤ 20")
        found = await live.latencies(edge, nova.publish, work, extent.live_s)
        rows += latency("live, publish to client", found, wanted="≤ 50")
        with _replaying(nova.data):
            found = await live.latencies(
                edge, nova.publish, work._replace(seed=work.seed + 1), extent.live_s
            )
        rows += latency("live, beside a full replay", found, wanted="≤ 100")
    return rows + _memory(nova)


async def _replays(core: Client, edge: Client, work: Work, sqlite: Figures) -> list[Row]:
    await reads.replay(core)  # so that the reader's catching up is not part of the measured replay
    rows = []
    for base in TIMEBASES:
        peer = sqlite.canonical_hz if base == "canonical" else sqlite.source_hz
        events, hz = await reads.replay(core, base)
        task = f"replay, reader to client, all lanes, {base}"
        rows.append(Row(task, hz, "events/s", sqlite=peer, note=f"{events:,} events"))
    for base in TIMEBASES:
        events, hz = await reads.replay(edge, base)
        task = f"replay, edge to client, its lanes of the mix, {base}"
        note = f"{events:,} events; {hz * work.events / events:,.0f} are passed over a second"
        rows.append(Row(task, hz, "events/s", note=note))
    return rows


async def streamed(nova: RunningNova, records: Sequence[Record], sqlite: Figures) -> list[Row]:
    """Replay through the edge of a timeline whose every event an edge may stream."""
    await publish(nova.publish, records)
    token = await login(nova.url, "admin", PASSWORD)
    rows = []
    async with await Client.to_edge(nova.url, token) as edge:
        await reads.replay(edge)
        for base in TIMEBASES:
            peer = sqlite.canonical_hz if base == "canonical" else sqlite.source_hz
            _, hz = await reads.replay(edge, base)
            task = f"replay, edge to client, ui events alone, {base}"
            rows.append(Row(task, hz, "events/s", WANTED_REPLAY[base], sqlite=peer))
    return rows


def latency(task: str, seconds: Sequence[float], *, wanted: str) -> list[Row]:
    """Median and 99th percentile in milliseconds; the target applies to the latter."""
    note = f"{len(seconds):,} of them"
    return [
        Row(f"{task}, p50", quantile(seconds, 0.5) * MS, "ms", note=note),
        Row(f"{task}, p99", quantile(seconds, 0.99) * MS, "ms", wanted),
    ]


def _memory(nova: RunningNova) -> list[Row]:
    return [
        Row(f"memory of the {name} at most", peak_mib(nova.child(name)), "MiB", wanted)
        for name, wanted in (("writer", "≤ 1,024"), ("reader", "≤ 512"))
    ]


@contextmanager
def _replaying(data: Path) -> Iterator[None]:
    """A client in a process of its own that replays everything from the reader, again and again."""
    process = subprocess.Popen([sys.executable, "-m", "bench.reads", str(data)])
    with process:
        try:
            yield
        finally:
            process.terminate()
