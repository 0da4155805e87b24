"""Sockets of one edge: what idle ones cost, and what those that stall take from the others.

`python -m bench.sockets idle` holds `--clients` authenticated sockets that do nothing.
`python -m bench.sockets stalled` measures the delay of live events and of queries at `--healthy`
clients, in turns alone and beside `--stalled` clients that request much and read nothing. Clients
run in processes of their own.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import re
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, NamedTuple

import aiohttp

from bench.crowds import MAX_FRAME_BYTES, grow, resident_mib
from bench.figures import MS, quantile
from bench.memory import KIB, MIB
from bench.work import Work
from nova.sdk.client.client import login
from nova.sdk.events.observation import Entity
from nova.sdk.producer.producer import Producer
from nova.sdk.transport.base import connect
from nova.testkit.running_nova import PASSWORD, RunningNova, running_nova

SYSTEM = "sockets"
PER_PROCESS = 2_500
CONNECTING_AT_ONCE = 12
"""In each process; an edge admits 64 of one address at once (four processes for ten thousand)."""
IDLE_S = 10.0
PUBLISH_HZ = 10
REST_S, REST_POLL_S, REST_SHARE, REST_TIMEOUT_S = 1.0, 0.5, 0.15, 30.0
QUERY_INTERVAL_S = 1.0
QUERY_EVENTS, LARGE_EVENTS = 100, 10_000
STALLED_S = 3_600.0
SMALL_BUFFER_BYTES = 4 * KIB

_SENT = re.compile(rb'"sentNs":(\d+)')

Json = dict[str, object]
START: Json = {"type": "startStream", "playbackRequestId": "s", "timebase": "canonical"}
PAGE: Json = {"type": "query", "timebase": "canonical", "limit": LARGE_EVENTS}
STALLED: tuple[tuple[Json, ...], ...] = (
    ({**START, "timelineMode": "REPLAY", "rate": "max"},),
    ({**START, "timelineMode": "LIVE", "startTime": "2020-01-01T00:00:00Z"},),
    (PAGE,) * 4,
)
"""What stalled clients request in turns."""

Socket = aiohttp.ClientWebSocketResponse[Literal[False]]


class Delays(NamedTuple):
    """Seconds until live events and replies arrived."""

    live_s: list[float]
    query_s: list[float]


# --- the processes of the clients -----------------------------------------------------------------


def small_socket(address: aiohttp.AddrInfoType) -> socket.socket:
    """A socket that receives little before its client reads."""
    made = socket.socket(*address[:3])
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER_BYTES)
    return made


class SocketClients:
    """The clients of one process, all with one task."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self._token = f"{url}/ws", token
        self._turn = asyncio.Semaphore(CONNECTING_AT_ONCE)
        self.admitted = 0
        self.errors = 0
        self.delays = Delays([], [])
        self._stalled_requests = cycle(STALLED)

    async def run(self, name: str, clients: int) -> None:
        """Print a line when all are admitted, and the delays when stdin closes."""
        task = {
            "idle": self._idle,
            "asked": self._asked,
            "healthy": self._healthy,
            "stalled": self._stalled,
        }[name]
        make = small_socket if name == "stalled" else None
        connector = aiohttp.TCPConnector(limit=0, socket_factory=make)
        async with aiohttp.ClientSession(connector=connector) as session:
            tasks = [asyncio.create_task(task(session)) for _ in range(clients)]
            while self.admitted < clients:
                await asyncio.sleep(0.1)
                for failed in (one for one in tasks if one.done()):
                    failed.result()
            print("admitted", flush=True)
            await asyncio.to_thread(sys.stdin.read)
            for one in tasks:
                one.cancel()
            await asyncio.wait(tasks)
        print(json.dumps(self.delays))

    @asynccontextmanager
    async def _connected(self, session: aiohttp.ClientSession) -> AsyncIterator[Socket]:
        async with contextlib.AsyncExitStack() as stack:
            async with self._turn:
                connecting = session.ws_connect(
                    self._url, compress=0, max_msg_size=MAX_FRAME_BYTES, decode_text=False
                )
                ws: Socket = await stack.enter_async_context(connecting)
                await ws.send_json({"type": "auth", "token": self._token})
                reply = await ws.receive_json()
                assert reply["type"] == "authenticated", reply
            self.admitted += 1
            yield ws

    async def _idle(self, session: aiohttp.ClientSession) -> None:
        """Read what comes: pings."""
        async with self._connected(session) as ws:
            await self._read_pings(ws)

    async def _asked(self, session: aiohttp.ClientSession) -> None:
        """The same, after one request."""
        async with self._connected(session) as ws:
            await ws.send_json({"type": "query", "limit": 1, "ref": 1})
            reply = await ws.receive_json()
            assert reply["type"] == "queryResponse", reply
            await self._read_pings(ws)

    async def _read_pings(self, ws: Socket) -> None:
        async for message in ws:
            raise AssertionError(message)
        raise AssertionError(f"an idle socket was closed with {ws.close_code}")

    async def _healthy(self, session: aiohttp.ClientSession) -> None:
        """Follow the present, and query now and then."""
        async with self._connected(session) as ws:
            filters = {"systemId": SYSTEM}
            start = {"type": "startStream", "playbackRequestId": "live", "timelineMode": "LIVE"}
            await ws.send_json({**start, "filters": filters})
            asking = asyncio.create_task(self._ask(ws))
            try:
                async for message in ws:
                    self._receive(message.data)
            finally:
                asking.cancel()

    async def _ask(self, ws: Socket) -> None:
        query = {"type": "query", "timebase": "canonical", "limit": QUERY_EVENTS}
        while True:
            await asyncio.sleep(QUERY_INTERVAL_S * random.uniform(0.5, 1.5))
            await ws.send_json({**query, "ref": time.monotonic_ns()})

    def _receive(self, frame: bytes) -> None:
        head = frame[:64]
        if head.startswith(b'{"type":"streamChunk"'):
            now = time.monotonic_ns()
            self.delays.live_s.extend((now - int(sent)) / 1e9 for sent in _SENT.findall(frame))
        elif head.startswith(b'{"type":"queryResponse"'):
            ref = json.loads(frame)["ref"]
            self.delays.query_s.append((time.monotonic_ns() - ref) / 1e9)
        elif head.startswith(b'{"type":"error"'):
            self.errors += 1

    async def _stalled(self, session: aiohttp.ClientSession) -> None:
        """Replay everything, follow the present, or ask for pages, and read nothing of it."""
        requests = next(self._stalled_requests)
        async with self._connected(session) as ws:
            for number, one in enumerate(requests):
                await ws.send_json(one | {"ref": number})
            await asyncio.sleep(STALLED_S)


