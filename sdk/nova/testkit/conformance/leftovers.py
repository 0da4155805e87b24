"""Snapshots of a process's tasks, threads and descriptors, to find what was not released."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Self

DESCRIPTORS = Path("/proc/self/fd")
KERNEL_THREADS = Path("/proc/self/task")
RELEASE_TIMEOUT_S = 5.0
"""A closed socket is released in the event loop's next turns, and a thread ends a moment after it
was joined. What remains after this time is a leak.
"""
POLL_INTERVAL_S = 0.01


@dataclass(frozen=True, slots=True)
class ProcessResources:
    """This process's resources. Threads and descriptors of libraries are seen on Linux only."""

    tasks: frozenset[asyncio.Task[object]]
    threads: frozenset[str]
    descriptors: frozenset[str]

    @classmethod
    def snapshot(cls) -> Self:
        threads = {f"{thread.name} {thread.ident}" for thread in threading.enumerate()}
        return cls(
            frozenset(asyncio.all_tasks()),
            frozenset(threads | _names(KERNEL_THREADS)),
            frozenset(_descriptors()),
        )

    def added_since(self, before: ProcessResources) -> list[str]:
        """Resources in this snapshot that were not in `before`."""
        tasks = {str(task) for task in self.tasks - before.tasks}
        new = tasks | (self.threads - before.threads) | (self.descriptors - before.descriptors)
        return sorted(new)


async def leaked_since(before: ProcessResources, timeout_s: float = RELEASE_TIMEOUT_S) -> list[str]:
    """Resources added since `before` that are not released within `timeout_s`."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            while ProcessResources.snapshot().added_since(before):
                await asyncio.sleep(POLL_INTERVAL_S)
    return ProcessResources.snapshot().added_since(before)


def _names(folder: Path) -> set[str]:
    return set(os.listdir(folder)) if folder.exists() else set()


def _descriptors() -> set[str]:
    """Each descriptor with its target, since numbers are reused."""
    found = set()
    for number in _names(DESCRIPTORS):
        with contextlib.suppress(OSError):  # The descriptor that listed the folder is closed.
            found.add(f"{number} {os.readlink(DESCRIPTORS / number)}")
    return found
