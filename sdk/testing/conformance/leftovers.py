"""What a process has open at a moment: tasks, threads and descriptors; to see what stays behind."""

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
PATIENCE_S = 5.0
"""A closed socket is let go by the event loop's next turns, a thread is gone a moment after it was
joined: what is still there after this time stays."""
POLL_INTERVAL_S = 0.01


@dataclass(frozen=True, slots=True)
class Holdings:
    """What this process holds; libraries' own threads and descriptors are seen on Linux only."""

    tasks: frozenset[asyncio.Task[object]]
    threads: frozenset[str]
    descriptors: frozenset[str]

    @classmethod
    def now(cls) -> Self:
        """What is held at this moment."""
        threads = {f"{thread.name} {thread.ident}" for thread in threading.enumerate()}
        return cls(
            frozenset(asyncio.all_tasks()),
            frozenset(threads | _names(KERNEL_THREADS)),
            frozenset(_descriptors()),
        )

    def added_since(self, before: Holdings) -> list[str]:
        """What is held now and was not before."""
        tasks = {str(task) for task in self.tasks - before.tasks}
        new = tasks | (self.threads - before.threads) | (self.descriptors - before.descriptors)
        return sorted(new)


async def left_since(before: Holdings) -> list[str]:
    """What stays behind, given a moment to go."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_S):
            while Holdings.now().added_since(before):
                await asyncio.sleep(POLL_INTERVAL_S)
    return Holdings.now().added_since(before)


def _names(folder: Path) -> set[str]:
    return set(os.listdir(folder)) if folder.exists() else set()


def _descriptors() -> set[str]:
    """Each as its number and what it is, because numbers are used again."""
    found = set()
    for number in _names(DESCRIPTORS):
        with contextlib.suppress(OSError):  # The one that lists the folder is gone already.
            found.add(f"{number} {os.readlink(DESCRIPTORS / number)}")
    return found
