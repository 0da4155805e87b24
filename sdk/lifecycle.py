"""How a process of NOVA lives: it says when it is ready and ends on SIGTERM or with its parent."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import resource
import signal
import sys
import threading

import msgspec

GARBAGE_THRESHOLD = 100_000
"""So many more objects than before make the collector look. A batch of events is tens of thousands,
all freed without it; looking through each batch cost an eighth of ingest and a third of a scan.
"""


def say_ready(process: str, **facts: str) -> None:
    """Print the one line that the supervisor waits for."""
    _say({"ready": process, **facts})


def say_progress(process: str, progress: str) -> None:
    """Print how far a process is that is not ready for long; the supervisor then waits on."""
    _say({"starting": process, "progress": progress})


def _say(facts: dict[str, str]) -> None:
    sys.stdout.write(msgspec.json.encode(facts).decode() + "\n")
    sys.stdout.flush()


def stop_event(exit_with_stdin: bool = False) -> asyncio.Event:
    """An event that SIGTERM and SIGINT set, and the end of stdin where the parent holds its other
    end.
    """
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if exit_with_stdin:
        threading.Thread(target=_watch_stdin, args=(loop, stop), daemon=True).start()
    return stop


def outlast_interrupt() -> None:
    """Leave Ctrl-C to the parent, which ends this process when its own work is done."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def open_many() -> None:
    """Let the process have as many files open as it may."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def collect_seldom() -> None:
    """Let the collector of cycles look seldom, for a process that handles events by batches."""
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)


def _watch_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    if not loop.is_closed():
        loop.call_soon_threadsafe(stop.set)
