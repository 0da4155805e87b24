"""Ingest through a real writer: draining a filled topic."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.own import ReaderSide
from nova.core.store.durability_marker import read_marker
from nova.sdk.timestamps import NS_PER_SECOND

POLL_S = 0.1
DRAIN_TIMEOUT_S = 600.0


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
