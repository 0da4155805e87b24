"""`python -m bench`: every measurement in one run, as one Markdown table."""

from __future__ import annotations

import asyncio
import gc
import tempfile
import uuid
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import click
import msgspec

from bench import ingest, peers, postgres_peer, processes, shards, stores, transports, whole
from bench.busy_producer import publish
from bench.figures import Figures
from bench.own import BATCH_EVENTS
from bench.processes import RunLength
from bench.table import Report, Row, machine, markdown
from bench.work import Work
from nova.sdk import lifecycle
from nova.sdk.transport.base import Record
from nova.testkit import kafka
from nova.testkit.running_nova import running_nova

EVENTS, QUICK_EVENTS = 500_000, 10_000
TRANSPORT_EVENTS = 100_000
FULL = RunLength(seeks=1_000, live_s=10.0, idle_s=whole.IDLE_S)
QUICK = RunLength(seeks=100, live_s=1.0, idle_s=1.0)
RESULTS = Path(__file__).parent / "results"


def measure(folder: Path, work: Work, extent: RunLength, rows: list[Row]) -> Figures:
    """Add the rows of all that needs no broker; returns SQLite's figures for later ratios."""
    say(f"making {work.events:,} events…")
    records = list(work.arrivals())
    lifecycle.prepare_for_batches()
    say("in one process, beside the peers…")
    batches = in_batches(records)
    nova = stores.own(made(folder / "own"), batches, extent.seeks)
    others = peers.measured(made(folder / "peers"), batches, extent.seeks)
    say("the whole, with everything on…")
    rows += whole.rows(whole.run(work, records, extent.idle_s), others)
    rows += stores.rows(nova, others)
    say("through writer, reader and edge…")
    with running_nova(folder / "nova", "--scope", work.scope) as running:
        rows += asyncio.run(processes.mixed(running, work, records, extent, others.sqlite))
    say("through the edge, all of a timeline…")
    with running_nova(folder / "streamed", "--scope", work.scope) as running:
        ui_events = work._replace(ui_only=True).records()
        rows += asyncio.run(processes.streamed(running, ui_events, others.sqlite))
    say("to files, by shards…")
    rows += shards.rows(made(folder / "sharded"), work)
    return others.sqlite


def measure_brokers(folder: Path, work: Work, sqlite: Figures, rows: list[Row]) -> None:
    """Add the rows of ingest from Kafka, and of the transports alone."""
    say("from Kafka…")
    rows.append(from_kafka(folder, work, sqlite))
    say("over the transports alone, beside their bare libraries…")
    rows += transports.measured(Work(min(work.events, TRANSPORT_EVENTS)))


def in_batches(records: Sequence[Record]) -> list[Sequence[Record]]:
    """Records cut into the batches that a transport would bring."""
    starts = range(0, len(records), BATCH_EVENTS)
    return [records[start : start + BATCH_EVENTS] for start in starts]


def made(folder: Path) -> Path:
    """A new folder."""
    folder.mkdir()
    return folder


def from_kafka(folder: Path, work: Work, sqlite: Figures) -> Row:
    """Drain a topic that was filled before."""
    full = work._replace(scope=f"bench-{uuid.uuid4().hex[:8]}")
    with kafka.shared_broker() as broker:
        asyncio.run(publish(broker.url, list(full.arrivals())))
        hz = ingest.drain(folder / "kafka", broker.url, full.scope, full.events)
        return Row(
            *("ingest, Kafka drain", hz, "events/s", "≥ 60,000"),
            sqlite=sqlite.ingest_hz,
            note=f"{broker.kind} on this machine",
        )


def say(text: str) -> None:
    """Print the progress to stderr."""
    click.echo(text, err=True)


@click.command()
@click.option("--events", type=click.IntRange(min=1_000), help=f"How many [{EVENTS:,}].")
@click.option("--quick", is_flag=True, help=f"A look in half a minute: {QUICK_EVENTS:,} events.")
@click.option("--skip-brokers", is_flag=True, help="Leave out what needs a broker.")
@click.option("--save", metavar="NAME", help="Keep the table in bench/results/<date>-NAME.md.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the table here too.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def bench(
    events: int | None,
    quick: bool,
    skip_brokers: bool,
    save: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Measure ingest, replay, seek, size and latency, with SQLite, PostgreSQL, DuckDB and
    bare RocksDB doing the same work in the same run.

    `python -m bench.side_by_side COMMIT` does this for another commit in turns with this one.
    """
    work = Work(events or (QUICK_EVENTS if quick else EVENTS))
    rows: list[Row] = []
    try:
        with tempfile.TemporaryDirectory(prefix="nova-bench-") as name:
            sqlite = measure(Path(name), work, QUICK if quick else FULL, rows)
            gc.unfreeze()
            if not skip_brokers:
                measure_brokers(Path(name), work, sqlite, rows)
    finally:  # What was measured is not lost to a failure of what came after it.
        report = Report(machine(postgres_peer.version()), work.events, rows)
        click.echo(msgspec.json.encode(report).decode() if as_json else markdown(report))
    for path in (out, RESULTS / f"{date.today()}-{save}.md" if save else None):
        if path is not None:
            path.write_text(markdown(report) + "\n")


if __name__ == "__main__":
    bench()
