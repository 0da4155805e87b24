"""Files that edges of a data folder lock. A lock ends with its process, however that ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from nova.sdk import private


def open_lock(path: Path) -> int:
    """Open a private file to lock, created if it is missing; the caller closes the descriptor."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, private.FILE_MODE)
    private.remove_others_access(path, deep=False)
    return descriptor


def try_lock(descriptor: int) -> bool:
    """Lock an open file for this process alone; False if another one has it locked."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
