"""`python -m bench`: every measurement in one run, as one Markdown table."""

from __future__ import annotations

import asyncio
import tempfile
import uuid
from collections.abc import Sequence
from pathlib import Path

import click

from bench import ingest, peers, reads, transports
from bench.table import Row, markdown, quantile
from bench.work import Work
from sdk.client import Client, login
from sdk.envelope import Lane
from sdk.testing import kafka
from sdk.testing.instance import PASSWORD, Nova, running_nova
from sdk.transport.base import Record

EVENTS, QUICK_EVENTS = 200_000, 10_000
SEEKS, QUICK_SEEKS = 300, 50
LIVE_S, QUICK_LIVE_S = 10.0, 2.0


def compared(folder: Path, records: Sequence[Record]) -> tuple[list[Row], float, float]:
    """NOVA's store and SQLite side by side in one process; SQLite's two rates for later ratios."""
    count = len(records)
    own = peers.nova_in_process(_made(folder / "own"), records)
    other = peers.sqlite(_made(folder / "peer"), records)
    in_hz, out_hz = count / other[0], count / other[1]
    rows = [
        Row("ingest, one process", count / own[0], "events/s", own[0] and count / own[0] / in_hz),
        Row("ingest, SQLite", in_hz, "events/s", 1.0, "same checks, WAL, synchronous=FULL"),
        Row("scan to frames, one process", count / own[1], "events/s", count / own[1] / out_hz),
        Row("scan to frames, SQLite", out_hz, "events/s", 1.0),
        Row("on disk, SQLite", other[2] / count, "bytes/event", 1.0),
    ]
    return rows, in_hz, out_hz


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


async def through_processes(
    nova: Nova,
    work: Work,
    records: Sequence[Record],
    seeks: int,
    live_s: float,
    rates: Sequence[float],
) -> list[Row]:
    """Ingest over local and every kind of reading, through writer, reader and edge."""
    in_hz, out_hz = rates
    took = await ingest.publish(nova.publish, records)
    local_hz = len(records) / took
    rows = [Row("ingest, local transport", local_hz, "events/s", local_hz / in_hz)]
    token = await login(nova.url, "admin", PASSWORD)
    async with (
        await Client.to_core(nova.data) as core,
        await Client.to_edge(nova.url, token) as edge,
    ):
        status = await core.status()
        rows.append(Row("on disk", status.bytes_on_disk / status.events, "bytes/event"))
        everything: list[Lane] | None = None
        only_ui: list[Lane] | None = ["ui"]
        for task, client, lanes in (
            ("replay at max, reader's socket, all lanes", core, everything),
            ("replay at max, through the edge, ui lane", edge, only_ui),
        ):
            events, seconds = await reads.replay(client, lanes)
            rows.append(Row(task, events / seconds, "events/s", events / seconds / out_hz))
        events, seconds = await reads.pages(edge)
        rows.append(Row("query pages, through the edge", events / seconds, "events/s"))
        found = await reads.seeks(edge, work, seeks)
        rows += latency("seek to first event", found, f"{len(found)} seeks through the edge")
        found = await reads.live(edge, nova.publish, work.scope, live_s)
        rows += latency("live, publish to client", found, f"{len(found):,} events at 1,000/s")
    return rows


def latency(task: str, seconds: Sequence[float], note: str) -> list[Row]:
    """Median and 99th percentile in milliseconds."""
    return [
        Row(f"{task}, p50", quantile(seconds, 0.5) * 1e3, "ms", None, note),
        Row(f"{task}, p99", quantile(seconds, 0.99) * 1e3, "ms"),
    ]


def from_kafka(folder: Path, work: Work, in_hz: float) -> Row:
    """Drain a topic that was filled before."""
    full = work._replace(scope=f"bench-{uuid.uuid4().hex[:8]}")
    with kafka.any_broker() as broker:
        asyncio.run(ingest.publish(broker.url, full.records()))
        hz = ingest.drain(folder / "kafka", broker.url, full.scope, full.events)
        return Row("ingest, Kafka drain", hz, "events/s", hz / in_hz, broker.kind)


@click.command()
@click.option("--events", type=click.IntRange(min=1_000), help=f"How many [{EVENTS:,}].")
@click.option("--quick", is_flag=True, help=f"A look in half a minute: {QUICK_EVENTS:,} events.")
@click.option("--skip-brokers", is_flag=True, help="Leave out what needs a broker.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the table here too.")
def bench(events: int | None, quick: bool, skip_brokers: bool, out: Path | None) -> None:
    """Measure ingest, replay, seek and latency, with SQLite doing the same work in the same run."""
    work = Work(events or (QUICK_EVENTS if quick else EVENTS))
    seeks, live_s = (QUICK_SEEKS, QUICK_LIVE_S) if quick else (SEEKS, LIVE_S)
    click.echo(f"making {work.events:,} events…", err=True)
    records = work.records()
    with tempfile.TemporaryDirectory(prefix="nova-bench-") as name:
        folder = Path(name)
        click.echo("in one process, beside SQLite…", err=True)
        rows, *rates = compared(folder, records)
        click.echo("through writer, reader and edge…", err=True)
        with running_nova(folder / "nova", "--scope", work.scope) as nova:
            rows += asyncio.run(through_processes(nova, work, records, seeks, live_s, rates))
        if not skip_brokers:
            click.echo("from Kafka…", err=True)
            rows.append(from_kafka(folder, work, rates[0]))
            click.echo("over the transports alone, beside their bare libraries…", err=True)
            rows += transports.measured(work)
    table = markdown(rows, work.events)
    click.echo(table)
    if out is not None:
        out.write_text(table + "\n")


if __name__ == "__main__":
    bench()
