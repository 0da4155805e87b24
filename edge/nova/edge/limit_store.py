"""How much of each principal's limits is in use, in a small file that all edges of a data folder
share.

A lease is a part of a limit that one edge may spend until the lease ends. It counts in full until
the window after its end has passed, unless the edge settles it earlier with what it has spent.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from nova.edge.sqlite_file import open_file, open_memory, transaction

FILE_NAME = "limits.db"
BUSY_TIMEOUT_S = 0.5
FUTURE_S = 60.0
"""A lease that was granted this far ahead of now is from before the machine was started."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS leases (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    principal TEXT NOT NULL,
    kind TEXT NOT NULL,
    count INTEGER NOT NULL,
    granted REAL NOT NULL,
    counts_until REAL NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS leases_by_principal ON leases (principal, kind, counts_until);
CREATE INDEX IF NOT EXISTS leases_by_time ON leases (counts_until);
"""


@dataclass(frozen=True, slots=True)
class Grant:
    """A lease of `count` requests; of none, it says when there may be one."""

    id: int
    count: int
    retry_at_s: float = 0.0


class LimitStore:
    """The limits file of a data folder, or an in-memory store if `folder` is None.

    Times are monotonic, which all processes of a machine share, so that setting the clock changes
    nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self._db = (
            open_memory() if folder is None else open_file(folder / FILE_NAME, BUSY_TIMEOUT_S)
        )
        try:
            self._db.execute("PRAGMA synchronous = OFF")  # After a power cut all windows are over.
            self._db.executescript(_SCHEMA)
        except sqlite3.Error:
            self._db.close()
            raise

    def close(self) -> None:
        self._db.close()

    def lease(
        self,
        principal: str,
        kind: str,
        *,
        limit: int,
        wanted: int,
        share: int,
        now_s: float,
        counts_until_s: float,
    ) -> Grant:
        """Take up to `wanted` of what is left of a limit, but at most 1/`share` of it, so that the
        last ones are taken one by one and no edge keeps them from the others.
        """
        with transaction(self._db):
            self._db.execute(
                "DELETE FROM leases WHERE counts_until <= ? OR granted > ?",
                (now_s, now_s + FUTURE_S),
            )
            used, first_s = self._db.execute(
                "SELECT coalesce(sum(count), 0), min(counts_until) FROM leases "
                "WHERE principal = ? AND kind = ?",
                (principal, kind),
            ).fetchone()
            left = limit - used
            count = min(wanted, max(left // share, 1), left)
            grant = Grant(0, 0, first_s or now_s)
            if count > 0:
                cursor = self._db.execute(
                    "INSERT INTO leases (principal, kind, count, granted, counts_until) "
                    "VALUES (?, ?, ?, ?, ?)",
                    (principal, kind, count, now_s, counts_until_s),
                )
                grant = Grant(cursor.lastrowid or 0, count)
        return grant

    def settle(self, lease: int, spent: int, counts_until_s: float) -> None:
        """End a lease of which `spent` were used, the last of them one window before this time."""
        if spent == 0:
            self._db.execute("DELETE FROM leases WHERE id = ?", (lease,))
            return
        self._db.execute(
            "UPDATE leases SET count = ?, counts_until = ? WHERE id = ?",
            (spent, counts_until_s, lease),
        )
