"""Clients of a TCP stream: what those that read get, and how late, beside some that do not read.

`python -m bench.tcp_crowd` lets `--healthy` clients read a stream of `--hz` events a second, in
turns alone and beside `--stalled` clients that read nothing. The streams run in a process of their
own, as in an edge; so do the clients.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import selectors
import socket
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.figures import MS, quantile
from bench.memory import KIB
from nova.edge.access import Access
from nova.edge.edge_config import EdgeLimits
from nova.edge.running_streams import TcpStreams
from nova.edge.tcp_limits import TcpLimits
from nova.edge.tcp_stream_store import StoredStream
from nova.edge.upstream import reader_client
from nova.sdk import endpoints, timestamps
from nova.sdk.events.observation import Entity
from nova.sdk.producer.producer import Producer
from nova.sdk.protocol.message import Filters
from nova.sdk.protocol.tcp_streams import TcpStreamDefinition
from nova.sdk.transport.base import connect
from nova.testkit.ports import free_port
from nova.testkit.running_nova import RunningNova, running_nova

SCOPE, SYSTEM, STREAM = "sat", "crowd", "crowd"
PADDING_BYTES = 100
TICK_S = 0.02
RECEIVE_BYTES = 64 * 1024
SMALL_BUFFER_BYTES = 4 * 1024
QUIET_S = 1.0
TIME_MARK = b'"t":"'


# --- the process of the streams -------------------------------------------------------------------


async def serve(data: Path, port: int, queue_kib: int) -> None:
    """Run one stream; answers each line of stdin with its state, and ends with stdin."""
    responding = asyncio.Event()
    responding.set()
    definition = TcpStreamDefinition(
        name=STREAM, port=port, filters=Filters(system_id=SYSTEM), timebase="source"
    )
    creator = Access("admin", "user", "admin", float("inf"))
    limits = EdgeLimits(tcp=TcpLimits(queue_max_bytes=queue_kib * KIB))
    async with reader_client(endpoints.reader_socket(data)) as reader:
        streams = TcpStreams(reader, limits, responding, lambda _: creator, lambda: "canonical")
        await streams.start(StoredStream(STREAM, definition, True, 0.0, "admin", "user"))
        while await asyncio.to_thread(sys.stdin.readline):
            status = streams.status(STREAM)
            assert status is not None
            counts = {
                name: getattr(status, name) for name in ("connections", "messages", "dropped")
            }
            print(json.dumps({**counts, "cursor": status.cursor}), flush=True)
        await streams.close()


# --- the process of the clients -------------------------------------------------------------------


@dataclass
class CrowdClient:
    """What one client has received: bytes, their checksum, and how late parts of them were."""

    received: int = 0
    checksum: int = 0
    late_s: list[float] = field(default_factory=list)

    def receive(self, part: bytes) -> None:
        self.received += len(part)
        self.checksum = zlib.crc32(part, self.checksum)
        mark = part.rfind(TIME_MARK)
        text = part[mark + len(TIME_MARK) : mark + len(TIME_MARK) + timestamps.NORMAL_CHARS]
        if mark >= 0 and len(text) == timestamps.NORMAL_CHARS:
            self.late_s.append((time.time_ns() - timestamps.parse(text.decode())) / 1e9)


def read_crowd(port: int, healthy: int, stalled: int) -> None:
    """Connect and read until stdin ends and nothing comes any more; print what was received."""
    with contextlib.ExitStack() as stack, selectors.DefaultSelector() as selector:
        for _ in range(stalled):
            idle = stack.enter_context(socket.socket())
            idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER_BYTES)
            idle.connect(("127.0.0.1", port))
        clients = [CrowdClient() for _ in range(healthy)]
        for client in clients:
            reading = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            selector.register(reading, selectors.EVENT_READ, client)
        selector.register(sys.stdin, selectors.EVENT_READ)
        print("connected", flush=True)
        is_over = False
        while (ready := selector.select(QUIET_S if is_over else None)) or not is_over:
            for key, _ in ready:
                if key.fileobj is sys.stdin:
                    selector.unregister(sys.stdin)
                    is_over = True
                elif isinstance(key.fileobj, socket.socket):
                    key.data.receive(key.fileobj.recv(RECEIVE_BYTES))
        late_ms = [MS * one for client in clients for one in client.late_s]
        found = {"bytes": [one.received for one in clients]}
        print(json.dumps({**found, "checksums": [one.checksum for one in clients], "ms": late_ms}))


# --- the measurement ------------------------------------------------------------------------------


class Child:
    """A process of this module that is asked by lines."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.tcp_crowd", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().decode()

    def ask(self) -> Any:
        """The state of the stream."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        return json.loads(self.line())

    def resident_kib(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0])

    def finish(self) -> str:
        """Close its stdin; the rest of its output."""
        out, _ = self.process.communicate()
        return out.decode()


@contextmanager
def serving(nova: RunningNova, port: int, queue_kib: int) -> Iterator[Child]:
    """The process of the streams."""
    options = "--port", str(port), "--queue-kib", str(queue_kib)
    child = Child("--serve", str(nova.data), *options)
    try:
        while not _listens(port):
            time.sleep(0.05)
        yield child
    finally:
        child.finish()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@dataclass
class CrowdLoad:
    """How many read and do not, and what is published."""

    healthy: int
    stalled: int
    hz: int
    seconds: float
    padding_bytes: int = PADDING_BYTES


@dataclass
class CrowdResult:
    """One turn: what the healthy clients got, and the stream's counts."""

    sent: int
    messages: int
    dropped: int
    bytes: list[int]
    checksums: list[int]
    ms: list[float]
    resident_kib: list[int]

    def p(self, share: float) -> float:
        return quantile(self.ms, share)


