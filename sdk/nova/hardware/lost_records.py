"""Records that will never be published, and the losses of which no gap event is stored yet."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

import msgspec

ALL_KINDS = "all"


class LostRecords(NamedTuple):
    """Why records are lost, and which; times are those of the envelopes.

    `records` is None if they cannot be counted.
    """

    reason: str
    records: int | None
    size_bytes: int
    from_time: str | None = None
    to_time: str | None = None


class PendingLoss(NamedTuple):
    """A loss of which no gap event is stored yet; `link` is the outbox's, None if all have it."""

    link: str | None
    kind: str
    lost: LostRecords


def record_loss(db: sqlite3.Connection, pending: PendingLoss) -> None:
    """Store a loss until there is a gap event of it."""
    content = msgspec.msgpack.encode(pending)
    db.execute("INSERT INTO loss (content) VALUES (?)", (content,))


def pending_losses(db: sqlite3.Connection) -> list[PendingLoss]:
    """The stored losses, oldest first."""
    found = db.execute("SELECT content FROM loss ORDER BY number")
    return [msgspec.msgpack.decode(content, type=PendingLoss) for (content,) in found]


def forget_losses(db: sqlite3.Connection) -> None:
    """Remove the stored losses, whose gap events are stored."""
    db.execute("DELETE FROM loss")
