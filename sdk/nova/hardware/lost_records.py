"""Records that will never be published, and the losses of which no gap event is stored yet."""

from __future__ import annotations

import sqlite3
import zlib
from typing import NamedTuple

import msgspec

from nova.hardware.damage import DamagedError, stored_values

ALL_KINDS = "all"


class LostRecords(NamedTuple):
    """Why records are lost, and which; times are those of the envelopes.

    `records` and `size_bytes` are None if they are not known.
    """

    reason: str
    records: int | None
    size_bytes: int | None
    from_time: str | None = None
    to_time: str | None = None


class PendingLoss(NamedTuple):
    """A loss of which no gap event is stored yet; `link` is the outbox's, None if all have it."""

    link: str | None
    kind: str
    lost: LostRecords


def record_loss(db: sqlite3.Connection, pending: PendingLoss) -> None:
    """Store a loss until there is a gap event of it."""
    store_loss(db, msgspec.msgpack.encode(pending))


def store_loss(db: sqlite3.Connection, content: bytes) -> None:
    db.execute("INSERT INTO loss (crc32, content) VALUES (?, ?)", (zlib.crc32(content), content))


@stored_values()
def pending_losses(db: sqlite3.Connection) -> list[PendingLoss]:
    """The stored losses, oldest first."""
    return [
        _decoded(*stored)
        for stored in db.execute("SELECT number, crc32, content FROM loss ORDER BY number")
    ]


def _decoded(number: int, crc32: int, content: bytes) -> PendingLoss:
    if zlib.crc32(content) != crc32:
        raise DamagedError(f"loss {number} does not match its checksum")
    return msgspec.msgpack.decode(content, type=PendingLoss)


def forget_losses(db: sqlite3.Connection) -> None:
    """Remove the stored losses, whose gap events are stored."""
    db.execute("DELETE FROM loss")
