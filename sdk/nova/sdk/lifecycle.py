"""The life of a NOVA process: readiness line, end by SIGTERM or with its parent, priority."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import logging
import os
import platform
import resource
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path

import msgspec

from nova.sdk import process_heartbeat

GARBAGE_THRESHOLD = 100_000
"""Allocations before the garbage collector runs. A batch of events is tens of thousands of objects
that are all freed by reference counting; scanning each batch cost an eighth of ingest and a third
of a scan.
"""

KEPT_FREE_BYTES = 16 * 1024 * 1024
"""Freed memory at the end of the heap that the C library keeps. By default it is given back after
each batch and comes back page by page, zeroed, which is a quarter of the CPU time of a replay.
"""

OWN_MAPPING_BYTES = 2 * 1024 * 1024
"""From this size on an allocation is a mapping of its own, which is given back when it is freed;
chunks of events and pages of replies are smaller.
"""

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""mallopt(3)"""

NICENESS = 19
"""The lowest priority."""

IOPRIO_SET_CALLS = {"x86_64": 251, "aarch64": 30}
"""The number of ioprio_set(2) by machine; no library has a function for it."""

IOPRIO_WHO_PROCESS, IOPRIO_IDLE = 1, 3 << 13

AUTOGROUP = Path("/proc/self/autogroup")
"""The priority of a session relative to others (Linux, sched(7))."""

SUPERVISOR_VARIABLE = "NOVA_SUPERVISOR"
"""Environment variable with the supervisor's process id, set for the processes it starts."""

FIRST_PASSWORD_FACT = "firstPasswordFile"
"""Fact of an edge's ready line: the file with the generated password of the first user."""

PR_SET_PDEATHSIG = 1
"""prctl(2): the signal sent to this process when the thread that started it ends."""

ORPHAN_GRACE_S = 5.0
"""Time for an orphan to end cleanly on systems where the kernel does not kill it."""

ORPHAN_STATUS = 70

log = logging.getLogger(__name__)

STDIN_READ_BYTES = 4096
STDIN_LINE_MAX_BYTES = 64 * 1024
"""Of a longer line, its end is kept."""

AUTOGROUP_ATTEMPTS = 20
AUTOGROUP_PAUSE_S = 0.11


class StopEvent(asyncio.Event):
    """Set when the process has to stop. It then drains: it finishes what is under way, until `cut`
    is set too.
    """

    def __init__(self) -> None:
        super().__init__()
        self.cut = asyncio.Event()

    def signal(self) -> None:
        """The first signal stops, the second cuts."""
        if self.is_set():
            self.cut.set()
        self.set()

    def end(self) -> None:
        """Stop, and finish nothing."""
        self.cut.set()
        self.set()


def print_ready(process: str, **facts: str) -> None:
    """Print the line that the supervisor waits for."""
    _print_line({"ready": process, **facts})
    if _is_supervised():
        process_heartbeat.begin()


def print_progress(process: str, progress: str) -> None:
    """Print the progress of a long start, which makes the supervisor wait longer."""
    _print_line({"starting": process, "progress": progress})


def _print_line(facts: dict[str, str]) -> None:
    sys.stdout.write(msgspec.json.encode(facts).decode() + "\n")
    sys.stdout.flush()


def stop_event(
    exit_with_stdin: bool = False, on_line: Callable[[bytes], None] | None = None
) -> StopEvent:
    """An event set by SIGTERM, SIGINT and, with `exit_with_stdin`, the end of stdin, which the
    parent holds open. A process of a supervisor also ends with it in the middle of any work.
    `on_line` is called with each line that the parent writes to stdin.

    A second signal cuts, and to a process of a supervisor the end of stdin. A second signal does
    not cut that: a service manager may send its own to every process.
    """
    is_supervised = _end_with_supervisor()
    if is_supervised:
        process_heartbeat.begin()  # Its start may hang too.
    elif exit_with_stdin and _is_orphan():
        os._exit(ORPHAN_STATUS)
    loop = asyncio.get_running_loop()
    stop = StopEvent()
    on_signal = stop.set if is_supervised else stop.signal
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    if exit_with_stdin:
        watch = (loop, stop, is_supervised, on_line or _ignore_line)
        threading.Thread(target=_watch_stdin, args=watch, daemon=True).start()
    return stop


def _is_supervised() -> bool:
    """Whether a supervisor has started this process, and is still there."""
    return os.environ.get(SUPERVISOR_VARIABLE) == str(os.getppid())


def _is_orphan() -> bool:
    """Whether a supervisor has started this process and ended since: nobody holds stdin open."""
    if SUPERVISOR_VARIABLE not in os.environ:
        return False
    poll = select.poll()
    poll.register(sys.stdin.fileno(), 0)
    return any(events & select.POLLHUP for _, events in poll.poll(0))


