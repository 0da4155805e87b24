"""The size of pipes between processes."""

from __future__ import annotations

import contextlib
import fcntl
import sys
from typing import IO

PIPE_BYTES = 1024 * 1024
"""The largest that Linux allows an unprivileged user."""


def enlarge(pipe: IO[bytes] | int) -> None:
    """Enlarge a pipe's buffer so that it holds a whole message, if the system allows it; a user
    with many pipes may get less.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
