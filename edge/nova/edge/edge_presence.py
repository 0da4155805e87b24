"""Whether other edges of a data folder run: each holds a shared lock on one file while it does."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from nova.sdk import private

LOCK_FILE = "edges.lock"


class EdgePresence:
    """One edge's lock. It ends with `leave`, and with the process."""

    def __init__(self, folder: Path) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        self._descriptor = os.open(folder / LOCK_FILE, flags, private.FILE_MODE)
        private.remove_others_access(folder / LOCK_FILE, deep=False)

    def enter(self) -> bool:
        """Take the lock; returns whether no other edge runs. Edges must not enter at the same time,
        since the lock is not converted in one step.
        """
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            is_alone = False
        else:
            is_alone = True
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)
        return is_alone

    def leave(self) -> None:
        """Release the lock; once is enough."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