async def run_crowd(nova: RunningNova, streams: Child, port: int, load: CrowdLoad) -> CrowdResult:
    """Let clients read a load, from connecting to its last event."""
    before = streams.ask()
    clients = load.healthy + load.stalled
    crowd = Child("--read", f"{load.healthy},{load.stalled}", "--port", str(port))
    assert crowd.line() == "connected\n"
    while (now := streams.ask())["connections"] < clients or not now["cursor"]:
        await asyncio.sleep(0.05)
    await asyncio.sleep(QUIET_S)
    resident_kib: list[int] = []
    sent = await _publish(nova, load, lambda: resident_kib.append(streams.resident_kib()))
    while streams.ask()["messages"] - before["messages"] < load.healthy * sent:
        await asyncio.sleep(0.1)
    found = json.loads(await asyncio.to_thread(crowd.finish))
    after = streams.ask()
    counts = {name: after[name] - before[name] for name in ("messages", "dropped")}
    return CrowdResult(sent=sent, **counts, **found, resident_kib=resident_kib)


async def _publish(nova: RunningNova, load: CrowdLoad, each_second: Callable[[], None]) -> int:
    """Publish events at a rate, each dated when it is made; returns how many."""
    part, padding = max(1, round(load.hz * TICK_S)), "x" * load.padding_bytes
    sent, looked_s = 0, 0.0
    async with Producer(connect(nova.publish), SCOPE) as producer:
        started = time.monotonic()
        while sent < load.hz * load.seconds:
            seen = [producer.observe(Entity(SYSTEM, "c", "u")) for _ in range(part)]
            payloads = ({"n": sent + n, "padding": padding} for n in range(part))
            await producer.send(
                [one.parsed("N", payload) for one, payload in zip(seen, payloads, strict=True)]
            )
            sent += part
            if time.monotonic() - looked_s > 1.0:
                looked_s = time.monotonic()
                each_second()
            await asyncio.sleep(max(0.0, started + sent / load.hz - time.monotonic()))
    return sent


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.tcp_crowd", description=__doc__)
    parser.add_argument("--serve", type=Path)
    parser.add_argument("--read")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--healthy", type=int, default=80)
    parser.add_argument("--stalled", type=int, default=20)
    parser.add_argument("--hz", type=int, default=5_000)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--queue-kib", type=int, default=4_096)
    parser.add_argument("--turns", type=int, default=3)
    asked = parser.parse_args()
    if asked.serve is not None:
        asyncio.run(serve(asked.serve, asked.port, asked.queue_kib))
    elif asked.read is not None:
        healthy, stalled = map(int, asked.read.split(","))
        read_crowd(asked.port, healthy, stalled)
    else:
        measure(asked)


def measure(asked: argparse.Namespace) -> None:
    """Print each turn's figures."""
    with (
        TemporaryDirectory(prefix="nova-") as folder,
        running_nova(Path(folder) / "data", "--scope", SCOPE) as nova,
        serving(nova, port := free_port(), asked.queue_kib) as streams,
    ):
        for _ in range(asked.turns):
            for stalled in (0, asked.stalled):
                load = CrowdLoad(asked.healthy, stalled, asked.hz, asked.seconds)
                one = asyncio.run(run_crowd(nova, streams, port, load))
                same = len(set(one.checksums)) == 1
                print(
                    f"{asked.healthy} + {stalled} stalled: {one.sent} events, "
                    f"p50 {one.p(0.5):.0f} ms, p99 {one.p(0.99):.0f} ms, all equal: {same}, "
                    f"dropped {one.dropped}, RSS {min(one.resident_kib)}-"
                    f"{max(one.resident_kib)} KiB, last {one.resident_kib[-1]}",
                    flush=True,
                )
        nova.kill()


if __name__ == "__main__":
    main()
