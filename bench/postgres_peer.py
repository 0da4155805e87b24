"""PostgreSQL keeping the same contract as SQLite, where it is installed: a server of its own in a
temporary folder, reached over its Unix socket.

Each batch is copied into a staging table and inserted from there, one durable transaction.
"""

from __future__ import annotations

import os
import pwd
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import psycopg

from bench.figures import MS, Figures, quantile, rate, seconds_each
from bench.peer_stamp import CHUNK_CURSOR, CHUNK_EVENTS, CHUNK_ID, PeerStamp
from nova.sdk.protocol.messages import chunk_frame
from nova.sdk.transport.base import Record
from nova.testkit import child

SCHEMA = """
CREATE TABLE events (canonical int8 PRIMARY KEY, source int8, lane int2, event_id bytea,
                     series int4, stored bytea);
CREATE UNIQUE INDEX by_source ON events (source, lane, event_id);
CREATE INDEX by_series_canonical ON events (series, canonical);
CREATE INDEX by_series_source ON events (series, source, event_id);
CREATE TEMPORARY TABLE staging (LIKE events) ON COMMIT DELETE ROWS;
"""
TYPES = ("int8", "int8", "int2", "bytea", "int4", "bytea")
ORDERS = {"canonical": "canonical", "source": "source, lane, event_id"}
USER = "nova"
SETTINGS = ("listen_addresses=", "synchronous_commit=on", "shared_buffers=256MB", "work_mem=512MB")
START_TIMEOUT_S, STOP_TIMEOUT_S, POLL_S = 60.0, 30.0, 0.1
UNPRIVILEGED = ("postgres", "nobody")
"""Who runs the server where we are root, for it refuses to be."""

Connection = psycopg.Connection[tuple[object, ...]]


def programs() -> Path | None:
    """The folder of the newest PostgreSQL of this machine's, None without one."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_version)
    on_path = shutil.which("initdb")
    if found:
        return found[-1].parent
    return Path(on_path).resolve().parent if on_path else None


def _version(path: Path) -> int:
    name = path.parents[1].name
    return int(name) if name.isdigit() else 0


def version() -> str | None:
    """Which one it is, None where it is not installed."""
    folder = programs()
    if folder is None:
        return None
    done = subprocess.run([folder / "postgres", "--version"], capture_output=True, check=True)
    return done.stdout.decode().split()[2]


def measured(batches: Iterable[Sequence[Record]], seeks: int) -> Figures | None:
    """PostgreSQL under the work; None where it is not installed."""
    folder = programs()
    if folder is None:
        return None
    with _server(folder) as home, _connected(home) as database:
        database.execute(SCHEMA)
        database.commit()
        figures = Figures(ingest_hz=_ingest_hz(database, batches))
        database.execute("ANALYZE events")
        database.commit()
        figures.bytes_per_event = _bytes_per_event(database)
        figures.canonical_hz = rate(lambda: _replay(database, "canonical"))
        figures.source_hz = rate(lambda: _replay(database, "source"))
        found = _seek_ms(database, "canonical", seeks)
        figures.seek_canonical_p50_ms, figures.seek_canonical_p99_ms = found
        figures.seek_source_p50_ms, figures.seek_source_p99_ms = _seek_ms(database, "source", seeks)
        return figures


@contextmanager
def _server(programs_folder: Path) -> Iterator[Path]:
    """A server that runs as long as the block; its folder is also its socket's."""
    home = Path(tempfile.mkdtemp(prefix="nova-pg-"))
    try:
        as_user = _as_unprivileged(home)
        made: list[str | Path] = [
            programs_folder / "initdb",
            "-D",
            home / "data",
            "-U",
            USER,
            "-A",
            "trust",
        ]
        done = subprocess.run([*as_user, *made], cwd=home, capture_output=True, check=False)
        if done.returncode:
            raise RuntimeError(f"initdb failed: {done.stderr.decode().strip()}")
        options = [part for setting in SETTINGS for part in ("-c", setting)]
        command: list[str | Path] = [
            programs_folder / "postgres",
            "-D",
            home / "data",
            "-k",
            home,
            *options,
        ]
        with (home / "log").open("wb") as output:
            process = child.spawn([*as_user, *command], output, cwd=home)
        try:
            yield home
        finally:
            child.terminate(process, STOP_TIMEOUT_S)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _as_unprivileged(home: Path) -> list[str | Path]:
    """Command prefix to run a program as a user other than root, who owns the folder."""
    if os.geteuid() != 0:
        return []
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    user = next(known[name] for name in UNPRIVILEGED if name in known)
    os.chown(home, user.pw_uid, user.pw_gid)
    ids = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    return ["setpriv", *ids, "--pdeathsig=KILL"]


@contextmanager
def _connected(home: Path) -> Iterator[Connection]:
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            with psycopg.connect(host=str(home), user=USER, dbname="postgres") as database:
                yield database
            return
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(POLL_S)


def _ingest_hz(database: Connection, batches: Iterable[Sequence[Record]]) -> float:
    stamp, records, started = PeerStamp(), 0, time.perf_counter()
    with database.cursor() as cursor:
        for part in batches:
            with cursor.copy("COPY staging FROM STDIN (FORMAT BINARY)") as copy:
                copy.set_types(TYPES)
                for row in stamp.batch(part):
                    copy.write_row(row)
            cursor.execute("INSERT INTO events SELECT * FROM staging ON CONFLICT DO NOTHING")
            database.commit()
            records += len(part)
    return records / (time.perf_counter() - started)


def _bytes_per_event(database: Connection) -> float:
    query = "SELECT pg_total_relation_size('events')::float8 / (SELECT count(*) FROM events)"
    return _number(database, query)


def _replay(database: Connection, timebase: str) -> int:
    """Everything in order as frames, by a cursor of the server's; returns the number of events."""
    events = 0
    with database.cursor("replay", binary=True) as cursor:
        cursor.execute(f"SELECT stored FROM events ORDER BY {ORDERS[timebase]}")
        while chunk := cursor.fetchmany(CHUNK_EVENTS):
            chunk_frame(CHUNK_ID, CHUNK_CURSOR, [cast("bytes", row[0]) for row in chunk], None)
            events += len(chunk)
    database.commit()
    return events


def _seek_ms(database: Connection, timebase: str, seeks: int) -> tuple[float, float]:
    """Median and 99th percentile from a random time to the first event at or after it."""
    order = ORDERS[timebase]
    query = f"SELECT stored FROM events WHERE {timebase} >= %s ORDER BY {order} LIMIT 1"
    low, high = (
        int(_number(database, f"SELECT {edge}({timebase}) FROM events")) for edge in ("min", "max")
    )
    dice = random.Random(2)
    times = [dice.randint(low, high) for _ in range(seeks)]
    with database.cursor(binary=True) as cursor:

        def seek(at_ns: int) -> object:
            return cursor.execute(query, (at_ns,), prepare=True).fetchone()

        took = seconds_each(seek, times)
    return quantile(took, 0.5) * MS, quantile(took, 0.99) * MS


def _number(database: Connection, query: str) -> float:
    row = database.execute(query.encode()).fetchone()
    assert row is not None and isinstance(row[0], int | float)
    return row[0]
