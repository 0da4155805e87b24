"""Real writer processes that start in a few milliseconds: the other side of writer_fork.py."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.faults.faulty_disk import FaultyDisk, library

ROOT = Path(__file__).parents[2]
POLL_S = 0.005
SETTINGS = {"NOVA_SCOPE": "sat", "NOVA_MEMORY_MIB": "32", "NOVA_DRIVERS": "none"}


class ForkedWriter:
    """A running writer, and how it ended."""

    def __init__(self, fork: WriterFork, pid: int) -> None:
        self._fork, self.pid = fork, pid
        self.status: int | None = None

    def has_ended(self) -> bool:
        if self.status is None:
            self.status = self._fork.ask({"wait": self.pid, "block": False})
        return self.status is not None

    async def ended(self) -> None:
        """Wait until it has ended by itself."""
        while not self.has_ended():
            await asyncio.sleep(POLL_S)

    def end(self, number: int = signal.SIGKILL) -> None:
        """Send a signal, and wait until it has ended."""
        if not self.has_ended():
            os.kill(self.pid, number)
            self.status = self._fork.ask({"wait": self.pid, "block": True})


class WriterFork:
    """The process that forks writers."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def start(self, data: Path, log: Path, disk: FaultyDisk) -> ForkedWriter:
        """A new writer; it is not ready yet."""
        where = [str(data.parent), str(disk.control), disk.journal_name]
        pid = self.ask({"data": str(data), "log": str(log), "disk": where})
        assert pid is not None
        return ForkedWriter(self, pid)

    def ask(self, request: dict[str, Any]) -> int | None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        found: int | None = json.loads(self._process.stdout.readline())
        return found


@contextmanager
def writer_fork() -> Iterator[WriterFork]:
    """A process that forks writers, for as long as the block runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.writer_fork"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, **SETTINGS, "LD_PRELOAD": str(library())},
    )
    with process:
        try:
            yield WriterFork(process)
        finally:
            process.kill()
