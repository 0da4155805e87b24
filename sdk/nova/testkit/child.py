"""Child processes that die with their parent, even when the parent gets SIGKILL.

The child runs this file: it asks the kernel for a SIGKILL at its parent's death and then execs the
program, so that no code runs between fork and exec in a process with threads. Call `spawn` from a
thread that lives as long as the child: Linux ties the signal to the thread, not the process.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1


def spawn(
    args: Sequence[str | Path],
    output: IO[bytes],
    cwd: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program with its stdout and stderr in `output`."""
    launcher = [sys.executable, "-S", "-E", __file__, str(os.getpid())]
    return subprocess.Popen(
        [*launcher, *map(str, args)],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd=cwd,
    )


def terminate(process: subprocess.Popen[bytes], grace_s: float) -> int:
    """Send SIGTERM, then SIGKILL after `grace_s`; returns the exit status."""
    if process.poll() is None:
        process.terminate()
    try:
        return process.wait(grace_s)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def suspend(process_id: int) -> None:
    """Send SIGSTOP; returns once every thread has stopped, until then it may still respond."""
    os.kill(process_id, signal.SIGSTOP)
    while any(_state(task) not in "TZ" for task in Path(f"/proc/{process_id}/task").glob("*")):
        time.sleep(0.001)


def _state(task: Path) -> str:
    """The state of a thread, such as R (running) or T (stopped); Z if it has ended."""
    try:
        return (task / "stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "Z"


def _exec(parent_pid: int, args: list[str]) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        sys.exit("the parent process has already ended")
    os.execvp(args[0], args)


if __name__ == "__main__":
    _exec(int(sys.argv[1]), sys.argv[2:])