# --- the measurement ------------------------------------------------------------------------------


@contextmanager
def clients_of(nova: RunningNova, token: str, name: str, count: int) -> Iterator[Delays]:
    """Clients that are admitted, while the block runs, and then their delays."""
    delays = Delays([], [])
    options = "--url", nova.url, "--token", token
    with ExitStack() as stack:
        processes = []
        for first in range(0, count, PER_PROCESS):
            command = [sys.executable, "-m", "bench.sockets", "clients", "--be", name, *options]
            command += ["--clients", str(min(PER_PROCESS, count - first))]
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            processes.append(stack.enter_context(process))
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == b"admitted\n", "clients were not admitted"
        try:
            yield delays
        finally:
            for process in processes:
                live_s, query_s = json.loads(process.communicate()[0])
                delays.live_s.extend(live_s)
                delays.query_s.extend(query_s)


async def publish_live(nova: RunningNova, seconds: float) -> None:
    """Events that carry the time at which they were sent."""
    async with Producer(connect(nova.publish), nova_scope()) as producer:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            seen = producer.observe(Entity(SYSTEM, "c", "u"))
            await producer.send([seen.ui("v", "bench", "1", {"sentNs": time.monotonic_ns()})])
            await asyncio.sleep(1 / PUBLISH_HZ)


def nova_scope() -> str:
    return Work(0).scope


def resources_of(nova: RunningNova) -> dict[str, tuple[float, float]]:
    """Resident MiB and CPU seconds so far of an edge and its reader."""
    pids = {name: nova.child(name) for name in ("edge", "reader")}
    return {name: (resident_mib(pid), cpu_s(pid)) for name, pid in pids.items()}


