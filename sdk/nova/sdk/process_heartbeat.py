"""The heartbeat of a supervised process: lines on stdout, by whose absence its supervisor notices
that it hangs.

The event loop writes them, so that a process which is stopped or whose loop is blocked falls
silent. A step that blocks the loop for long and is healthy is announced with `busy_with`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import sys
from collections.abc import Iterator

import msgspec

HEARTBEAT_S = 1.0

_writing: list[int] = []
"""The descriptor that heartbeats are written to; empty in a process without a supervisor."""


class Heartbeat(msgspec.Struct, omit_defaults=True):
    """One line. `busy` names the step that blocks the process until its next line."""

    alive: bool = False
    busy: str | None = None


ALIVE = Heartbeat(alive=True)


def begin(interval_s: float = HEARTBEAT_S) -> None:
    """Write heartbeats while the running event loop runs; nothing without a loop."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return
    if not _writing:
        _writing.append(sys.stdout.fileno())
        _beat(loop, interval_s)


def _beat(loop: asyncio.AbstractEventLoop, interval_s: float) -> None:
    _write(ALIVE)
    loop.call_later(interval_s, _beat, loop, interval_s)


@contextlib.contextmanager
def busy_with(step: str) -> Iterator[None]:
    """Announce a step that blocks the event loop for long, such as "opening the samples". Its
    process does not count as hung while it uses the processor.
    """
    _write(Heartbeat(busy=step))
    try:
        yield
    finally:
        _write(ALIVE)


def _write(heartbeat: Heartbeat) -> None:
    """Write a line, unless the supervisor does not read: no process waits for it."""
    for descriptor in _writing:
        # A pipe that is writable takes a line this short as a whole (PIPE_BUF).
        if select.select((), (descriptor,), (), 0)[1]:
            with contextlib.suppress(OSError):
                os.write(descriptor, msgspec.json.encode(heartbeat) + b"\n")