def _end_with_supervisor() -> bool:
    """Ask the kernel to kill this process when its supervisor ends; returns whether it has one.

    A long synchronous step delays signal handlers and the watch of stdin, and an orphan in one
    would keep the lock of the data it writes. All stored data survives a SIGKILL.
    """
    if not _is_supervised():
        return False
    if sys.platform == "linux":
        kill_with_parent()
        if not _is_supervised():
            os._exit(ORPHAN_STATUS)  # The supervisor ended before prctl took effect.
    return True


def kill_with_parent() -> None:
    """Ask the kernel to kill this process when its parent ends, where the kernel can (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


async def run_until_stopped(
    work: Coroutine[None, None, None],
    stop: asyncio.Event,
    drain: Callable[[], Coroutine[None, None, None]] | None = None,
) -> None:
    """Run `work` until it ends or the event is set; raises the exception of `work`. `drain` runs
    before `work` is cancelled.
    """
    working = asyncio.create_task(work)
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait((working, stopped), return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if drain is not None and not working.done():
        await drain()
    if working.done():
        working.result()
    working.cancel()
    await asyncio.wait((working,))


async def drain(work: Coroutine[None, None, None], stop: StopEvent, drain_s: float) -> None:
    """Finish what is under way: run `work` for at most `drain_s`, or until the stop is cut."""
    working = asyncio.create_task(work)
    cut = asyncio.create_task(stop.cut.wait())
    await asyncio.wait((working, cut), timeout=drain_s, return_when=asyncio.FIRST_COMPLETED)
    if not working.done():
        log.warning("stopping before all is finished", extra={"context": {"drainS": drain_s}})
    for task in (working, cut):
        task.cancel()
    await asyncio.wait((working, cut))
    if not working.cancelled() and working.exception() is not None:
        log.error("stopping without finishing", exc_info=working.exception())


def ignore_interrupt() -> None:
    """Ignore Ctrl-C; the parent handles it and ends this process when its own work is done."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def raise_file_limit() -> None:
    """Raise the limit of open files to the hard limit."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def take_lowest_priority() -> None:
    """Take the lowest priority.

    Where the kernel groups processes by session, niceness counts within a session only, and a
    session leader weighs as much as all other sessions together. So its session's group is set to
    the lowest priority too, which is right for a leader that has just started and is alone in it.
    """
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    if os.getsid(0) == os.getpid():
        _lower_session_priority()


def take_idle_disk_priority() -> None:
    """Use the disk only when nobody else does, as `ionice -c 3` (ioprio_set(2)); on this thread and
    those that it starts. Not every scheduler of the kernel honours it.
    """
    call = IOPRIO_SET_CALLS.get(platform.machine())
    if sys.platform == "linux" and call is not None:
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).syscall(call, IOPRIO_WHO_PROCESS, 0, IOPRIO_IDLE)


def _lower_session_priority() -> None:
    for _ in range(AUTOGROUP_ATTEMPTS):
        try:
            AUTOGROUP.write_text(str(NICENESS))
            return
        except BlockingIOError:  # The kernel allows one change per tenth of a second.
            time.sleep(AUTOGROUP_PAUSE_S)
        except OSError:
            return  # This kernel does not group sessions.


def prepare_for_batches() -> None:
    """For processes that handle events in batches, tens of thousands of objects that are freed by
    reference counting: rare garbage collection, and freed memory is kept for the next batch.
    """
    collect_garbage_rarely()
    keep_freed_memory()


def collect_garbage_rarely() -> None:
    """Make the garbage collector run rarely."""
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)


def keep_freed_memory() -> None:
    """Let the allocator keep freed memory, up to a limit. Only glibc's has these parameters; what
    other C libraries do is left as it is.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, OWN_MAPPING_BYTES)
        mallopt(M_TRIM_THRESHOLD, KEPT_FREE_BYTES)


def _watch_stdin(
    loop: asyncio.AbstractEventLoop,
    stop: StopEvent,
    is_supervised: bool,
    on_line: Callable[[bytes], None],
) -> None:
    rest = b""
    while received := os.read(sys.stdin.fileno(), STDIN_READ_BYTES):
        *lines, rest = (rest + received).split(b"\n")
        rest = rest[-STDIN_LINE_MAX_BYTES:]
        for line in lines:
            _call_in(loop, on_line, line)
    _call_in(loop, stop.end if is_supervised else stop.set)
    if is_supervised:
        time.sleep(ORPHAN_GRACE_S)
        os._exit(ORPHAN_STATUS)


def _call_in(loop: asyncio.AbstractEventLoop, call: Callable[..., object], *given: object) -> None:
    with contextlib.suppress(RuntimeError):  # The loop may be closed.
        loop.call_soon_threadsafe(call, *given)


def _ignore_line(_: bytes) -> None:
    """Most processes expect nothing on stdin but its end."""
