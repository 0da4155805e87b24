"""The audit queue: entries in the edge's database that wait for the Core to record them.

An entry is appended in the transaction of the change that it is about, so that neither is there
without the other. All edges and `nova users` append to one queue, in which times only increase.
"""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path
from typing import NamedTuple

import msgspec

from nova.edge.actor import INSTANCE, Actor
from nova.edge.edge_database import EdgeStore
from nova.edge.sqlite_file import transaction
from nova.sdk import timestamps
from nova.sdk.events.audit_entry import AuditEntry, AuditKind, new_entry
from nova.sdk.field_types import JsonObject

CLOCK_STEP_MAX_NS = 60 * timestamps.NS_PER_SECOND
"""If the clock was set back by less, the next entries follow the last one nanosecond apart."""

BATCH_MAX_ENTRIES = 256
BATCH_MAX_BYTES = 256 * 1024

log = logging.getLogger(__name__)
_decoder = msgspec.json.Decoder(AuditEntry)


class QueueLimits(NamedTuple):
    """How many entries may wait. Beyond it entries are dropped, and an AuditGap says how many.
    Failed logins, which anybody can cause, have a limit of their own.
    """

    entries_max: int = 100_000
    failed_logins_max: int = 10_000


QUEUE_LIMITS = QueueLimits()


class QueuedEntry(NamedTuple):
    """An entry that waits; `number` is its place in the order of all entries."""

    number: int
    entry: AuditEntry


def append(
    db: sqlite3.Connection,
    kind: AuditKind,
    actor: Actor,
    details: JsonObject,
    *,
    is_failed_login: bool = False,
    limits: QueueLimits = QUEUE_LIMITS,
) -> None:
    """Append an entry of now, in the transaction that the caller has begun."""
    at_ns = _next_ns(db)
    if _is_full(db, is_failed_login, limits):
        _count_dropped(db, 1, at_ns)
        return
    entry = new_entry(kind, actor.name, actor.kind, details, at_ns=at_ns)
    db.execute(
        "INSERT INTO audit_queue (entry, is_failed_login) VALUES (?, ?)",
        (msgspec.json.encode(entry).decode(), is_failed_login),
    )


class AuditQueue(EdgeStore):
    """The queue of one data folder, for what changes nothing else in the database, and for sending.

    Several edges may share the file.
    """

    def __init__(self, folder: Path, limits: QueueLimits = QUEUE_LIMITS) -> None:
        super().__init__(folder)
        self._limits = limits

    def append(
        self, kind: AuditKind, actor: Actor, details: JsonObject, *, is_failed_login: bool = False
    ) -> None:
        """Append an entry of now; it is durable when this returns."""
        with transaction(self._db):
            append(
                self._db,
                kind,
                actor,
                details,
                is_failed_login=is_failed_login,
                limits=self._limits,
            )

    def first(self) -> list[QueuedEntry]:
        """The first entries that wait, as many as are sent at a time."""
        rows = self._db.execute(
            "SELECT number, entry FROM audit_queue ORDER BY number LIMIT ?", (BATCH_MAX_ENTRIES,)
        )
        found: list[QueuedEntry] = []
        size_bytes = 0
        for number, text in rows:
            size_bytes += len(text)
            if found and size_bytes > BATCH_MAX_BYTES:
                break
            found.append(QueuedEntry(number, _decoder.decode(text)))
        return found

    def remove(self, last: int, refused: int = 0) -> None:
        """Remove the entries up to a number, which the Core has recorded except for `refused` of
        them. What was dropped meanwhile is queued as an AuditGap, now that there is room.
        """
        with transaction(self._db):
            self._db.execute("DELETE FROM audit_queue WHERE number <= ?", (last,))
            if refused:
                _count_dropped(self._db, refused, timestamps.now())
            self._append_gap()

    def _append_gap(self) -> None:
        dropped, since_ns = self._db.execute(
            "SELECT dropped, dropped_since_ns FROM audit_state"
        ).fetchone()
        if not dropped:
            return
        self._db.execute("UPDATE audit_state SET dropped = 0")
        details: JsonObject = {"dropped": dropped, "since": timestamps.text(since_ns)}
        append(self._db, "AuditGap", INSTANCE, details, limits=self._limits)


def _next_ns(db: sqlite3.Connection) -> int:
    """Now, but after the entry before, so that the order in time is that of the queue."""
    (last_ns,) = db.execute("SELECT last_ns FROM audit_state").fetchone()
    at_ns = timestamps.now()
    if at_ns <= last_ns < at_ns + CLOCK_STEP_MAX_NS:
        at_ns = last_ns + 1
    db.execute("UPDATE audit_state SET last_ns = ?", (at_ns,))
    return at_ns


def _is_full(db: sqlite3.Connection, is_failed_login: bool, limits: QueueLimits) -> bool:
    # Entries are removed from the front only, so their numbers say how many there are.
    (waiting,) = db.execute("SELECT max(number) - min(number) + 1 FROM audit_queue").fetchone()
    if (waiting or 0) >= limits.entries_max:
        return True
    if not is_failed_login:
        return False
    (failed,) = db.execute("SELECT count(*) FROM audit_queue WHERE is_failed_login").fetchone()
    return bool(failed >= limits.failed_logins_max)


def _count_dropped(db: sqlite3.Connection, count: int, at_ns: int) -> None:
    (dropped,) = db.execute("SELECT dropped FROM audit_state").fetchone()
    if not dropped:
        log.error("audit entries are dropped: too many wait for the Core, or it refuses them")
        db.execute("UPDATE audit_state SET dropped_since_ns = ?", (at_ns,))
    db.execute("UPDATE audit_state SET dropped = dropped + ?", (count,))
