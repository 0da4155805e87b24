"""Crowds: memory of reader and edge, and delay of live events, under many heavy requests.

`python -m bench.crowds --data DIR --events N` grows an archive of the bench's work to N
events, and lets `--clients` clients behind the edge first walk it by queries and then stall in
streams and in answers, beside a live stream of `LIVE_HZ` events a second.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

import aiohttp

from bench import live
from bench.busy_producer import publish
from bench.figures import MS, quantile
from bench.memory import KIB, MIB
from bench.own import BATCH_EVENTS
from bench.work import Work
from nova.sdk.client.client import Client, login
from nova.testkit.running_nova import PASSWORD, RunningNova, running_nova

LIVE_HZ = 500
LIVE_S = 15.0
SETTLE_S = 5.0
CLIENTS_PER_PROCESS = 50
PAGE_EVENTS = 10_000
ASKED_AT_ONCE = 4
BUSY_PAUSE_S = 0.5
RECEIVE_BYTES = 64 * 1024
MAX_FRAME_BYTES = 64 * 1024 * 1024
LOOK_INTERVAL_S = 0.2
_NEXT_KEY = re.compile(rb'"nextKey":"([0-9a-f]+)"')
_CODE = re.compile(rb'"code":"(\w+)"')
_RSS = re.compile(r"VmRSS:\s+(\d+) kB")

Socket = aiohttp.ClientWebSocketResponse[Literal[False]]
Task = Callable[[Socket, Counter[str]], Awaitable[None]]


class Crowd(NamedTuple):
    """The requests of one crowd, and their description."""

    name: str
    what: str


CROWDS = (
    Crowd("walk", "walk the archive by queries"),
    Crowd("stall", "start a replay and do not read it"),
    Crowd("hoard", "ask for four pages and do not read them"),
)


async def walk(socket: Socket, done: Counter[str]) -> None:
    """Query page after page, and start again at the end."""
    after = None
    while True:
        query = {"type": "query", "timebase": "canonical", "limit": PAGE_EVENTS, "ref": 1}
        await socket.send_json(query if after is None else {**query, "afterKey": after})
        frame = (await socket.receive()).data
        if not isinstance(frame, bytes):
            done["lost"] += 1
            return
        head = frame[:300]
        if head.startswith(b'{"type":"error"'):
            found = _CODE.search(head)
            done[found[1].decode() if found else "error"] += 1
            await asyncio.sleep(BUSY_PAUSE_S * random.uniform(0.5, 1.5))
            continue
        done["pages"] += 1
        done["bytes"] += len(frame)
        found = _NEXT_KEY.search(head)
        after = None if found is None else found[1].decode()


async def stall(socket: Socket, done: Counter[str]) -> None:
    """Start a replay of everything, and read nothing."""
    start = {"type": "startStream", "playbackRequestId": "stalled", "timelineMode": "REPLAY"}
    await socket.send_json({**start, "rate": "max", "timebase": "canonical"})
    done["started"] += 1
    await asyncio.sleep(3_600)


async def hoard(socket: Socket, done: Counter[str]) -> None:
    """Request large pages, and read no reply."""
    for ref in range(ASKED_AT_ONCE):
        query = {"type": "query", "timebase": "canonical", "limit": PAGE_EVENTS, "ref": ref}
        await socket.send_json(query)
    done["asked"] += 1
    await asyncio.sleep(3_600)


TASKS: dict[str, Task] = {"walk": walk, "stall": stall, "hoard": hoard}


async def crowd(name: str, url: str, token: str, clients: int) -> None:
    """Run a crowd until stdin closes, then print its figures."""
    done: Counter[str] = Counter()

    async def one(session: aiohttp.ClientSession) -> None:
        connected = session.ws_connect(
            f"{url}/ws", compress=0, max_msg_size=MAX_FRAME_BYTES, decode_text=False
        )
        async with connected as socket:
            await socket.send_json({"type": "auth", "token": token})
            await socket.receive()
            await TASKS[name](socket, done)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        tasks = [asyncio.create_task(one(session)) for _ in range(clients)]
        await asyncio.to_thread(sys.stdin.read)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    sys.stdout.write(json.dumps(done))


@contextmanager
def crowded(name: str, nova: RunningNova, token: str, clients: int) -> Iterator[Counter[str]]:
    """A crowd in its own processes while the block runs, and its figures."""
    processes = []
    done: Counter[str] = Counter()
    for first in range(0, clients, CLIENTS_PER_PROCESS):
        count = min(CLIENTS_PER_PROCESS, clients - first)
        command = [sys.executable, "-m", "bench.crowds", "--crowd", name, "--url", nova.url]
        command += ["--token", token, "--clients", str(count)]
        niced = ["nice", "-n", "5", *command]
        process = subprocess.Popen(niced, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        processes.append(process)
    try:
        yield done
    finally:
        for process in processes:
            out, _ = process.communicate()
            done.update(json.loads(out or b"{}"))


def resident_mib(pid: int) -> float:
    """The resident memory of a process."""
    found = _RSS.search(Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) * KIB / MIB


class WatchedMemory:
    """Peak memory of reader and edge since the start of the watch."""

    def __init__(self, nova: RunningNova) -> None:
        self._pids = {name: nova.child(name) for name in ("reader", "edge")}
        self.most = dict.fromkeys(self._pids, 0.0)
        self._task = asyncio.create_task(self._look())

    async def _look(self) -> None:
        while True:
            for name, size in self.now().items():
                self.most[name] = max(self.most[name], size)
            await asyncio.sleep(LOOK_INTERVAL_S)

    def now(self) -> dict[str, float]:
        """The present memory of each."""
        return {name: resident_mib(pid) for name, pid in self._pids.items()}

    def end(self) -> str:
        """Stop measuring; returns the figures as text."""
        self._task.cancel()
        now = self.now()
        return ", ".join(
            f"{name} at most {most:,.0f} MiB, now {now[name]:,.0f}"
            for name, most in self.most.items()
        )


async def measured(nova: RunningNova, work: Work, clients: int, names: list[str]) -> None:
    """Print a line for every crowd."""
    token = await login(nova.url, "admin", PASSWORD)
    async with await Client.to_edge(nova.url, token) as client:
        watched = WatchedMemory(nova)
        await asyncio.sleep(1)
        alone = await _live(client, nova, work, seed=100)
        print(f"alone: live {alone}; {watched.end()}", flush=True)
        for number, (name, what) in enumerate(CROWDS):
            if name not in names:
                continue
            watched = WatchedMemory(nova)
            with crowded(name, nova, token, clients) as done:
                await asyncio.sleep(SETTLE_S)
                beside = await _live(client, nova, work, seed=101 + number)
            during = watched.end()
            await asyncio.sleep(SETTLE_S)
            after = {key: round(value) for key, value in watched.now().items()}
            print(f"{clients} {what}: live {beside}; {during}; 5 s after {after}; {dict(done)}")


async def _live(client: Client, nova: RunningNova, work: Work, seed: int) -> str:
    began = time.monotonic()
    found = await live.latencies(client, nova.publish, work._replace(seed=seed), LIVE_S, LIVE_HZ)
    p50, p99 = (quantile(found, share) * MS for share in (0.5, 0.99))
    return f"p50 {p50:.1f} ms, p99 {p99:.1f} ms in {time.monotonic() - began:.0f} s"


async def grow(nova: RunningNova, work: Work) -> None:
    """Grow an archive to a number of events."""
    async with await Client.to_core(nova.data) as client:
        held = (await client.status()).events
    for batch in work.batches(50 * BATCH_EVENTS, held):
        await publish(nova.publish, batch)


def main() -> None:
    """Measure, or be a crowd."""
    parser = argparse.ArgumentParser(prog="python -m bench.crowds")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--crowds", default="walk,stall,hoard")
    parser.add_argument("--crowd", help="be this one")
    parser.add_argument("--url")
    parser.add_argument("--token")
    asked = parser.parse_args()
    if asked.crowd:
        asyncio.run(crowd(asked.crowd, asked.url, asked.token, asked.clients))
        return
    work = Work(asked.events)
    with running_nova(asked.data, "--scope", work.scope) as nova:
        asyncio.run(grow(nova, work))
        asyncio.run(measured(nova, work, asked.clients, asked.crowds.split(",")))


if __name__ == "__main__":
    main()
