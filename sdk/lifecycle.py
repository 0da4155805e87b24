"""How a process of NOVA lives: it says when it is ready and ends on SIGTERM or with its parent."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Coroutine
from pathlib import Path

import msgspec

GARBAGE_THRESHOLD = 100_000
"""So many more objects than before make the collector look. A batch of events is tens of thousands,
all freed without it; looking through each batch cost an eighth of ingest and a third of a scan.
"""

NICENESS = 19
"""The lowest priority."""

AUTOGROUP = Path("/proc/self/autogroup")
"""The priority of a session among the others (Linux, sched(7))."""

SUPERVISOR_VARIABLE = "NOVA_SUPERVISOR"
"""The process id of the supervisor, in the environment of the processes that it starts."""

PR_SET_PDEATHSIG = 1
"""prctl(2): the signal that this process gets when the thread that started it ends."""

ORPHAN_GRACE_S = 5.0
"""What an orphan has to end cleanly where the kernel does not end it."""

ORPHAN_STATUS = 70

AUTOGROUP_ATTEMPTS = 20
AUTOGROUP_PAUSE_S = 0.11


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
    end. A process that a supervisor started ends with it, whatever it is doing.
    """
    is_supervised = _end_with_supervisor()
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if exit_with_stdin:
        threading.Thread(target=_watch_stdin, args=(loop, stop, is_supervised), daemon=True).start()
    return stop


def _end_with_supervisor() -> bool:
    """Have the kernel end this process with the supervisor that started it; whether one did.

    Neither a signal's handler nor the end of stdin is heard within a long synchronous step, and an
    orphan in one keeps the lock of what it writes. All that we store outlives a SIGKILL.
    """
    parent = os.environ.get(SUPERVISOR_VARIABLE)
    if parent != str(os.getppid()):
        return False
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if parent != str(os.getppid()):
            os._exit(ORPHAN_STATUS)  # It ended just before the kernel was told.
    return True


async def until_stopped(work: Coroutine[None, None, None], stop: asyncio.Event) -> None:
    """Work until the event is set, or until the work ends; raises what it raised."""
    working = asyncio.create_task(work)
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait((working, stopped), return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if working.done():
        working.result()
    working.cancel()
    await asyncio.wait((working,))


def outlast_interrupt() -> None:
    """Leave Ctrl-C to the parent, which ends this process when its own work is done."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def open_many() -> None:
    """Let the process have as many files open as it may."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def give_way() -> None:
    """Take the lowest priority.

    Where the kernel groups processes by session, niceness weighs within a session alone, and a
    process that leads one of its own is as heavy as all others together. So its session is made
    nice too, unless others are in it: whoever leads it is alone there when it starts.
    """
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    if os.getsid(0) == os.getpid():
        _give_way_as_session()


def _give_way_as_session() -> None:
    for _ in range(AUTOGROUP_ATTEMPTS):
        try:
            AUTOGROUP.write_text(str(NICENESS))
            return
        except BlockingIOError:  # The kernel lets one process in a tenth of a second do it.
            time.sleep(AUTOGROUP_PAUSE_S)
        except OSError:
            return  # Sessions are not grouped here.


def collect_seldom() -> None:
    """Let the collector of cycles look seldom, for a process that handles events by batches."""
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)


def _watch_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event, is_supervised: bool) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    if not loop.is_closed():
        loop.call_soon_threadsafe(stop.set)
    if is_supervised:
        time.sleep(ORPHAN_GRACE_S)
        os._exit(ORPHAN_STATUS)
