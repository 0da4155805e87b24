"""`python -m bench.commands`: how long a command takes from its submission to who listens for it,
recorded, synced and marked on the way, at rest and beside ingest.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from pathlib import Path

import click
import msgspec

from bench.figures import MS, quantile
from bench.work import Work
from sdk.client import Client, login
from sdk.observation import Entity
from sdk.producer import Producer
from sdk.submission import SubmitCommand
from sdk.testing.instance import PASSWORD, Nova, running_nova
from sdk.transport.base import Transport, connect

TARGET = Entity("bench", "bench", "commanded")
COMMAND = "bench.go"
PACE_HZ = 9.0
"""Below what an edge takes of a user."""

RECORD_BYTES = 700
BESIDE_HZ = 5_000
BESIDE_RECORDS = 500
WANTED_MS = 50.0
HEARD_TIMEOUT_S = 30.0


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


class Device:
    """Who listens, and when each command came."""

    def __init__(self, transport: Transport, scope_id: str) -> None:
        self._commands = transport.commands(scope_id, ready := asyncio.Event())
        self.ready = ready
        self._news = asyncio.Event()
        self._heard_s: dict[str, float] = {}

    async def listen(self) -> None:
        """Note commands for ever."""
        async for record in self._commands:
            assert record.address is not None
            self._heard_s[record.address.split(".")[3]] = time.perf_counter()
            self._news.set()

    async def heard_s(self, request_id: str) -> float:
        """When a command came, once it has."""
        async with asyncio.timeout(HEARD_TIMEOUT_S):
            while request_id not in self._heard_s:
                self._news.clear()
                await self._news.wait()
        return self._heard_s[request_id]


def request(scope_id: str, name: str) -> SubmitCommand:
    """A command under ids of its own."""
    return SubmitCommand(
        scope_id=scope_id,
        command_id=f"c-{name}",
        request_id=f"r-{name}",
        target_id=TARGET.unique_id,
        command_type=COMMAND,
        payload={"power": 4.5},
        timeline_mode="LIVE",
    )


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
        """Let go of it."""
        os.close(self._file)


async def taken(
    client: Client, device: Device, disk: Disk, scope_id: str, way: str, asks: int
) -> Taken:
    """Submit so often at the pace, each when the one before was heard."""
    heard: list[float] = []
    answered: list[float] = []
    bare: list[float] = []
    for number in range(asks):
        bare.append(await asyncio.to_thread(disk.two_syncs_ms))
        asked = request(scope_id, f"{way}-{number}")
        started = time.perf_counter()
        await client.submit_command(asked)
        answered.append((time.perf_counter() - started) * MS)
        heard.append((await device.heard_s(asked.request_id) - started) * MS)
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


async def measured(nova: Nova, work: Work, asks: int) -> dict[str, Taken]:
    """All ways: past the edge and through it, at rest and beside ingest."""
    transport, feeding = connect(nova.publish), connect(nova.publish)
    device = Device(transport, work.scope)
    listening = asyncio.create_task(device.listen())
    await device.ready.wait()
    producer = Producer(transport, work.scope)
    await producer.send([producer.observe(TARGET).descriptor([f"command:{COMMAND}"], "1")])
    found: dict[str, Taken] = {}
    disk = Disk(nova.data)
    token = await login(nova.url, "admin", PASSWORD)
    async with (
        await Client.to_core(nova.data) as near,
        await Client.to_edge(nova.url, token) as far,
    ):
        clients = {"reader": near, "edge": far}
        for name, client in clients.items():
            found[f"{name}, at rest"] = await taken(client, device, disk, work.scope, name, asks)
        beside = asyncio.create_task(ingest(feeding, work))
        for name, client in clients.items():
            way = f"{name}-beside"
            found[f"{name}, beside ingest"] = await taken(
                client, device, disk, work.scope, way, asks
            )
    for task in (beside, listening):
        task.cancel()
        await asyncio.wait((task,))
    for used in (transport, feeding):
        await used.close()
    disk.close()
    return found


def table(found: dict[str, Taken]) -> str:
    """The figures as people read them."""
    lines = [
        "| submitted through | commands | p50 ms | p99 ms | worst ms | answered p99 ms "
        "| two bare syncs p50 ms | p99 ms | wanted |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---|",
    ]
    for way, one in found.items():
        figures = (
            *(one.heard_p50_ms, one.heard_p99_ms, one.heard_worst_ms, one.answered_p99_ms),
            *(one.two_syncs_p50_ms, one.two_syncs_p99_ms),
        )
        cells = " | ".join(f"{figure:.1f}" for figure in figures)
        lines.append(f"| {way} | {one.asked:,} | {cells} | p99 ≤ {WANTED_MS:.0f} ms |")
    return "\n".join(lines)


@click.command()
@click.option("--asks", type=click.IntRange(min=1), default=300, show_default=True)
@click.option("--events", type=click.IntRange(min=BESIDE_RECORDS), default=200_000)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def commands(asks: int, events: int, as_json: bool) -> None:
    """Measure commands from submission to device on the local transport."""
    work = Work(events)
    with (
        tempfile.TemporaryDirectory(prefix="nova-bench-") as folder,
        running_nova(Path(folder) / "nova", "--scope", work.scope) as nova,
    ):
        found = asyncio.run(measured(nova, work, asks))
    click.echo(msgspec.json.encode(found).decode() if as_json else table(found))


if __name__ == "__main__":
    commands()
