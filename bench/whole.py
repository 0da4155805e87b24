"""The whole: `nova up` with all of its processes under the work, from the first publish until all
events are readable and everything derived from them has caught up.

`python -m bench.whole COMMIT` measures this tree and another commit (or the folder of a work tree)
in turns, both by this program.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from bench.busy_producer import publish
from bench.figures import US
from bench.peers import NO_PEERS, Peers, compared
from bench.process_use import ProcessUse
from bench.side_by_side import ROOT, in_turns, probed, work_tree
from bench.table import Row, improvement, number
from bench.work import Work
from nova.sdk.client.client import Client
from nova.sdk.protocol.metric_messages import Metrics, MetricsResponse
from nova.sdk.protocol.timeline import Extent, ExtentResponse
from nova.sdk.transport.base import Record
from nova.testkit.running_nova import PASSWORD, RunningNova, running_nova

DERIVED = ("samples", "checkpoints", "files")
DERIVING = ("sampler", "files")
LAG, CPU = "nova_derived_lag_events", "nova_process_cpu_seconds_total"
CLOCKS_DIFFER_S = 0.02
"""How far the CPU time that a process reports may be ahead of the kernel's."""

POLL_S = 1.0
SETTLE_S = 5.0
CATCH_UP_TIMEOUT_S = 1_200.0
IDLE_S = 10.0
MINUTE_S = 60.0
STORED = {
    "archive": ("truth/*.sst",),
    "log": ("truth/*.log",),
    "derived": ("samples/**/*", "checkpoints/**/*"),
    "files": ("files/**/*",),
}
"""What a stored event takes room in. The log is that of RocksDB, which has a size of its own: what
is in tables already is deleted from it, at `WAL_MAX_BYTES` at the latest.
"""


class WholeFigures(msgspec.Struct):
    """One run: rates in records a second, lag in seconds from the last acknowledgement until all
    is derived, per process the CPU in µs a record and the peak memory, bytes a stored event by
    what they are for, and the CPU seconds a minute of the idle instance.
    """

    published_hz: float
    derived_hz: float
    lag_s: float
    cpu_us: dict[str, float]
    peak_mib: dict[str, float]
    bytes_per_event: dict[str, float]
    idle_cpu_s: float


async def measured(
    nova: RunningNova, records: Sequence[Record], idle_s: float = IDLE_S
) -> WholeFigures:
    """Publish the records and wait until everything has caught up; then let the instance idle."""
    use = ProcessUse(nova.process.pid)
    async with await Client.log_in(nova.url, "admin", PASSWORD) as client:
        await _wait_until_derived(client, {})  # Its processes start last.
        before = use.look()
        following = asyncio.create_task(use.follow())
        took_s = await publish(nova.publish, records)
        published_s = time.monotonic()
        events = await _wait_until_derived(client, use.look().cpu_s)
        following.cancel()
        after = use.look()
        await asyncio.sleep(SETTLE_S)
        idle = await _idle_cpu_s(nova, idle_s)
    derived_s = max(use.done_s(DERIVING), published_s)
    return WholeFigures(
        published_hz=len(records) / took_s,
        derived_hz=len(records) / (derived_s - published_s + took_s),
        lag_s=derived_s - published_s,
        cpu_us={
            name: (cpu_s - before.cpu_s.get(name, 0.0)) / len(records) * US
            for name, cpu_s in after.cpu_s.items()
        },
        peak_mib=use.peak_mib,
        bytes_per_event={
            name: sum(_bytes(nova.data, pattern) for pattern in patterns) / events
            for name, patterns in STORED.items()
        },
        idle_cpu_s=idle,
    )


async def _wait_until_derived(client: Client, cpu_s: dict[str, float]) -> int:
    """Wait until no derived data lag, by reports from after these CPU times; returns the number of
    events, all of which are readable.
    """
    deadline = time.monotonic() + CATCH_UP_TIMEOUT_S
    while True:
        response = await client.request(Metrics(), MetricsResponse)
        lags, spent_s = _values(response, LAG, "data"), _values(response, CPU, "process")
        is_fresh = all(
            spent_s.get(name, 0.0) > cpu_s.get(name, 0.0) + CLOCKS_DIFFER_S for name in DERIVING
        )
        if is_fresh and set(lags) >= set(DERIVED) and not any(lags.values()):
            break
        if time.monotonic() > deadline:
            raise TimeoutError(f"derived data still lag: {lags}")
        await asyncio.sleep(POLL_S)
    return (await client.request(Extent(), ExtentResponse)).events


