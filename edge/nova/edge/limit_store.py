"""The limits in force and how much of them each principal uses, in a small file that all edges of a
data folder share.

The limits are in the file so that all edges apply the same ones. A lease is a part of a limit that
one edge may spend until the lease ends. It counts in full until the window after its end has
passed, unless the edge settles it earlier with what it has spent.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from nova.edge.edge_presence import EdgePresence
from nova.edge.sqlite_file import open_file, open_memory, open_or_replace, transaction
from nova.sdk.request_limit import DEFAULT_LIMITS, LimitKind, RequestLimit

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
CREATE TABLE IF NOT EXISTS limits (
    kind TEXT PRIMARY KEY,
    count INTEGER NOT NULL,
    window_s REAL NOT NULL
) STRICT;
"""

Limits = Mapping[LimitKind, RequestLimit]


@dataclass(frozen=True, slots=True)
class Grant:
    """A lease of `count` requests; of none, it says when there may be one. `limit` is the one in
    force.
    """

    id: int
    count: int
    limit: RequestLimit
    retry_at_s: float = 0.0


class JoinedLimits(NamedTuple):
    """The limits in force from now on, and those of other edges that they replace."""

    limits: Limits
    before: Limits


class PrincipalUse(NamedTuple):
    """How much of a limit is in use, what the edges have leased included, and when the first part
    of it is free again.
    """

    principal: str
    kind: LimitKind
    used: int
    first_free_s: float


class LimitStore:
    """The limits file of a data folder, or an in-memory store if `folder` is None.

    Times are monotonic, which all processes of a machine share, so that setting the clock changes
    nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self._db = (
            _prepared(open_memory())
            if folder is None
            else open_or_replace(folder / FILE_NAME, _connect)
        )
        self._presence = None if folder is None else EdgePresence(folder)

    def close(self) -> None:
        self._db.close()
        if self._presence is not None:
            self._presence.leave()

    def join(self, given: Limits | None) -> JoinedLimits:
        """Join the other edges of the folder, which is done once. What is given is in force for all
        of them from now on. Without it this edge takes the limits of those that run, and the
        defaults if it is the first.
        """
        with transaction(self._db):  # One edge at a time.
            is_first = self._presence is None or self._presence.enter()
            before = {} if is_first else self._in_force()
            limits = {**DEFAULT_LIMITS, **(before if given is None else given)}
            self._db.execute("DELETE FROM limits")
            self._db.executemany(
                "INSERT INTO limits VALUES (?, ?, ?)",
                [(kind, limit.count, limit.window_s) for kind, limit in limits.items()],
            )
        return JoinedLimits(limits, before)

    def in_force(self) -> Limits:
        """The limits of all edges."""
        return {**DEFAULT_LIMITS, **self._in_force()}

    def uses(self, now_s: float) -> list[PrincipalUse]:
        """What each principal uses of its limits now."""
        rows = self._db.execute(
            "SELECT principal, kind, sum(count), min(counts_until) FROM leases "
            "WHERE counts_until > ? AND granted <= ? GROUP BY principal, kind",
            (now_s, now_s + FUTURE_S),
        )
        return [PrincipalUse(*row) for row in rows if row[1] in DEFAULT_LIMITS]

    def _in_force(self) -> dict[LimitKind, RequestLimit]:
        rows = self._db.execute("SELECT kind, count, window_s FROM limits").fetchall()
        return {kind: RequestLimit(*limit) for kind, *limit in rows if kind in DEFAULT_LIMITS}

    def _limit(self, kind: LimitKind) -> RequestLimit:
        row = self._db.execute(
            "SELECT count, window_s FROM limits WHERE kind = ?", (kind,)
        ).fetchone()
        return DEFAULT_LIMITS[kind] if row is None else RequestLimit(*row)

    def lease(
        self,
        principal: str,
        kind: LimitKind,
        *,
        wanted: int,
        share: int,
        now_s: float,
        ends_s: float,
    ) -> Grant:
        """Take up to `wanted` of what is left of a limit, but at most 1/`share` of it, so that the
        last ones are taken one by one and no edge keeps them from the others. May be spent until
        `ends_s`.
        """
        with transaction(self._db):
            limit = self._limit(kind)
            self._db.execute(
                "DELETE FROM leases WHERE counts_until <= ? OR granted > ?",
                (now_s, now_s + FUTURE_S),
            )
            used, first_s = self._db.execute(
                "SELECT coalesce(sum(count), 0), min(counts_until) FROM leases "
                "WHERE principal = ? AND kind = ?",
                (principal, kind),
            ).fetchone()
            left = limit.count - used
            count = min(wanted, max(left // share, 1), left)
            grant = Grant(0, 0, limit, first_s or now_s)
            if count > 0:
                cursor = self._db.execute(
                    "INSERT INTO leases (principal, kind, count, granted, counts_until) "
                    "VALUES (?, ?, ?, ?, ?)",
                    (principal, kind, count, now_s, ends_s + limit.window_s),
                )
                grant = Grant(cursor.lastrowid or 0, count, limit)
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


def _connect(path: Path) -> sqlite3.Connection:
    return _prepared(open_file(path, BUSY_TIMEOUT_S))


def _prepared(db: sqlite3.Connection) -> sqlite3.Connection:
    try:
        db.execute("PRAGMA synchronous = OFF")  # After a power cut all windows are over.
        db.executescript(_SCHEMA)
    except sqlite3.Error:
        db.close()
        raise
    return db
