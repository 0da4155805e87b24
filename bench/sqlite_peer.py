"""SQLite keeping NOVA's contract: every record checked, copies dropped, both orders kept, of all
and of each series, each batch durable before the next.

The receive time is the row's own number, so that the canonical order is the table itself.
"""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import cast

from bench.figures import MS, Figures, quantile, rate, seconds_each
from bench.peer_stamp import CHUNK_CURSOR, CHUNK_EVENTS, CHUNK_ID, PeerStamp
from nova.sdk.protocol.messages import chunk_frame
from nova.sdk.transport.base import Record

SCHEMA = """
PRAGMA journal_mode=WAL;
PRAGMA synchronous=FULL;
CREATE TABLE events (canonical INTEGER PRIMARY KEY, source INTEGER, lane INTEGER, event_id BLOB,
                     series INTEGER, stored BLOB);
CREATE UNIQUE INDEX by_source ON events (source, lane, event_id);
CREATE INDEX by_series_canonical ON events (series, canonical);
CREATE INDEX by_series_source ON events (series, source, event_id);
"""
ORDERS = {"canonical": "canonical", "source": "source, lane, event_id"}


def measured(folder: Path, batches: Iterable[Sequence[Record]], seeks: int) -> Figures:
    """SQLite under the work, in a new file in a folder."""
    path = folder / "peer.sqlite"
    database = sqlite3.connect(path, isolation_level=None)
    try:
        database.executescript(SCHEMA)
        figures = Figures(ingest_hz=_ingest_hz(database, batches))
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        figures.canonical_hz = rate(lambda: _replay(database, "canonical"))
        figures.source_hz = rate(lambda: _replay(database, "source"))
        found = _seek_ms(database, "canonical", seeks)
        figures.seek_canonical_p50_ms, figures.seek_canonical_p99_ms = found
        figures.seek_source_p50_ms, figures.seek_source_p99_ms = _seek_ms(database, "source", seeks)
        (count,) = database.execute("SELECT count(*) FROM events").fetchone()
        figures.bytes_per_event = path.stat().st_size / count
        return figures
    finally:
        database.close()


def _ingest_hz(database: sqlite3.Connection, batches: Iterable[Sequence[Record]]) -> float:
    stamp, records, started = PeerStamp(), 0, time.perf_counter()
    for part in batches:
        rows = stamp.batch(part)
        database.execute("BEGIN")
        database.executemany("INSERT OR IGNORE INTO events VALUES (?,?,?,?,?,?)", rows)
        database.execute("COMMIT")
        records += len(part)
    return records / (time.perf_counter() - started)


def _replay(database: sqlite3.Connection, timebase: str) -> int:
    """Everything in order as frames; returns the number of events."""
    rows = database.execute(f"SELECT stored FROM events ORDER BY {ORDERS[timebase]}")
    events = 0
    while chunk := rows.fetchmany(CHUNK_EVENTS):
        chunk_frame(CHUNK_ID, CHUNK_CURSOR, [stored for (stored,) in chunk], None)
        events += len(chunk)
    return events


def _seek_ms(database: sqlite3.Connection, timebase: str, seeks: int) -> tuple[float, float]:
    """Median and 99th percentile from a random time to the first event at or after it."""
    query = f"SELECT stored FROM events WHERE {timebase} >= ? ORDER BY {ORDERS[timebase]} LIMIT 1"
    low, high = cast(
        "tuple[int, int]",
        database.execute(f"SELECT min({timebase}), max({timebase}) FROM events").fetchone(),
    )
    dice = random.Random(2)
    times = [dice.randint(low, high) for _ in range(seeks)]
    took = seconds_each(lambda at_ns: database.execute(query, (at_ns,)).fetchone(), times)
    return quantile(took, 0.5) * MS, quantile(took, 0.99) * MS
