"""The rows of outboxes in the host's database. Records that were appended together are one row, a
batch.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from nova.hardware import state_rows
from nova.hardware.damage import DamagedError, stored_values
from nova.hardware.lost_records import LostRecords
from nova.sdk.transport.base import Record

READ_MAX_RECORDS = 5_000
READ_MAX_BYTES = 2 * 1024 * 1024
NUMBER_BITS = 40
"""A batch's number has its outbox in the bits above these, so each outbox is a range of rows."""

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Record])


class BatchRow(NamedTuple):
    """Records as they are stored."""

    records: int
    crc32: int
    content: bytes


class _SourceTime(msgspec.Struct, rename="camel"):
    source_truth_time: str


def rows_of(records: Sequence[Record]) -> Iterator[BatchRow]:
    """Records as batches that a read can return; a record over the limit is a batch of its own."""
    if is_one_batch(records):
        yield _row(records)
        return
    start = size_bytes = 0
    for index, record in enumerate(records):
        is_full = size_bytes + len(record.value) > READ_MAX_BYTES
        if index > start and (is_full or index - start == READ_MAX_RECORDS):
            yield _row(records[start:index])
            start, size_bytes = index, 0
        size_bytes += len(record.value)
    if start < len(records):
        yield _row(records[start:])


def is_one_batch(records: Sequence[Record]) -> bool:
    """Whether records are some, and within the limits of one read."""
    return 0 < len(records) <= READ_MAX_RECORDS and values_bytes(records) <= READ_MAX_BYTES


def values_bytes(records: Sequence[Record]) -> int:
    """The bytes of the values of records."""
    return sum(len(record.value) for record in records)


def _row(records: Sequence[Record]) -> BatchRow:
    content = _encoder.encode(records)
    return BatchRow(len(records), zlib.crc32(content), content)


def records_of(row: BatchRow) -> list[Record]:
    """The records of a row whose checksum matches."""
    return _decoder.decode(row.content)


def numbers_of(db: sqlite3.Connection, link: str, kind: str) -> range:
    """The numbers that an outbox's batches may have; it is created if there is none."""
    query = "SELECT id FROM outbox WHERE link = ? AND kind = ?"
    found = db.execute(query, (link, kind)).fetchone()
    if found is None:
        found = db.execute("SELECT coalesce(max(id), 0) + 1 FROM outbox").fetchone()
        create(db, found[0], link, kind)
    return range((found[0] << NUMBER_BITS) + 1, (found[0] + 1) << NUMBER_BITS)


def create(db: sqlite3.Connection, outbox: int, link: str, kind: str) -> None:
    """Create an outbox without batches."""
    crc32 = _checksum(outbox, link, kind)
    db.execute("INSERT INTO outbox VALUES (?, ?, ?, ?)", (outbox, link, kind, crc32))
    store_count(db, outbox, 0)


def _checksum(outbox: int, link: str, kind: str) -> int:
    return zlib.crc32(_encoder.encode((outbox, link, kind)))


@stored_values()
def outboxes(db: sqlite3.Connection) -> dict[int, tuple[str, str]]:
    """Link and kind of each outbox; raises DamagedError if one does not match its checksum."""
    found: dict[int, tuple[str, str]] = {}
    for outbox, link, kind, crc32 in db.execute("SELECT id, link, kind, crc32 FROM outbox"):
        if _checksum(outbox, link, kind) != crc32:
            raise DamagedError(f"outbox {outbox} does not match its checksum")
        found[outbox] = (link, kind)
    return found


def counts(db: sqlite3.Connection) -> dict[int, int]:
    """How many batches each outbox has that has any."""
    query = f"SELECT number >> {NUMBER_BITS}, count(*) FROM batch GROUP BY 1"
    return dict(db.execute(query).fetchall())


def has_unreadable(db: sqlite3.Connection, outbox: int) -> bool:
    """Whether an outbox has a batch before the first number that one can have."""
    query = "SELECT 1 FROM batch WHERE number = ?"
    return db.execute(query, (outbox << NUMBER_BITS,)).fetchone() is not None


