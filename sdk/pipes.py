"""Pipes between processes that hold large messages."""

from __future__ import annotations

import contextlib
import fcntl
import sys
from typing import IO

PIPE_BYTES = 1024 * 1024
"""The most that Linux gives a user without privileges."""


def enlarge(pipe: IO[bytes] | int) -> None:
    """Let a pipe hold a whole message, or as much as the system lets one have: there may be no
    more for a user who holds many.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
