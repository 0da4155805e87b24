"""Writes a host's database as the program with schema version 1 did."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import msgspec

from nova.hardware import outbox_rows
from nova.hardware.command_rows import CommandArrival
from nova.sdk.transport.base import Record

_SCHEMA = """
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY, link TEXT NOT NULL, kind TEXT NOT NULL, UNIQUE (link, kind)
) STRICT;
CREATE TABLE batch (
    number INTEGER PRIMARY KEY, records INTEGER NOT NULL, crc32 INTEGER NOT NULL,
    content BLOB NOT NULL
) STRICT;
CREATE TABLE command (
    number INTEGER PRIMARY KEY, command_id TEXT NOT NULL UNIQUE, crc32 INTEGER NOT NULL,
    arrival BLOB NOT NULL, stage TEXT NOT NULL CHECK (stage IN ('came', 'begun', 'ended', 'told')),
    address TEXT, result BLOB
) STRICT;
CREATE TABLE loss (number INTEGER PRIMARY KEY, content BLOB NOT NULL) STRICT;
CREATE TABLE taken_over (path TEXT PRIMARY KEY) STRICT;
CREATE TABLE state (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
"""


def write_version_1(
    path: Path, link: str, records: Sequence[Record], arrival: CommandArrival
) -> None:
    """A database with records, a command that was begun, and a time before which some are gone."""
    content = msgspec.json.encode(arrival)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        db.execute("PRAGMA journal_mode = WAL")
        db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = 1; COMMIT")
        db.execute("INSERT INTO outbox VALUES (1, ?, 'readings')", (link,))
        for number, row in enumerate(outbox_rows.rows_of(records), 1):
            values = ((1 << outbox_rows.NUMBER_BITS) + number, *row)
            db.execute("INSERT INTO batch VALUES (?, ?, ?, ?)", values)
        db.execute(
            "INSERT INTO command (command_id, crc32, arrival, stage) VALUES (?, ?, ?, 'begun')",
            (arrival.command_id, zlib.crc32(content), content),
        )
        db.execute("INSERT INTO state VALUES ('forgotten before ns', 99)")
