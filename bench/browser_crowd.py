"""`python -m bench.browser_crowd COMMIT`: many clients of the edge that follow LIVE, as browsers
do, of this tree and of another commit in turns: what reader and edge spend on each event of each
client, their memory, and the delay of an event at one of the clients.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import click
import msgspec

from bench import live
from bench.cpu_cost import cpu_us
from bench.crowds import resident_mib
from bench.figures import MS, quantile
from bench.side_by_side import ROOT, in_turns, probed, work_tree
from bench.work import Work
from nova.sdk.client.client import Client, login
from nova.testkit.running_nova import PASSWORD, RunningNova, running_nova

RATE_HZ = 2_000
SECONDS = 10.0
EVENT_MARK = b'"eventId":'
CHUNK_MARK = b'{"type":"streamChunk"'
HANDSHAKE = (
    "GET /ws HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
START = {"type": "startStream", "playbackRequestId": "live", "timelineMode": "LIVE", "shed": True}


class CrowdFigures(msgspec.Struct):
    """CPU time in µs for an event of a client, chunks a second of a client, the share of events
    that a client got, delays in ms, memory in MiB.
    """

    edge_us: float
    reader_us: float
    chunks_hz: float
    share: float
    p50_ms: float
    p99_ms: float
    edge_mib: float
    reader_mib: float


class CountingClient(asyncio.Protocol):
    """A connection that counts what it receives, and parses nothing."""

    def __init__(self, host: str, token: str) -> None:
        self.started = asyncio.get_running_loop().create_future()
        self.events = self.chunks = 0
        self._host, self._token = host, token

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(HANDSHAKE.format(host=self._host).encode())

    def data_received(self, data: bytes) -> None:
        self.events += data.count(EVENT_MARK)
        self.chunks += data.count(CHUNK_MARK)
        if self.started.done():
            return
        if b"Sec-WebSocket-Accept" in data:
            self._send({"type": "auth", "token": self._token})
        if b'"type":"authenticated"' in data:
            self._send(START)
        if b'"type":"streamStarted"' in data:
            self.started.set_result(None)

    def _send(self, message: object) -> None:
        """Send a short text frame, masked by zeros."""
        data = json.dumps(message).encode()
        self._transport.write(b"\x81\xfe" + len(data).to_bytes(2) + bytes(4) + data)


async def follow(url: str, token: str, clients: int) -> None:
    """Be the crowd until stdin closes; prints a line when all follow, and what they got."""
    where, loop = urlsplit(url), asyncio.get_running_loop()
    assert where.hostname is not None and where.port is not None
    made = []
    for _ in range(clients):
        _, client = await loop.create_connection(
            lambda: CountingClient(where.netloc, token), where.hostname, where.port
        )
        await client.started
        made.append(client)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(json.dumps([sum(one.events for one in made), sum(one.chunks for one in made)]))


@contextmanager
def crowd(nova: RunningNova, token: str, clients: int) -> Iterator[list[int]]:
    """A crowd while the block runs; then the events and chunks that all of them got."""
    command = [sys.executable, __file__, "--follow", nova.url, token, str(clients)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    got: list[int] = []
    try:
        process.stdout.readline()
        yield got
    finally:
        out, _ = process.communicate()
        got += json.loads(out)


async def measured(nova: RunningNova, work: Work, clients: int) -> CrowdFigures:
    """The figures of one run."""
    token = await login(nova.url, "admin", PASSWORD)
    edge, reader = nova.child("edge"), nova.child("reader")
    async with await Client.to_edge(nova.url, token) as client:
        with crowd(nova, token, clients) as got:
            before, started = (cpu_us(edge), cpu_us(reader)), time.perf_counter()
            delays = await live.latencies(client, nova.publish, work, SECONDS, RATE_HZ)
            spent = cpu_us(edge) - before[0], cpu_us(reader) - before[1]
            took_s = time.perf_counter() - started
            mib = resident_mib(edge), resident_mib(reader)
    events, chunks = got
    p50, p99 = (quantile(delays, share) * MS for share in (0.5, 0.99))
    share = events / clients / (SECONDS * RATE_HZ)
    edge_us, reader_us = (one / events for one in spent)
    return CrowdFigures(*(edge_us, reader_us, chunks / clients / took_s, share), *(p50, p99), *mib)


def probe(clients: int) -> CrowdFigures:
    """The figures of the packages that Python finds."""
    work = Work(100_000)
    with (
        tempfile.TemporaryDirectory(prefix="nova-bench-crowd-") as name,
        running_nova(Path(name) / "data", "--scope", work.scope) as nova,
    ):
        figures = asyncio.run(measured(nova, work, clients))
        nova.kill()
    return figures


@click.command()
@click.argument("commit")
@click.option("--pairs", type=click.IntRange(min=1), default=2, show_default=True)
@click.option("--clients", type=click.IntRange(min=1), default=500, show_default=True)
def compare(commit: str, pairs: int, clients: int) -> None:
    """Print the figures of this tree and of COMMIT, which is a commit or a folder."""
    arguments = [__file__, "--probe", str(clients)]
    with work_tree(commit) as there:
        found = in_turns(ROOT, there, pairs, lambda tree: probed(tree, arguments, CrowdFigures))
    click.echo(f"{'':11} {'here':>9} {'there':>9} {'ratio':>6}")
    for name in CrowdFigures.__struct_fields__:
        here = statistics.median(getattr(one, name) for one, _ in found)
        there = statistics.median(getattr(other, name) for _, other in found)
        click.echo(f"{name:11} {here:9.2f} {there:9.2f} {here / there:6.3f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--probe"]:
        print(msgspec.json.encode(probe(int(sys.argv[2]))).decode())
    elif sys.argv[1:2] == ["--follow"]:
        asyncio.run(follow(sys.argv[2], sys.argv[3], int(sys.argv[4])))
    else:
        compare()
