"""Waits for the edge's database while another program writes to it.

SQLite would wait in the thread of the event loop, in which an edge serves all its clients.
"""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

from nova.edge.edge_database import EdgeStore
from nova.edge.sqlite_file import is_busy

WAIT_S = 5.0
POLL_S = 0.02


class DatabaseTurn(EdgeStore):
    """Asks whether a transaction could begin now; the caller's own then begins right after."""

    def __init__(self, folder: Path, wait_s: float = WAIT_S, poll_s: float = POLL_S) -> None:
        super().__init__(folder)
        self.wait_at_most(0)
        self._wait_s = wait_s
        self._poll_s = poll_s

    async def wait(self) -> None:
        """Return once no other program writes; raises sqlite3.OperationalError after `wait_s`."""
        clock = asyncio.get_running_loop().time
        ends_s = clock() + self._wait_s
        while True:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                self._db.execute("ROLLBACK")
                return
            except sqlite3.OperationalError as error:
                if not is_busy(error) or clock() >= ends_s:
                    raise
            await asyncio.sleep(self._poll_s)
