"""Ingest through real processes: over the local transport, and draining a filled topic."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.own import ReaderSide
from nova.core.store.durability_marker import read_marker
from nova.sdk.timestamps import NS_PER_SECOND
from nova.sdk.transport.base import Record, connect

PUBLISH_RECORDS = 500
PUBLISHES_IN_FLIGHT = 8
POLL_S = 0.1
DRAIN_TIMEOUT_S = 600.0


async def publish(url: str, records: Sequence[Record]) -> float:
    """Seconds until all records are acknowledged as durable."""
    transport = connect(url)
    room = asyncio.Semaphore(PUBLISHES_IN_FLIGHT)

    async def one(part: Sequence[Record]) -> None:
        async with room:
            await transport.publish(part)

    await transport.publish(records[:1])
    started = time.perf_counter()
    parts = range(1, len(records), PUBLISH_RECORDS)
    await asyncio.gather(*(one(records[start : start + PUBLISH_RECORDS]) for start in parts))
    took = time.perf_counter() - started
    await transport.close()
    return took


def drain(data: Path, url: str, scope: str, events: int) -> float:
    """Events per second from the first commit until the topic is empty.

    The times are the archive's own receive times, and the writer's durability marker shows
    that all is stored: a reader beside the writer would use a core of its own.
    """
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "nova.cli", "core", "writer"),
            *("--data", str(data), "--exit-with-stdin"),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "NOVA_SCOPE": scope, "NOVA_TRANSPORTS": url},
    )
    with process:
        try:
            assert process.stdout is not None and process.stdout.readline()
            _wait_for(data, events)
        finally:
            process.terminate()
    with tempfile.TemporaryDirectory() as scratch, ReaderSide(data, Path(scratch)) as reader:
        low, high = reader.bounds("canonical")
    return events / ((high - low) / NS_PER_SECOND)


def _wait_for(data: Path, events: int) -> None:
    deadline = time.monotonic() + DRAIN_TIMEOUT_S
    while True:
        marker = read_marker(data)
        if marker is not None and marker.events >= events:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"{events:,} events have not come out of the topic: {marker}")
        time.sleep(POLL_S)
