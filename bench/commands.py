"""`python -m bench.commands`: the latency of a command from its submission to its listener,
recorded, synced and marked on the way, to a listener and to a device behind a hardware host, at
rest and beside ingest.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple

import click
import msgspec

from bench.devices import LISTENED, LISTENER, Listener, MeasuredDevice, hosted_pump
from bench.figures import MS, quantile
from bench.work import Work
from nova.sdk.client.client import Client, login
from nova.sdk.producer.producer import Producer
from nova.sdk.protocol.submission import SubmitCommand
from nova.sdk.transport.base import Transport, connect
from nova.testkit.running_nova import PASSWORD, RunningNova, running_nova

PACE_HZ = 9.0
"""Below an edge's limit for one user."""

RECORD_BYTES = 700
BESIDE_HZ = 5_000
BESIDE_RECORDS = 500
WANTED_MS = 50.0


class Taken(msgspec.Struct, kw_only=True):
    """What submissions took in ms until they were heard, and until they were answered; and what two
    syncs of a few bytes took by themselves in between, which is the least that a command can take.
    """

    asked: int
    heard_p50_ms: float
    heard_p99_ms: float
    heard_worst_ms: float
    answered_p99_ms: float
    two_syncs_p50_ms: float
    two_syncs_p99_ms: float


class Way(NamedTuple):
    """One path to measure: the client and the receiver."""

    name: str
    client: Client
    device: MeasuredDevice


class Disk:
    """A file beside the archive, to see how long the disk takes at that moment."""

    def __init__(self, folder: Path) -> None:
        self._file = os.open(folder / "floor", os.O_CREAT | os.O_WRONLY | os.O_APPEND)

    def two_syncs_ms(self) -> float:
        """How long it takes to write and sync twice."""
        started = time.perf_counter()
        for _ in range(2):
            os.write(self._file, bytes(RECORD_BYTES))
            os.fdatasync(self._file)
        return (time.perf_counter() - started) * MS

    def close(self) -> None:
        """Close and remove the file."""
        os.close(self._file)


def request(scope_id: str, device: MeasuredDevice, name: str) -> SubmitCommand:
    """A command with ids of its own."""
    return SubmitCommand(
        scope_id=scope_id,
        command_id=f"c-{name}",
        request_id=f"r-{name}",
        target_id=device.target_id,
        command_type=device.command_type,
        payload={},
        timeline_mode="LIVE",
    )


async def taken(way: Way, disk: Disk, scope_id: str, name: str, asks: int) -> Taken:
    """Submit at the pace, each after the one before has arrived."""
    heard: list[float] = []
    answered: list[float] = []
    bare: list[float] = []
    for number in range(asks):
        bare.append(await asyncio.to_thread(disk.two_syncs_ms))
        asked = request(scope_id, way.device, f"{name}-{number}")
        started = time.perf_counter()
        await way.client.submit_command(asked)
        answered.append((time.perf_counter() - started) * MS)
        heard.append((await way.device.heard_s(asked.request_id) - started) * MS)
        await asyncio.sleep(max(0.0, started + 1 / PACE_HZ - time.perf_counter()))
    return Taken(
        asked=asks,
        heard_p50_ms=quantile(heard, 0.5),
        heard_p99_ms=quantile(heard, 0.99),
        heard_worst_ms=max(heard),
        answered_p99_ms=quantile(answered, 0.99),
        two_syncs_p50_ms=quantile(bare, 0.5),
        two_syncs_p99_ms=quantile(bare, 0.99),
    )


async def ingest(transport: Transport, work: Work) -> None:
    """Feed the archive at a steady rate until cancelled."""
    records = list(work.records())
    started, sent = time.perf_counter(), 0
    while True:
        first = sent % len(records)
        await transport.publish(records[first : first + BESIDE_RECORDS])
        sent += BESIDE_RECORDS
        await asyncio.sleep(max(0.0, started + sent / BESIDE_HZ - time.perf_counter()))


async def measured(
    folder: Path, nova: RunningNova, work: Work, asks: int
) -> AsyncIterator[tuple[str, Taken]]:
    """Each path once measured: past the edge and through it, to a listener and to a device
    behind a hardware host, at rest and beside ingest.
    """
    async with AsyncExitStack() as stack:
        ways = await _ways(stack, folder, nova, work.scope)
        disk = Disk(nova.data)
        stack.callback(disk.close)
        for beside in ("at rest", "beside ingest"):
            if beside == "beside ingest":
                feeding = connect(nova.publish)
                stack.push_async_callback(feeding.close)
                stack.push_async_callback(_cancelled, asyncio.create_task(ingest(feeding, work)))
            for way in ways:
                name = f"{way.name}, {beside}"
                ids = name.replace(", ", "-").replace(" ", "-")
                yield name, await taken(way, disk, work.scope, ids, asks)


async def _ways(stack: AsyncExitStack, folder: Path, nova: RunningNova, scope_id: str) -> list[Way]:
    transport = connect(nova.publish)
    stack.push_async_callback(transport.close)
    listener = Listener(transport, scope_id)
    stack.push_async_callback(_cancelled, asyncio.create_task(listener.listen()))
    await listener.ready.wait()
    producer = Producer(transport, scope_id)
    capabilities = [f"command:{LISTENED}"]
    await producer.send([producer.observe(LISTENER).descriptor(capabilities, "1")])
    pump = await stack.enter_async_context(hosted_pump(folder, nova, scope_id))
    near = await stack.enter_async_context(await Client.to_core(nova.data))
    token = await login(nova.url, "admin", PASSWORD)
    far = await stack.enter_async_context(await Client.to_edge(nova.url, token))
    return [
        Way("reader", near, listener),
        Way("edge", far, listener),
        Way("edge to a hosted device", far, pump),
    ]


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait((task,))


HEAD = (
    "| submitted through | commands | p50 ms | p99 ms | worst ms | answered p99 ms "
    "| two bare syncs p50 ms | p99 ms | wanted |\n"
    "|---|---:|---:|---:|---:|---:|---:|---:|---|"
)


def row(way: str, one: Taken) -> str:
    """The figures of a path as a line of text."""
    figures = (
        *(one.heard_p50_ms, one.heard_p99_ms, one.heard_worst_ms, one.answered_p99_ms),
        *(one.two_syncs_p50_ms, one.two_syncs_p99_ms),
    )
    cells = " | ".join(f"{figure:.1f}" for figure in figures)
    return f"| {way} | {one.asked:,} | {cells} | p99 ≤ {WANTED_MS:.0f} ms |"


async def measure(folder: Path, work: Work, asks: int, *, as_json: bool) -> None:
    """Print each way's figures as soon as there are some, or all at the end as JSON."""
    found: dict[str, Taken] = {}
    with running_nova(folder / "nova", "--scope", work.scope) as nova:
        if not as_json:
            click.echo(HEAD)
        async for way, one in measured(folder, nova, work, asks):
            found[way] = one
            if not as_json:
                click.echo(row(way, one))
    if as_json:
        click.echo(msgspec.json.encode(found).decode())


@click.command()
@click.option("--asks", type=click.IntRange(min=1), default=80, show_default=True)
@click.option("--events", type=click.IntRange(min=BESIDE_RECORDS), default=200_000)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON, at the end.")
def commands(asks: int, events: int, as_json: bool) -> None:
    """Measure commands from submission to device on the local transport."""
    os.environ.setdefault("NOVA_LOG_LEVEL", "error")
    with tempfile.TemporaryDirectory(prefix="nova-bench-") as folder:
        asyncio.run(measure(Path(folder), Work(events), asks, as_json=as_json))


if __name__ == "__main__":
    commands()
