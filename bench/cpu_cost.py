"""`python -m bench.cpu_cost COMMIT`: the CPU time of ingest and of queries, of this tree and of
another commit in turns.

Times on the wall say little on a machine that others use; the time of the CPU that writer and
reader take for the same work says more.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from bench.side_by_side import ROOT, in_turns, probed, work_tree
from bench.work import RATE_HZ, START_NS, Work
from nova.sdk import timestamps
from nova.sdk.client.client import Client
from nova.sdk.producer.producer import Producer
from nova.sdk.protocol.messages import Query, QueryResponse
from nova.sdk.timestamps import NS_PER_SECOND
from nova.sdk.transport.base import connect
from nova.testkit.running_nova import PASSWORD, RunningNova, running_nova

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
QUERY_EVENTS = 100
BATCH_RECORDS = 1_000
SETTLE_S = 2.0


class CpuCost(msgspec.Struct):
    """Microseconds of the CPU: of the writer for an event, of the reader for a query."""

    event_us: float
    query_us: float


def cpu_us(process_id: int) -> float:
    """The CPU time of a process, user and system."""
    fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S * 1e6


async def work_on(nova: RunningNova, work: Work, queries: int) -> CpuCost:
    """Publish the work, then query pages all over it, one after the other."""
    records, writer, reader = work.records(), nova.child("writer"), nova.child("reader")
    before = cpu_us(writer)
    async with Producer(connect(nova.publish), work.scope) as producer:
        for start in range(0, len(records), BATCH_RECORDS):
            await producer.publish(records[start : start + BATCH_RECORDS])
    event_us = (cpu_us(writer) - before) / len(records)
    await asyncio.sleep(SETTLE_S)  # until the reader has followed
    async with await Client.log_in(nova.url, "admin", PASSWORD) as client:
        before = cpu_us(reader)
        for number in range(queries):
            at_ns = START_NS + number * len(records) // queries * (NS_PER_SECOND // RATE_HZ)
            page = Query(start_time=timestamps.text(at_ns), limit=QUERY_EVENTS)
            await client.request(page, QueryResponse)
        query_us = (cpu_us(reader) - before) / queries
    return CpuCost(event_us, query_us)


def probe(work: Work, queries: int) -> CpuCost:
    """The cost in a new instance of the packages that Python finds."""
    with (
        tempfile.TemporaryDirectory(prefix="nova-bench-cpu-") as name,
        running_nova(Path(name) / "data", "--scope", work.scope) as nova,
    ):
        cost = asyncio.run(work_on(nova, work, queries))
        nova.kill()
    return cost


def ratios(pairs: Sequence[tuple[CpuCost, CpuCost]], name: str, unit: str) -> str:
    """One line: the medians of both sides, and the ratio of each pair; below 1 is better here."""
    both = [(getattr(here, unit), getattr(there, unit)) for here, there in pairs]
    here, there = (statistics.median(side) for side in zip(*both, strict=True))
    of_pairs = [one / other for one, other in both]
    each = " ".join(f"{ratio:.2f}" for ratio in of_pairs)
    return f"{name:9} {here:8.1f} {there:8.1f} {statistics.median(of_pairs):6.3f}   {each}"


@click.command()
@click.argument("commit")
@click.option("--pairs", type=click.IntRange(min=1), default=5, show_default=True)
@click.option("--events", type=click.IntRange(min=1_000), default=50_000, show_default=True)
@click.option("--queries", type=click.IntRange(min=10), default=2_000, show_default=True)
def compare(commit: str, pairs: int, events: int, queries: int) -> None:
    """Print the CPU time of this tree and of COMMIT, which is a commit or a folder."""
    arguments = [__file__, "--probe", str(events), str(queries)]
    with work_tree(commit) as there:
        found = in_turns(
            ROOT, there, pairs, lambda tree: probed(tree, arguments, CpuCost, programs=tree)
        )
    click.echo(f"{'µs of CPU':9} {'here':>8} {'there':>8} {'ratio':>6}   of each pair")
    click.echo(ratios(found, "an event", "event_us"))
    click.echo(ratios(found, "a query", "query_us"))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--probe"]:
        print(msgspec.json.encode(probe(Work(int(sys.argv[2])), int(sys.argv[3]))).decode())
    else:
        compare()