def _values(response: MetricsResponse, name: str, label: str) -> dict[str, float]:
    """The values of a metric by one of its labels."""
    return {
        sample.labels[label]: sample.value
        for metric in response.metrics
        if metric.name == name
        for sample in metric.samples
    }


async def _idle_cpu_s(nova: RunningNova, seconds: float) -> float:
    """CPU seconds a minute of all processes while nothing is published."""
    use = ProcessUse(nova.process.pid)
    first = use.look()
    await asyncio.sleep(seconds)
    last = use.look()
    spent_s = sum(last.cpu_s.values()) - sum(first.cpu_s.values())
    return spent_s / (last.at_s - first.at_s) * MINUTE_S


def _bytes(folder: Path, pattern: str) -> int:
    """Bytes of the files below a folder that a pattern names."""
    return sum(path.stat().st_size for path in folder.glob(pattern) if path.is_file())


def rows(whole: WholeFigures, others: Peers = NO_PEERS) -> list[Row]:
    """The first rows of the table; `others` ingest alone."""
    cpu_us = sum(whole.cpu_us.values())
    parts = ", ".join(f"{name} {us:.1f}" for name, us in whole.cpu_us.items())
    sizes = ", ".join(f"{name} {size:.0f}" for name, size in whole.bytes_per_event.items())
    size = sum(whole.bytes_per_event.values())
    found = [
        compared(
            *("all on, until everything derived has caught up", whole.derived_hz, "events/s"),
            *(others, "ingest_hz", "≥ 120,000"),
            note="stored, readable, sampled, in checkpoints and daily files; peers: ingest alone",
        ),
        compared("all on, published", whole.published_hz, "events/s", others, "ingest_hz"),
        Row("all on, lag of what is derived", whole.lag_s, "s", "≤ 5", note="after the last event"),
        Row("all on, CPU of all processes", cpu_us, "µs", "≤ 16", note=f"an event: {parts}"),
        Row("all on, on disk", size, "bytes/event", note=sizes),
        Row("all on, CPU of the idle instance", whole.idle_cpu_s, "s", note="a minute"),
    ]
    for name, peak in whole.peak_mib.items():
        wanted = "≤ 256" if name in DERIVING else ""
        found.append(Row(f"all on, memory of the {name} at most", peak, "MiB", wanted))
    return found


def run(work: Work, records: Sequence[Record], idle_s: float = IDLE_S) -> WholeFigures:
    """Measure a new instance."""
    with (
        tempfile.TemporaryDirectory(prefix="nova-bench-whole-") as name,
        (Path(name) / "log").open("wb") as log,
        running_nova(Path(name) / "data", "--scope", work.scope, log=log) as nova,
    ):
        figures = asyncio.run(measured(nova, records, idle_s))
        nova.kill()
    return figures


def side_by_side(pairs: Sequence[tuple[WholeFigures, WholeFigures]]) -> str:
    """The medians of both sides and the ratios of all pairs; above 1 is better here."""
    lines = [f"{'':50} {'unit':12} {'here':>10} {'there':>10}   here ÷ there of each pair"]
    for row in rows(pairs[0][0]):
        found = [(_figure(here, row.task), _figure(there, row.task)) for here, there in pairs]
        here, there = (statistics.median(side) for side in zip(*found, strict=True))
        each = " ".join(f"{improvement(one, other, row.unit):.2f}" for one, other in found)
        lines.append(f"{row.task:50} {row.unit:12} {number(here):>10} {number(there):>10}   {each}")
    for name, whole in (("here", pairs[-1][0]), ("there", pairs[-1][1])):
        lines += [f"{name}: {row.note}" for row in rows(whole) if row.unit in ("µs", "bytes/event")]
    return "\n".join(lines)


def _figure(whole: WholeFigures, task: str) -> float:
    return next((row.figure for row in rows(whole) if row.task == task), 0.0)


@click.command()
@click.argument("commit")
@click.option("--pairs", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--events", type=click.IntRange(min=1_000), default=200_000, show_default=True)
def compare(commit: str, pairs: int, events: int) -> None:
    """Print the figures of this tree and of COMMIT, which is a commit or a folder."""
    arguments = ["-P", "-m", "bench.whole", "--probe", str(events)]
    with work_tree(commit) as there:
        found = in_turns(ROOT, there, pairs, lambda tree: probed(tree, arguments, WholeFigures))
    click.echo(side_by_side(found))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--probe"]:
        work = Work(int(sys.argv[2]))
        print(msgspec.json.encode(run(work, list(work.arrivals()))).decode())
    else:
        compare()
