"""What the processes of an instance use: CPU time and memory of each, by its name (Linux)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bench.memory import peak_mib

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
INTERVAL_S = 0.1
SUPERVISOR, CHECKER = "supervisor", "checker"
CHILDREN = ("writer", "reader", "sampler", "alarms", "files", "edge")
DONE_SHARE = 0.99
"""A process has done its work at the time at which it had spent this share of its CPU time."""


class UseSample(NamedTuple):
    """The CPU seconds that each process had spent at a time of the monotonic clock."""

    at_s: float
    cpu_s: dict[str, float]


class ProcessUse:
    """Follows the processes of the instance whose supervisor has this id."""

    def __init__(self, supervisor: int) -> None:
        self._supervisor = supervisor
        self.samples: list[UseSample] = []
        self.peak_mib: dict[str, float] = {}

    def look(self) -> UseSample:
        """The CPU time of now, which is kept."""
        cpu_s: defaultdict[str, float] = defaultdict(float)
        for name, process in _processes(self._supervisor):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError, AssertionError):
                cpu_s[name] += cpu_seconds(process)
                self.peak_mib[name] = max(peak_mib(process), self.peak_mib.get(name, 0.0))
        sample = UseSample(time.monotonic(), dict(cpu_s))
        self.samples.append(sample)
        return sample

    async def follow(self, interval_s: float = INTERVAL_S) -> None:
        """Look again and again until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(interval_s)

    def done_s(self, names: tuple[str, ...]) -> float:
        """When the last of these processes had done its work, by the CPU time that it has spent
        from the first look to the last.
        """
        first, last = self.samples[0].cpu_s, self.samples[-1].cpu_s
        return max(
            next(
                sample.at_s
                for sample in self.samples
                if sample.cpu_s.get(name, 0.0) - first.get(name, 0.0)
                >= DONE_SHARE * (last.get(name, 0.0) - first.get(name, 0.0))
            )
            for name in names
        )


def cpu_seconds(process: int) -> float:
    """The CPU time of a process, user and system, with that of the children it has waited for."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / TICKS_PER_S


def _processes(supervisor: int) -> Iterator[tuple[str, int]]:
    """The processes of an instance by name; a child of the writer is its checking process."""
    yield SUPERVISOR, supervisor
    for child in _children(supervisor):
        name = _name(child)
        yield name, child
        for grandchild in _children(child):
            yield CHECKER if name == "writer" else name, grandchild


def _name(process: int) -> str:
    """The name by its command. A forked process shows its own with spaces between the arguments."""
    arguments: list[bytes] = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        command = Path(f"/proc/{process}/cmdline").read_bytes()
        arguments = command.replace(b"\0", b" ").split()
    return next((name for name in CHILDREN if name.encode() in arguments), SUPERVISOR)


def _children(process: int) -> list[int]:
    """The children of all threads of a process."""
    found: list[int] = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for path in Path(f"/proc/{process}/task").glob("*/children"):
            found += map(int, path.read_text().split())
    return found
