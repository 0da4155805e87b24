"""The same work without sockets: NOVA's own store, and SQLite keeping the same contract.

Both check every record and compute its eventId, drop duplicates, keep both orders, and make each
batch durable before the next.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from core.reader.reading import Reading, Span
from core.reader.selection import Selection
from core.reader.view import View
from core.store.archive import Archive
from core.writer.commit import Committer
from sdk.checker import Checker
from sdk.protocol import Filters, chunk_frame
from sdk.transport.base import Batch, Record

BATCH_EVENTS = 2_000
CHUNK_EVENTS = 500
CURSOR = "2026-01-01T00:00:00.000000000Z"


def batches(records: Sequence[Record]) -> Iterator[Sequence[Record]]:
    """Records cut into commits."""
    for start in range(0, len(records), BATCH_EVENTS):
        yield records[start : start + BATCH_EVENTS]


def nova_in_process(data: Path, records: Sequence[Record]) -> tuple[float, float]:
    """Seconds to ingest and to scan to frames, in this process."""
    archive = Archive.open_primary(data)
    try:
        committer = Committer(archive, data)
        started = time.perf_counter()
        for part in batches(records):
            committer.take("bench", Batch(part))
            committer.close()
            archive.sync()
        ingested = time.perf_counter() - started
        return ingested, _nova_scan(data, committer.last_ns)
    finally:
        archive.close()


def _nova_scan(data: Path, mark: int) -> float:
    secondary = Archive.open_secondary(data, data / "scratch")
    try:
        view = View(secondary)
        view.advance(mark)
        view.refresh()
        reading = Reading(view, Selection(Filters(), view.series), Span("canonical"))
        started = time.perf_counter()
        while not reading.done:
            found = reading.slice(CHUNK_EVENTS)
            chunk_frame("bench", CURSOR, [event.stored for event in found], None)
        return time.perf_counter() - started
    finally:
        secondary.close()


def sqlite(data: Path, records: Sequence[Record]) -> tuple[float, float, int]:
    """Seconds to ingest and to scan to frames, and the bytes that it takes."""
    path = data / "peer.sqlite"
    database = sqlite3.connect(path, isolation_level=None)
    try:
        database.executescript(
            """
            PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
            CREATE TABLE events (canonical INTEGER, lane INTEGER, event_id BLOB PRIMARY KEY,
                                 source INTEGER, series TEXT, stored BLOB) WITHOUT ROWID;
            CREATE INDEX by_canonical ON events (canonical, lane, event_id);
            CREATE INDEX by_source ON events (source, lane, event_id);
            """
        )
        started = time.perf_counter()
        _sqlite_ingest(database, records)
        ingested = time.perf_counter() - started
        started = time.perf_counter()
        _sqlite_scan(database)
        return ingested, time.perf_counter() - started, path.stat().st_size
    finally:
        database.close()


def _sqlite_ingest(database: sqlite3.Connection, records: Sequence[Record]) -> None:
    last_ns, checker = 0, Checker()
    for part in batches(records):
        rows = []
        for record in part:
            event = checker.check(record.value, record.address)
            last_ns = max(time.time_ns(), last_ns + 1)
            series = "/".join(event.series)
            stored = event.stamped(last_ns)
            rows.append((last_ns, event.lane, event.event_id, event.source_ns, series, stored))
        database.execute("BEGIN")
        database.executemany("INSERT OR IGNORE INTO events VALUES (?,?,?,?,?,?)", rows)
        database.execute("COMMIT")


def _sqlite_scan(database: sqlite3.Connection) -> None:
    rows = database.execute("SELECT stored FROM events ORDER BY canonical, lane, event_id")
    while chunk := rows.fetchmany(CHUNK_EVENTS):
        chunk_frame("bench", CURSOR, [stored for (stored,) in chunk], None)