def cpu_s(pid: int) -> float:
    """User and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wait_until_rest(nova: RunningNova) -> None:
    """Wait until the requests of stalled clients are read, as far as they ever are."""
    reader, deadline = nova.child("reader"), time.monotonic() + REST_TIMEOUT_S
    used_s, rest_s = cpu_s(reader), 0.0
    while rest_s < REST_S and time.monotonic() < deadline:
        time.sleep(REST_POLL_S)
        before_s, used_s = used_s, cpu_s(reader)
        rest_s = rest_s + REST_POLL_S if used_s - before_s < REST_SHARE * REST_POLL_S else 0.0


def print_idle(asked: argparse.Namespace) -> None:
    kind = "asked" if asked.after_request else "idle"
    with opened(asked, 0) as nova:
        token = asyncio.run(login(nova.url, "admin", PASSWORD))
        before = resources_of(nova)
        with clients_of(nova, token, kind, asked.clients):
            began = resources_of(nova)
            time.sleep(asked.seconds)
            beside = resources_of(nova)
    for name, (size, used_s) in beside.items():
        grown = (size - before[name][0]) * MIB / KIB / asked.clients
        share = (used_s - began[name][1]) / asked.seconds
        print(
            f"{name}: {before[name][0]:.0f} MiB, with {asked.clients} idle sockets {size:.0f} MiB "
            f"({grown:.1f} KiB each), which take {share:.1%} of a core"
        )


class Turn(NamedTuple):
    """What healthy clients saw, and the CPU time of edge and reader meanwhile."""

    delays: Delays
    cpu_s: float

    def p99(self) -> dict[str, float]:
        live_s, query_s = self.delays
        return {"live": quantile(live_s, 0.99), "query": quantile(query_s, 0.99)}

    def text(self) -> str:
        both = (
            f"{name} {_text(one)}" for name, one in zip(Delays._fields, self.delays, strict=True)
        )
        return f"{', '.join(both)}, CPU {self.cpu_s:.2f} s"


def measure_turn(nova: RunningNova, token: str, asked: argparse.Namespace) -> Turn:
    with clients_of(nova, token, "healthy", asked.healthy) as delays:
        before = resources_of(nova)
        asyncio.run(publish_live(nova, asked.seconds))
        after = resources_of(nova)
        time.sleep(1)
    return Turn(delays, sum(after[name][1] - before[name][1] for name in after))


def print_stalled(asked: argparse.Namespace) -> None:
    """Print each turn, and the ratios of both kinds of turns."""
    ratios: dict[str, list[float]] = {"live": [], "query": [], "CPU": []}
    with opened(asked, asked.events) as nova:
        token = asyncio.run(login(nova.url, "admin", PASSWORD))
        for _ in range(asked.turns):
            alone = measure_turn(nova, token, asked)
            with clients_of(nova, token, "stalled", asked.stalled):
                wait_until_rest(nova)
                beside = measure_turn(nova, token, asked)
            print(
                f"alone: {alone.text()}\nbeside {asked.stalled} stalled: {beside.text()}",
                flush=True,
            )
            for name, p99 in alone.p99().items():
                ratios[name].append(beside.p99()[name] / p99)
            ratios["CPU"].append(beside.cpu_s / alone.cpu_s)
        print({name: f"{size:.0f} MiB" for name, (size, _) in resources_of(nova).items()})
    for name, found in ratios.items():
        each = ", ".join(f"{one:.2f}" for one in found)
        print(f"{name}, beside / alone: median {statistics.median(found):.2f} of {each}")


def _text(found: list[float]) -> str:
    p50, p99 = (MS * quantile(found, share) for share in (0.5, 0.99))
    return f"{len(found)}: p50 {p50:.1f} ms, p99 {p99:.1f} ms"


@contextmanager
def opened(asked: argparse.Namespace, events: int) -> Iterator[RunningNova]:
    work = Work(events, ui_only=True)
    with TemporaryDirectory(prefix="nova-") as folder:
        data = asked.data or Path(folder) / "data"
        with running_nova(data, "--scope", work.scope) as nova:
            asyncio.run(grow(nova, work))
            yield nova


def main() -> None:
    """Measure, or be clients."""
    parser = argparse.ArgumentParser(prog="python -m bench.sockets", description=__doc__)
    parser.add_argument("what", choices=("idle", "stalled", "clients"))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--clients", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=IDLE_S)
    parser.add_argument("--after-request", action="store_true", help="idle after one request")
    parser.add_argument("--healthy", type=int, default=50)
    parser.add_argument("--stalled", type=int, default=200)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--be", help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--token", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.what == "clients":
        asyncio.run(SocketClients(asked.url, asked.token).run(asked.be, asked.clients))
    elif asked.what == "idle":
        print_idle(asked)
    else:
        print_stalled(asked)


if __name__ == "__main__":
    main()
