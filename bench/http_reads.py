"""Reading over HTTP: what reader and edge take for an event of a query and for a value of columns,
beside the same query over the WebSocket, and the memory that they need for it.

`python -m bench.http_reads --events N` fills an archive of one series with five numbers an event.
CPU times are those of the processes; the rate is what one client would get if each of them had a
processor of its own, which is bounded by the one that takes longest.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

from bench.bulk_archive import STEP_NS, EventPace, fill
from bench.memory import peak_mib
from bench.process_use import cpu_seconds
from nova.sdk import timestamps
from nova.sdk.client.client import Client
from nova.sdk.events.observation import Entity, Observer, record_of
from nova.sdk.protocol.admin import AddKey, KeyChanged
from nova.sdk.protocol.column_messages import Columns, ColumnsResponse
from nova.sdk.protocol.messages import Filters, Query
from nova.sdk.transport.base import Record
from nova.testkit.running_nova import PASSWORD, RunningNova, running_nova

FIELDS = [f"p{number}" for number in range(5)]
START_NS = timestamps.parse("2026-01-01T00:00:00Z")
UNIT = Entity("bus", "eps", "a")
SERIES = {
    "scopeId": "sat", "systemId": "bus", "containerId": "eps", "uniqueId": "a",
    "lane": "parsed", "messageType": "Housekeeping",
}  # fmt: skip
BLOCK_BYTES = 1024 * 1024
POLL_S = 1.0


class ReadCost(NamedTuple):
    """What one answer took: CPU seconds of each process, and its bytes."""

    name: str
    of: int
    unit: str
    reader_s: float
    edge_s: float
    client_s: float
    wall_s: float
    size: int

    def line(self) -> str:
        """A row of the table."""
        worst = max(self.reader_s, self.edge_s)
        us = [1e6 * one / self.of for one in (self.reader_s, self.edge_s, self.client_s)]
        return (
            f"| {self.name} | {self.of:,} {self.unit} | {us[0]:.2f} | {us[1]:.2f} | {us[2]:.2f} "
            f"| {self.of / worst:,.0f}/s | {self.of / self.wall_s:,.0f}/s "
            f"| {self.size / 2**20:,.0f} MiB |"
        )


def first_record() -> Record:
    """One event, whose series the others have."""
    at = Observer("sat").observe(UNIT, START_NS - 1)
    return record_of(at.parsed("Housekeeping", dict.fromkeys(FIELDS, 0.5)))


def payload(number: int) -> bytes:
    """Five numbers with some digits, as sensors have them."""
    values = (f'"{name}":{(number * (place + 3)) % 9973 / 16}' for place, name in enumerate(FIELDS))
    return b"{" + ",".join(values).encode() + b"}"


def received(url: str, key: str, path: str, parameters: Mapping[str, str]) -> int:
    """Read an answer over a plain socket and drop it; returns its bytes."""
    host, port = urlsplit(url).netloc.split(":")
    request = (
        f"GET /api/v1/{path}?{urlencode(parameters)} HTTP/1.0\r\nHost: {host}\r\n"
        f"Authorization: Bearer {key}\r\n\r\n"
    )
    size, block = 0, bytearray(BLOCK_BYTES)
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(request.encode())
        first = connection.recv(BLOCK_BYTES)
        if b" 200 " not in first[:20]:
            raise SystemExit(first.decode(errors="replace"))
        size = len(first)
        while count := connection.recv_into(block):
            size += count
    return size


class HttpReadBench:
    """One running instance over the archive."""

    def __init__(self, nova: RunningNova, key: str, events: int) -> None:
        self._nova = nova
        self._key = key
        self._events = events
        self._pids = {name: nova.child(name) for name in ("reader", "edge")}

    def measure(self, name: str, count: int, unit: str, read: Callable[[], int]) -> ReadCost:
        """What one answer takes."""
        before = [cpu_seconds(process) for process in self._pids.values()]
        own, wall = time.process_time(), time.perf_counter()
        size = read()
        own, wall = time.process_time() - own, time.perf_counter() - wall
        after = [cpu_seconds(process) for process in self._pids.values()]
        reader_s, edge_s = (one - was for one, was in zip(after, before, strict=True))
        return ReadCost(name, count, unit, reader_s, edge_s, own, wall, size)

    def events(self, kind: str, count: int | None = None) -> ReadCost:
        """The first events in source time, by default all."""
        count = self._events if count is None else count
        stop = timestamps.text(START_NS + (count - 1) * STEP_NS)
        asked = {"limit": "all", "format": kind, "lanes": "parsed", "timebase": "source"}
        get = partial(received, self._nova.url, self._key, "query", {**asked, "stopTime": stop})
        return self.measure(f"query, {kind}", count, "events", get)

    def values(self, kind: str) -> ReadCost:
        """All values of the five fields."""
        asked = {**SERIES, "fields": ",".join(FIELDS), "limit": "all", "format": kind}
        get = partial(received, self._nova.url, self._key, "columns", asked)
        return self.measure(f"columns, {kind}", self._events * len(FIELDS), "values", get)

    def by_socket(self) -> ReadCost:
        """The same events over the WebSocket, page by page."""
        return self.measure("query, WebSocket", self._events, "events", self._pages)

    def _pages(self) -> int:
        async def read() -> int:
            query = Query(limit=10_000, timebase="source", filters=Filters(lanes=["parsed"]))
            async with await Client.to_edge(self._nova.url, self._key) as client:
                return sum([sum(map(len, page)) async for page in client.query_pages(query)])

        return asyncio.run(read())

    def peaks(self) -> str:
        """The peak memory of each process."""
        return ", ".join(f"{name} {peak_mib(pid):.0f} MiB" for name, pid in self._pids.items())


async def add_key(url: str) -> str:
    async with await Client.log_in(url, "admin", PASSWORD) as admin:
        return (await admin.request(AddKey(name="bench", role="viewer"), KeyChanged)).secret or ""


async def sampled(data: Path) -> None:
    """Wait until the sampler has every event."""
    request = Columns(
        scope_id="sat",
        system_id="bus",
        container_id="eps",
        unique_id="a",
        lane="parsed",
        message_type="Housekeeping",
        fields=FIELDS[:1],
        timebase="source",
        limit=1,
    )
    async with await Client.to_core(data) as client:
        while (await client.request(request, ColumnsResponse)).behind:
            await asyncio.sleep(POLL_S)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument(
        "--memory", action="store_true", help="only the memory of a short and of the whole answer"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        fill(data, arguments.events, [[first_record()]], payload, EventPace(START_NS))
        with running_nova(data, "--scope", "sat") as nova:
            bench = HttpReadBench(nova, asyncio.run(add_key(nova.url)), arguments.events)
            if arguments.memory:
                for count in (arguments.events // 100, arguments.events):
                    print(f"{bench.events('ndjson', count).of:,} events: peaks {bench.peaks()}")
                nova.kill()
                return
            print("| answer | of | reader µs | edge µs | client µs | rate by CPU | rate | bytes |")
            print("|---|---:|---:|---:|---:|---:|---:|---:|")
            for read in (bench.by_socket, partial(bench.events, "ndjson")):
                print(read().line(), flush=True)
            print("peaks:", bench.peaks())
            for kind in ("json", "csv"):
                print(bench.events(kind).line(), flush=True)
            asyncio.run(sampled(data))
            for kind in ("arrow", "csv"):
                print(bench.values(kind).line(), flush=True)
            print("peaks:", bench.peaks())
            nova.kill()


if __name__ == "__main__":
    main()
