"""Pipes between processes: their size, and reading lines from them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
from collections.abc import Iterator
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


def lines(descriptor: int) -> Iterator[bytes]:
    """The lines that arrive on a descriptor, with their ends, until it closes.

    For daemon threads: one that waits in a buffered file holds its lock, and an interpreter that
    ends meanwhile aborts (`_enter_buffered_busy`).
    """
    rest = b""
    while block := os.read(descriptor, PIPE_BYTES):
        *whole, rest = (rest + block).split(b"\n")
        for line in whole:
            yield line + b"\n"
    if rest:
        yield rest
