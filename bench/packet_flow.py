"""`python -m bench.packet_flow COMMIT`: packets through a TCP device into a whole NOVA, of this
tree and of another commit in turns: all at once until they can be read, then live at a steady rate
until their values are at a client.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import click
import msgspec

from bench.cpu_cost import cpu_us
from bench.devices import hardware_host
from bench.figures import MS, US, quantile
from bench.process_tree import process_tree, tree_cpu_us
from bench.side_by_side import ROOT, in_turns, probed, work_tree
from bench.telemetry_packets import (
    FIRST_APID,
    KINDS,
    TelemetryPacket,
    packets,
    parameter,
    write_xtce,
)
from nova.sdk.client.client import Client
from nova.sdk.protocol.message import Filters
from nova.sdk.protocol.messages import Query, QueryResponse
from nova.testkit.running_nova import RunningNova, running_nova

SCOPE = "bench"
LIVE_HZ = 2_000
LIVE_S = 5.0
TICK_S = 0.001
POLL_S = 0.05
BURSTS, BURST_PACKETS = 300, 8
SETTLED_SHARE = 0.1
"""All is done that follows a flood when the processes together take this share of one core."""
SETTLE_LOOKS = 60
END_TIMEOUT_S = 300.0
CONFIG = """
scope = "{scope}"
[devices.radio]
type = "ccsds"
source = "tcp://127.0.0.1:{port}"
xtce = "{xtce}"
"""


class FlowFigures(msgspec.Struct):
    """Rates in packets per second, times in ms, CPU time in µs a packet of the host and of all,
    that of processes that have nothing to do included, which is `idle_us` of a live packet. A burst
    is what BURST_PACKETS take, sent together when those before are at the client: its CPU time
    says what a batch costs, whatever else the machine does.
    """

    packets_hz: float
    host_us: float
    all_us: float
    live_p50_ms: float
    live_p99_ms: float
    live_host_us: float
    live_all_us: float
    idle_us: float
    burst_host_us: float
    burst_all_us: float


class FarEnd:
    """The far end of the link of one device."""

    def __init__(self) -> None:
        self._writers: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()

    async def accept(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Keep the connection of the host."""
        self._writers.put_nowait(writer)

    async def writer(self) -> asyncio.StreamWriter:
        """The connection, as soon as the host has opened it."""
        return await self._writers.get()


@asynccontextmanager
async def hosted(folder: Path, nova: RunningNova, far: FarEnd) -> AsyncIterator[int]:
    """A hardware host with one packet device; its process id."""
    server = await asyncio.start_server(far.accept, "127.0.0.1", 0)
    xtce, port = write_xtce(folder / "bench.xml"), server.sockets[0].getsockname()[1]
    config = CONFIG.format(scope=SCOPE, port=port, xtce=xtce)
    async with server, hardware_host(folder, nova.publish, config) as process_id:
        yield process_id


class CpuTimes:
    """The CPU time of a host and of all processes of a NOVA since it was made."""

    def __init__(self, nova: RunningNova, host: int) -> None:
        self._host, self._others = host, process_tree(nova.process.pid)
        self._host_us = tree_cpu_us(host)
        self._others_us = sum(map(cpu_us, self._others))

    def spent_us(self, count: int) -> tuple[float, float]:
        """Of the host and of all together, a packet."""
        host_us = tree_cpu_us(self._host) - self._host_us
        others_us = sum(map(cpu_us, self._others)) - self._others_us
        return host_us / count, (host_us + others_us) / count


async def settled(nova: RunningNova, host: int) -> float:
    """Wait until samples, checkpoints and daily files have caught up; the CPU time of a second
    then, µs.
    """
    spent_us = 0.0
    for _ in range(SETTLE_LOOKS):
        times = CpuTimes(nova, host)
        await asyncio.sleep(1.0)
        _, spent_us = times.spent_us(1)
        if spent_us < SETTLED_SHARE * US:
            break
    return spent_us


async def bursts(
    client: Client, writer: asyncio.StreamWriter, made: Sequence[TelemetryPacket]
) -> None:
    """Send packets in bursts, each when the values of the one before are at the client."""
    filters = Filters(lanes=["parsed"], system_id="ccsds")
    async with aclosing(client.stream("LIVE", filters=filters)) as stream:
        await anext(stream)
        for begin in range(0, len(made), BURST_PACKETS):
            burst = made[begin : begin + BURST_PACKETS]
            writer.write(b"".join(one.data for one in burst))
            got = 0
            while got < len(burst):
                got += len((await anext(stream)).events)


async def flood(writer: asyncio.StreamWriter, made: Sequence[TelemetryPacket]) -> None:
    """Send packets as fast as they are read."""
    writer.write(b"".join(one.data for one in made))
    await writer.drain()


