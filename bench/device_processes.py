"""`python -m bench.device_processes`: several TCP devices that flood a hardware host with packets,
all in its process and each in a process of its own, in turns: packets a second until all are
acknowledged, by a NOVA and by a stand-in that only acknowledges, as a Core on another machine does.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import click

from bench.devices import hardware_host
from bench.packet_flow import FarEnd, flood, until_readable
from bench.process_tree import tree_cpu_us
from bench.telemetry_packets import TelemetryPacket, packets, write_xtce
from nova.sdk.client.client import Client
from nova.sdk.transport.base import Receipt, Subscription, connect
from nova.testkit.running_nova import running_nova

SCOPE = "bench"
RECORDS_A_PACKET = 2
DEVICE = """
[devices.radio{number}]
type = "ccsds"
source = "tcp://127.0.0.1:{port}"
system = "radio{number}"
xtce = "{xtce}"
entity = "bench/radio/r{number}"
"""


class BurstFigures(NamedTuple):
    """Packets a second of all devices together, and the CPU time of the host for one, µs."""

    packets_hz: float
    host_us: float


class StandIn(NamedTuple):
    """Where a host publishes, and when it has stored everything."""

    url: str
    stored: asyncio.Event


@asynccontextmanager
async def stand_in(folder: Path, records: int) -> AsyncIterator[StandIn]:
    """Acknowledges what is published, and stores nothing."""
    url = f"local://{folder / 'core.sock'}"
    transport, stored, left = connect(url), asyncio.Event(), records

    async def acknowledge() -> None:
        nonlocal left
        async for batch in transport.consume(Subscription(SCOPE), {}):
            left -= sum(one.value.find(b'"lane":"metadata"') < 0 for one in batch.records)
            await transport.acknowledge(batch, Receipt(new=len(batch.records)))
            if left <= 0:
                stored.set()

    working = asyncio.create_task(acknowledge())
    try:
        await asyncio.sleep(0.2)
        yield StandIn(url, stored)
    finally:
        working.cancel()
        await asyncio.wait((working,))
        await transport.close()


async def burst(folder: Path, made: list[TelemetryPacket], devices: int, mode: str) -> BurstFigures:
    """Flood the devices of a host of the stand-in."""
    async with AsyncExitStack() as stack:
        core = await stack.enter_async_context(
            stand_in(folder, len(made) * devices * RECORDS_A_PACKET)
        )
        far, host = await _host(stack, folder, core.url, devices, mode)
        writers = [await one.writer() for one in far]
        before_us, started = tree_cpu_us(host), time.perf_counter()
        sending = asyncio.gather(*(flood(one, made) for one in writers))
        await core.stored.wait()
        spent_s, spent_us = time.perf_counter() - started, tree_cpu_us(host) - before_us
        await sending
    count = len(made) * devices
    return BurstFigures(count / spent_s, spent_us / count)


async def burst_into_nova(
    folder: Path, made: list[TelemetryPacket], devices: int, mode: str
) -> BurstFigures:
    """Flood the devices of a host of a whole NOVA, until all can be read."""
    with running_nova(folder / "data", "--scope", SCOPE) as nova:
        async with AsyncExitStack() as stack:
            far, host = await _host(stack, folder, nova.publish, devices, mode)
            client = await stack.enter_async_context(await Client.to_core(nova.data))
            writers = [await one.writer() for one in far]
            before_us, started = tree_cpu_us(host), time.perf_counter()
            sending = asyncio.gather(*(flood(one, made) for one in writers))
            for number in range(devices):
                await until_readable(client, made[-1], f"radio{number}")
            spent_s, spent_us = time.perf_counter() - started, tree_cpu_us(host) - before_us
            await sending
        nova.kill()
    count = len(made) * devices
    return BurstFigures(count / spent_s, spent_us / count)


async def _host(
    stack: AsyncExitStack, folder: Path, url: str, devices: int, mode: str
) -> tuple[list[FarEnd], int]:
    """The far ends of a host's devices, and the id of its process."""
    xtce, far = write_xtce(folder / "bench.xml"), [FarEnd() for _ in range(devices)]
    config = f'scope = "{SCOPE}"\nprocesses = "{mode}"\n'
    for number, one in enumerate(far):
        server = await asyncio.start_server(one.accept, "127.0.0.1", 0)
        await stack.enter_async_context(server)
        port = server.sockets[0].getsockname()[1]
        config += DEVICE.format(number=number, port=port, xtce=xtce)
    return far, await stack.enter_async_context(hardware_host(folder, url, config))


@click.command()
@click.option("--devices", type=click.IntRange(min=1), default=2, show_default=True)
@click.option("--packets", "count", type=click.IntRange(min=1), default=20_000, show_default=True)
@click.option("--pairs", type=click.IntRange(min=1), default=3, show_default=True)
def compare(devices: int, count: int, pairs: int) -> None:
    """Print both ways beside each other; COUNT packets of each device."""
    made = packets(count)
    click.echo(f"{'':10} {'one':>18} {'device':>18} {'ratio':>6}  of each pair")
    for name, measure in {"stand-in": burst, "NOVA": burst_into_nova}.items():
        found: dict[str, list[BurstFigures]] = defaultdict(list)
        for pair in range(pairs):
            for mode in ("one", "device") if pair % 2 == 0 else ("device", "one"):
                with tempfile.TemporaryDirectory(prefix="nova-bench-processes-") as folder:
                    figures = asyncio.run(measure(Path(folder), made, devices, mode))
                found[mode].append(figures)
        _print(name, found["one"], found["device"])


def _print(name: str, one: list[BurstFigures], own: list[BurstFigures]) -> None:
    for figure in BurstFigures._fields:
        here, there = ([getattr(each, figure) for each in some] for some in (own, one))
        ratios = [mine / other for mine, other in zip(here, there, strict=True)]
        medians = f"{statistics.median(there):18.1f} {statistics.median(here):18.1f}"
        each = " ".join(f"{ratio:.2f}" for ratio in ratios)
        click.echo(f"{name:10} {medians} {statistics.median(ratios):6.2f}  {each}  {figure}")


if __name__ == "__main__":
    compare()
