"""Ingest through real processes: over the local transport, and draining a topic that is full."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from core.store import catalog
from core.store.archive import Archive
from sdk.transport.base import Record, connect

PUBLISH_RECORDS = 500
PUBLISHES_IN_FLIGHT = 8
POLL_S = 0.02


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
    """Events per second from the first commit that is seen until the topic is empty."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "sdk.cli",
            "core",
            "writer",
            "--data",
            str(data),
            "--exit-with-stdin",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "NOVA_SCOPE": scope, "NOVA_TRANSPORTS": url},
    )
    with process, tempfile.TemporaryDirectory() as scratch:
        try:
            assert process.stdout is not None and process.stdout.readline()
            return _rate(data, Path(scratch), events)
        finally:
            process.terminate()


def _rate(data: Path, scratch: Path, events: int) -> float:
    view = Archive.open_secondary(data, scratch)
    try:
        first = _count(view)
        while first == 0:
            time.sleep(POLL_S)
            first = _count(view)
        started = time.perf_counter()
        while _count(view) < events:
            time.sleep(POLL_S)
        return (events - first) / max(time.perf_counter() - started, POLL_S)
    finally:
        view.close()


def _count(view: Archive) -> int:
    view.catch_up()
    return catalog.decode_counters(view.get("catalog", catalog.COUNTERS_KEY)).events
