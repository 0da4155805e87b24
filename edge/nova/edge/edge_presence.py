"""Whether other edges of a data folder run: each holds a shared lock on one file while it does."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from nova.edge.lock_file import open_lock, try_lock

LOCK_FILE = "edges.lock"


class EdgePresence:
    """One edge's lock. It ends with `leave`, and with the process."""

    def __init__(self, folder: Path) -> None:
        self._descriptor = open_lock(folder / LOCK_FILE)

    def enter(self) -> bool:
        """Take the lock; returns whether no other edge runs. Edges must not enter at the same time,
        since the lock is not converted in one step.
        """
        is_alone = try_lock(self._descriptor)
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)
        return is_alone

    def leave(self) -> None:
        """Release the lock; once is enough."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