async def until_readable(client: Client, last: TelemetryPacket, system: str = "ccsds") -> None:
    """Return when the values of the last packet can be read."""
    kind = last.number % KINDS
    filters = Filters(lanes=["parsed"], system_id=system, unique_id=str(FIRST_APID + kind))
    newest = Query(filters=filters, limit=1, reverse=True)
    wanted = f'"{parameter(kind, 0)}":{last.number},'.encode()
    async with asyncio.timeout(END_TIMEOUT_S):
        while True:
            reply = await client.request(newest, QueryResponse)
            if any(wanted in bytes(one) for one in reply.events):
                return
            await asyncio.sleep(POLL_S)


async def live(
    client: Client, writer: asyncio.StreamWriter, made: Sequence[TelemetryPacket]
) -> list[float]:
    """Seconds of each packet from its sending until its values are at a client."""
    sent: dict[int, float] = {}
    ready = asyncio.Event()
    following = asyncio.create_task(_follow(client, sent, len(made), ready))
    await ready.wait()
    started, done = time.perf_counter(), 0
    while done < len(made):
        due = min(len(made), int((time.perf_counter() - started) * LIVE_HZ) + 1)
        now = time.perf_counter()
        sent |= {one.number: now for one in made[done:due]}
        writer.write(b"".join(one.data for one in made[done:due]))
        done = due
        await asyncio.sleep(TICK_S)
    async with asyncio.timeout(END_TIMEOUT_S):
        return await following


async def _follow(
    client: Client, sent: dict[int, float], count: int, ready: asyncio.Event
) -> list[float]:
    found: list[float] = []
    filters = Filters(lanes=["parsed"], system_id="ccsds")
    async with aclosing(client.stream("LIVE", filters=filters)) as stream:
        async for chunk in stream:
            ready.set()
            now = time.perf_counter()
            for event in chunk.events:
                number = _number(bytes(event))
                if number in sent:
                    found.append(now - sent[number])
            if len(found) >= count:
                break
    return found


def _number(event: bytes) -> int:
    begin = event.index(b'_P00":') + len(b'_P00":')
    return int(event[begin : event.index(b",", begin)])


async def work_on(folder: Path, nova: RunningNova, count: int) -> FlowFigures:
    """Both measurements in one instance."""
    far, made = FarEnd(), packets(count)
    more = packets(int(LIVE_HZ * LIVE_S), first=count)
    rest = packets(BURSTS * BURST_PACKETS, first=count + len(more))
    async with hosted(folder, nova, far) as host:
        writer = await far.writer()
        async with await Client.to_core(nova.data) as client:
            times, started = CpuTimes(nova, host), time.perf_counter()
            await flood(writer, made)
            await until_readable(client, made[-1])
            hz = count / (time.perf_counter() - started)
            host_us, all_us = times.spent_us(count)
            idle_us = await settled(nova, host) / LIVE_HZ
            times = CpuTimes(nova, host)
            delays = await live(client, writer, more)
            live_us = times.spent_us(len(more))
            times = CpuTimes(nova, host)
            await bursts(client, writer, rest)
            burst_us = times.spent_us(BURSTS)
    p50, p99 = (quantile(delays, share) * MS for share in (0.5, 0.99))
    return FlowFigures(hz, host_us, all_us, p50, p99, *live_us, idle_us, *burst_us)


def probe(count: int) -> FlowFigures:
    """The figures of the packages that Python finds."""
    with (
        tempfile.TemporaryDirectory(prefix="nova-bench-flow-") as name,
        running_nova(Path(name) / "data", "--scope", SCOPE) as nova,
    ):
        figures = asyncio.run(work_on(Path(name), nova, count))
        nova.kill()
    return figures


@click.command()
@click.argument("commit")
@click.option("--pairs", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--packets", "count", type=click.IntRange(min=1), default=20_000, show_default=True)
def compare(commit: str, pairs: int, count: int) -> None:
    """Print the figures of this tree and of COMMIT, which is a commit or a folder."""
    arguments = [__file__, "--probe", str(count)]
    with work_tree(commit) as there:
        found = in_turns(ROOT, there, pairs, lambda tree: probed(tree, arguments, FlowFigures))
    click.echo(f"{'':13} {'here':>9} {'there':>9} {'ratio':>6}")
    for name in FlowFigures.__struct_fields__:
        here = statistics.median(getattr(one, name) for one, _ in found)
        there = statistics.median(getattr(other, name) for _, other in found)
        click.echo(f"{name:13} {here:9.1f} {there:9.1f} {here / there:6.3f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--probe"]:
        print(msgspec.json.encode(probe(int(sys.argv[2]))).decode())
    else:
        compare()
