"""DuckDB keeping NOVA's contract: every record checked, copies dropped, both orders, each batch
durable before the next.

Batches are inserted as Arrow tables, which is its fastest way in. One index, on source time, lane
and eventId, finds the copies; the orders of receive time and of each series come from scans.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from time import perf_counter

import duckdb
import pyarrow as pa

from bench.figures import MS, Figures, quantile, rate, seconds_each
from bench.peer_stamp import CHUNK_CURSOR, CHUNK_EVENTS, CHUNK_ID, PeerStamp, Stamped
from nova.sdk.protocol.messages import chunk_frame
from nova.sdk.transport.base import Record

TABLE = """
CREATE TABLE events (canonical BIGINT, source BIGINT, lane TINYINT, event_id BLOB, series INTEGER,
                     stored BLOB, UNIQUE (source, lane, event_id))
"""
INSERT = "INSERT INTO events SELECT * FROM batch ON CONFLICT DO NOTHING"
ORDERS = {"canonical": "canonical", "source": "source, lane, event_id"}
COLUMNS = pa.schema(
    {
        "canonical": pa.int64(),
        "source": pa.int64(),
        "lane": pa.int8(),
        "event_id": pa.binary(),
        "series": pa.int32(),
        "stored": pa.binary(),
    }
)
SEEK_SHARE = 10
"""The other stores' number of seeks is divided by this: each one scans."""


def measured(folder: Path, batches: Iterable[Sequence[Record]], seeks: int) -> Figures:
    """DuckDB under the work, in a new file in a folder."""
    path, count = folder / "peer.duckdb", max(1, seeks // SEEK_SHARE)
    with duckdb.connect(str(path)) as database:
        database.execute(TABLE)
        figures = Figures(ingest_hz=_ingest_hz(database, batches))
        database.execute("CHECKPOINT")
        figures.canonical_hz = rate(lambda: _replay(database, "canonical"))
        figures.source_hz = rate(lambda: _replay(database, "source"))
        found = _seek_ms(database, "canonical", count)
        figures.seek_canonical_p50_ms, figures.seek_canonical_p99_ms = found
        figures.seek_source_p50_ms, figures.seek_source_p99_ms = _seek_ms(database, "source", count)
        (events,) = _one(database, "SELECT count(*) FROM events")
    figures.bytes_per_event = path.stat().st_size / events
    return figures


def _ingest_hz(database: duckdb.DuckDBPyConnection, batches: Iterable[Sequence[Record]]) -> float:
    stamp, records, started = PeerStamp(), 0, perf_counter()
    for part in batches:
        database.register("batch", _table(stamp.batch(part)))
        database.execute(INSERT)
        records += len(part)
    return records / (perf_counter() - started)


def _table(events: Sequence[Stamped]) -> object:
    """A batch in columns, of copies in it the first."""
    first: dict[tuple[int, int, bytes], Stamped] = {}
    for event in events:
        first.setdefault((event.source_ns, event.lane, event.event_id), event)
    columns = zip(*first.values(), strict=True)
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, COLUMNS, strict=True)],
        schema=COLUMNS,
    )


def _replay(database: duckdb.DuckDBPyConnection, timebase: str) -> int:
    """Everything in order as frames; returns the number of events."""
    rows = database.execute(f"SELECT stored FROM events ORDER BY {ORDERS[timebase]}")
    events = 0
    while chunk := rows.fetchmany(CHUNK_EVENTS):
        chunk_frame(CHUNK_ID, CHUNK_CURSOR, [stored for (stored,) in chunk], None)
        events += len(chunk)
    return events


def _seek_ms(database: duckdb.DuckDBPyConnection, timebase: str, seeks: int) -> tuple[float, float]:
    """Median and 99th percentile from a random time to the first event at or after it."""
    query = f"SELECT stored FROM events WHERE {timebase} >= ? ORDER BY {ORDERS[timebase]} LIMIT 1"
    low, high = _one(database, f"SELECT min({timebase}), max({timebase}) FROM events")
    dice = random.Random(2)
    times = [dice.randint(low, high) for _ in range(seeks)]
    took = seconds_each(lambda at_ns: database.execute(query, (at_ns,)).fetchone(), times)
    return quantile(took, 0.5) * MS, quantile(took, 0.99) * MS


def _one(database: duckdb.DuckDBPyConnection, query: str) -> tuple[int, ...]:
    row = database.execute(query).fetchone()
    assert row is not None
    return tuple(row)
