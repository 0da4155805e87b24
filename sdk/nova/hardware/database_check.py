"""Checks the host's database when it is opened, and reports what is missing in it."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path

from nova.hardware import command_rows, outbox_rows, state_rows
from nova.hardware.commit_mark import MarkedCommits
from nova.hardware.damage import DamagedError
from nova.hardware.database_schema import SCHEMA_VERSION, check_tables, upgrade_from_1
from nova.hardware.lost_records import (
    ALL_KINDS,
    LostRecords,
    PendingLoss,
    pending_losses,
    record_loss,
)
from nova.sdk.errors import NovaError

CHECKED_WHOLE_MAX_BYTES = 256 * 1024 * 1024
"""A larger file is checked without the pages of its batches, which are checked when they are read;
so a start waits about a second for the check.
"""
BATCHES_MISSING = "batches of the buffer are missing"
COMMITS_LOST = "the database has lost its newest commits"
MARK_LOST = "the mark of the database's commits is missing or damaged"
_SMALL_TABLES = ("outbox", "command", "loss", "taken_over", "state")

_log = logging.getLogger(__name__)


def check(
    db: sqlite3.Connection, path: Path, whole_max_bytes: int = CHECKED_WHOLE_MAX_BYTES
) -> None:
    """Raise DamagedError if the file is not whole, NovaError if its schema is of a later version.
    A file of an earlier version becomes one of this.
    """
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise NovaError(
            f"{path.name} has schema version {version}, this program knows {SCHEMA_VERSION}: "
            "upgrade"
        )
    if version < 1:
        raise DamagedError("it has no schema")
    check_tables(db, version)
    _check_pages(db, path.stat().st_size <= whole_max_bytes)
    if version == 1:
        upgrade_from_1(db)
    _check_rows(db)


def _check_pages(db: sqlite3.Connection, is_whole: bool) -> None:
    tables = [""] if is_whole else [f"({table})" for table in _SMALL_TABLES]
    for table in tables:
        (found,) = db.execute(f"PRAGMA integrity_check{table}").fetchone()
        if found != "ok":
            raise DamagedError(f"table {table}: {found}" if table else found)


def _check_rows(db: sqlite3.Connection) -> None:
    state_rows.check_all(db)
    command_rows.load(db)
    pending_losses(db)
    outboxes = outbox_rows.outboxes(db)
    if orphaned := outbox_rows.counts(db).keys() - outboxes.keys():
        raise DamagedError(f"batches have no outbox {min(orphaned)}")
    for outbox in outboxes:
        if outbox_rows.has_unreadable(db, outbox):
            raise DamagedError(f"outbox {outbox} has a batch that is never read")


def record_missing_batches(db: sqlite3.Connection) -> None:
    """Store a loss for each outbox that has fewer batches than were stored and not deleted."""
    found = outbox_rows.counts(db)
    for outbox, (link, kind) in outbox_rows.outboxes(db).items():
        count, stored = found.get(outbox, 0), outbox_rows.stored_count(db, outbox)
        if count == stored:
            continue
        db.execute("BEGIN IMMEDIATE")
        outbox_rows.store_count(db, outbox, count)
        record_loss(db, PendingLoss(link, kind, LostRecords(BATCHES_MISSING, None, None)))
        db.execute("COMMIT")
        context = {"link": link, "kind": kind, "stored": stored, "found": count}
        _log.error(BATCHES_MISSING, extra={"context": context})


def record_lost_commits(
    db: sqlite3.Connection, marked: MarkedCommits | None, keep_log: Callable[[], None]
) -> MarkedCommits:
    """Compare the database with its mark; if commits are missing, call `keep_log` and store a loss.
    Returns what the mark is to say. A database that never had a mark needs none.
    """
    stored = state_rows.find(db, state_rows.COMMITS) or 0
    if marked is None and not stored:
        return MarkedCommits(0, 0)
    if marked is not None and stored >= marked.commits:
        return MarkedCommits(stored, marked.synced)
    commits = stored if marked is None else marked.commits
    reason = MARK_LOST if marked is None else COMMITS_LOST
    keep_log()
    db.execute("PRAGMA synchronous = FULL")
    db.execute("BEGIN IMMEDIATE")
    state_rows.store(db, state_rows.COMMITS, commits)
    record_loss(db, PendingLoss(None, ALL_KINDS, LostRecords(reason, None, None)))
    if marked is None or stored < marked.synced:
        # A start of a command may be among them.
        state_rows.store(db, state_rows.JOURNAL_LOST, 1)
        command_rows.suppose_begun(db)
    db.execute("COMMIT")
    context = {"marked": marked and marked._asdict(), "found": stored}
    _log.error("%s; what was committed before is kept", reason, extra={"context": context})
    return MarkedCommits(commits, commits)