def stored_count(db: sqlite3.Connection, outbox: int) -> int:
    """How many batches an outbox has by what was stored and deleted."""
    count = state_rows.find(db, f"batches of {outbox}")
    if count is None:
        raise DamagedError(f"outbox {outbox} has no count")
    return count


def store_count(db: sqlite3.Connection, outbox: int, batches: int) -> None:
    state_rows.store(db, f"batches of {outbox}", batches)


def links_with_records(db: sqlite3.Connection) -> set[str]:
    """The links whose outboxes have unpublished records."""
    query = f"""SELECT link FROM outbox WHERE EXISTS (
        SELECT 1 FROM batch WHERE number BETWEEN id << {NUMBER_BITS}
        AND ((id + 1) << {NUMBER_BITS}) - 1
    )"""
    return {link for (link,) in db.execute(query)}


def insert(db: sqlite3.Connection, first: int, rows: Sequence[BatchRow]) -> None:
    """Store batches under ascending numbers."""
    for number, row in enumerate(rows, first):
        db.execute("INSERT INTO batch VALUES (?, ?, ?, ?)", (number, *row))
    _add_to_count(db, first >> NUMBER_BITS, len(rows))


def _add_to_count(db: sqlite3.Connection, outbox: int, more: int) -> None:
    if more:
        store_count(db, outbox, stored_count(db, outbox) + more)


def last_number(db: sqlite3.Connection, numbers: range) -> int:
    """The number of an outbox's newest batch, or the one before its first."""
    query = "SELECT max(number) FROM batch WHERE number BETWEEN ? AND ?"
    (last,) = db.execute(query, _bounds(numbers)).fetchone()
    return numbers.start - 1 if last is None else int(last)


@stored_values()
def extent(db: sqlite3.Connection, numbers: range) -> tuple[int, int]:
    query = "SELECT total(length(content)) FROM batch WHERE number BETWEEN ? AND ?"
    (size_bytes,) = db.execute(query, _bounds(numbers)).fetchone()
    return last_number(db, numbers), int(size_bytes)


@stored_values()
def select(db: sqlite3.Connection, numbers: range) -> list[tuple[int, BatchRow]]:
    """The first batches, within the limits of one read."""
    query = """SELECT number, records, crc32, content FROM batch
        WHERE number BETWEEN ? AND ? ORDER BY number"""
    found: list[tuple[int, BatchRow]] = []
    records = size_bytes = 0
    for number, *stored in db.execute(query, _bounds(numbers)):
        row = BatchRow(*stored)
        records += row.records
        size_bytes += len(row.content)
        if found and (records > READ_MAX_RECORDS or size_bytes > READ_MAX_BYTES):
            break
        found.append((number, row))
    return found


@stored_values()
def loss_of_oldest(
    db: sqlite3.Connection, numbers: range, size_bytes: int
) -> tuple[int, LostRecords | None]:
    """The last of the oldest batches that have `size_bytes`, and all their records as a loss."""
    query = (
        "SELECT number, records, content FROM batch WHERE number BETWEEN ? AND ? ORDER BY number"
    )
    last, records, lost_bytes, times = 0, 0, 0, list[str]()
    for number, of_batch, content in db.execute(query, _bounds(numbers)):
        last, records, lost_bytes = number, records + of_batch, lost_bytes + len(content)
        times += _times(content)
        if lost_bytes >= size_bytes:
            break
    if not records:
        return last, None
    span = (min(times), max(times)) if times else (None, None)
    return last, LostRecords("the buffer was full", records, lost_bytes, *span)


def _times(content: bytes) -> Iterator[str]:
    try:
        for record in _decoder.decode(content):
            yield msgspec.json.decode(record.value, type=_SourceTime).source_truth_time
    except (msgspec.DecodeError, UnicodeDecodeError):
        return  # A damaged batch, or no event: it is counted without its times.


def delete(db: sqlite3.Connection, numbers: range) -> None:
    """Delete an outbox's batches with numbers in a range."""
    deleted = db.execute("DELETE FROM batch WHERE number BETWEEN ? AND ?", _bounds(numbers))
    _add_to_count(db, numbers.start >> NUMBER_BITS, -deleted.rowcount)


def _bounds(numbers: range) -> tuple[int, int]:
    return numbers.start, numbers.stop - 1
