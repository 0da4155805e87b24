"""The tables of the host's database, and how a file of an earlier schema becomes one of this."""

from __future__ import annotations

import sqlite3
import zlib

from nova.hardware import command_rows, outbox_rows, state_rows
from nova.hardware.damage import DamagedError, stored_values
from nova.hardware.lost_records import store_loss

SCHEMA_VERSION = 2

_SAME = {
    "batch": """CREATE TABLE batch (
    number INTEGER PRIMARY KEY, records INTEGER NOT NULL, crc32 INTEGER NOT NULL,
    content BLOB NOT NULL
) STRICT""",
    "command": """CREATE TABLE command (
    number INTEGER PRIMARY KEY, command_id TEXT NOT NULL UNIQUE, crc32 INTEGER NOT NULL,
    arrival BLOB NOT NULL, stage TEXT NOT NULL CHECK (stage IN ('came', 'begun', 'ended', 'told')),
    address TEXT, result BLOB
) STRICT""",
    "taken_over": "CREATE TABLE taken_over (path TEXT PRIMARY KEY) STRICT",
}
_CHANGED = {
    "outbox": """CREATE TABLE outbox (
    id INTEGER PRIMARY KEY, link TEXT NOT NULL, kind TEXT NOT NULL, crc32 INTEGER NOT NULL,
    UNIQUE (link, kind)
) STRICT""",
    "loss": """CREATE TABLE loss (
    number INTEGER PRIMARY KEY, crc32 INTEGER NOT NULL, content BLOB NOT NULL
) STRICT""",
    "state": """CREATE TABLE state (
    name TEXT PRIMARY KEY, value INTEGER NOT NULL, crc32 INTEGER NOT NULL
) STRICT, WITHOUT ROWID""",
}
_CHANGED_SINCE_1 = {
    "outbox": """CREATE TABLE outbox (
    id INTEGER PRIMARY KEY, link TEXT NOT NULL, kind TEXT NOT NULL, UNIQUE (link, kind)
) STRICT""",
    "loss": "CREATE TABLE loss (number INTEGER PRIMARY KEY, content BLOB NOT NULL) STRICT",
    "state": "CREATE TABLE state (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT",
}
_TABLES = {1: _SAME | _CHANGED_SINCE_1, SCHEMA_VERSION: _SAME | _CHANGED}


def create_tables(db: sqlite3.Connection) -> None:
    """Create the tables, within a transaction."""
    for statement in _TABLES[SCHEMA_VERSION].values():
        db.execute(statement)
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def check_tables(db: sqlite3.Connection, version: int) -> None:
    """Raise DamagedError if the stored schema is not that of a version."""
    found = dict(db.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL"))
    expected = _TABLES[version]
    if missing := expected.keys() - found.keys():
        raise DamagedError(f"it has no table {', '.join(sorted(missing))}")
    if found != expected:
        differing = {name for name in found if found[name] != expected.get(name)}
        raise DamagedError(f"its schema differs in {', '.join(sorted(differing))}")


def upgrade_from_1(db: sqlite3.Connection) -> None:
    """Give every row its checksum and every outbox its count, in one transaction."""
    db.execute("BEGIN IMMEDIATE")
    try:
        with stored_values():
            _upgrade_commands(db)
            _upgrade_others(db)
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _upgrade_commands(db: sqlite3.Connection) -> None:
    query = "SELECT number, crc32, command_id, arrival, stage, address, result FROM command"
    for number, crc32, *stored in db.execute(query).fetchall():
        if zlib.crc32(stored[1]) != crc32:
            raise DamagedError(f"command {number} does not match its checksum")
        crc32 = command_rows.checksum(*stored)
        db.execute("UPDATE command SET crc32 = ? WHERE number = ?", (crc32, number))


def _upgrade_others(db: sqlite3.Connection) -> None:
    outboxes = db.execute("SELECT id, link, kind FROM outbox").fetchall()
    losses = db.execute("SELECT content FROM loss ORDER BY number").fetchall()
    states = db.execute("SELECT name, value FROM state").fetchall()
    for name, statement in _CHANGED.items():
        db.execute(f"DROP TABLE {name}")
        db.execute(statement)
    for outbox in outboxes:
        outbox_rows.create(db, *outbox)
    for (content,) in losses:
        store_loss(db, content)
    for name, value in states:
        state_rows.store(db, name, value)
    for outbox, batches in outbox_rows.counts(db).items():
        outbox_rows.store_count(db, outbox, batches)
