"""Child processes that die with the process that started them, even when that one gets SIGKILL.

The child is this very file: it asks the kernel for a SIGKILL at its parent's death and then becomes
the wanted program, so that nothing has to run between fork and exec in a process full of threads.
Call `spawn` from a thread that lives as long as the child should: Linux looks at the thread.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1


def spawn(
    args: Sequence[str | Path],
    output: IO[bytes],
    cwd: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program whose stdout and stderr go to `output`."""
    launcher = [sys.executable, "-S", "-E", __file__, str(os.getpid())]
    return subprocess.Popen(
        [*launcher, *map(str, args)],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd=cwd,
    )


def end(process: subprocess.Popen[bytes], grace_s: float) -> int:
    """Stop a process by SIGTERM, after `grace_s` by SIGKILL; its exit status."""
    if process.poll() is None:
        process.terminate()
    try:
        return process.wait(grace_s)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _become(parent_pid: int, args: list[str]) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        sys.exit("the process that started this one is gone already")
    os.execvp(args[0], args)


if __name__ == "__main__":
    _become(int(sys.argv[1]), sys.argv[2:])
