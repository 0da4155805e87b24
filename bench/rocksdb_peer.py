"""The limit: bare RocksDB, which puts bytes that were checked before and keeps no second order.

Same stored bytes under their receive time, in batches of the same size, each made durable.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import cast

from rocksdict import DBCompressionType, Options, Rdict, WriteBatch

from bench.figures import MS, Figures, quantile, rate, seconds_each
from bench.peer_stamp import CHUNK_EVENTS, PeerStamp
from nova.core.ordering import time_key, time_of
from nova.sdk.transport.base import Record

Row = tuple[bytes, bytes]


def measured(folder: Path, batches: Iterable[Sequence[Record]], seeks: int) -> Figures:
    """RocksDB alone under the work, in a folder; of an event seen twice both are stored."""
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    options.set_compression_type(DBCompressionType.lz4())
    database = Rdict(str(folder / "rocksdb"), options)
    try:
        events, seconds = _ingest(database, batches)
        database.flush()
        times = _random_times(database, seeks)
        took = seconds_each(lambda at_ns: next(_rows(database, time_key(at_ns))), times)
        return Figures(
            ingest_hz=events / seconds,
            canonical_hz=rate(lambda: _replay(database)),
            seek_canonical_p50_ms=quantile(took, 0.5) * MS,
            seek_canonical_p99_ms=quantile(took, 0.99) * MS,
            bytes_per_event=_bytes(database) / events,
        )
    finally:
        database.close()


def _ingest(database: Rdict, batches: Iterable[Sequence[Record]]) -> tuple[int, float]:
    """Events and seconds; the checks are left out of the seconds."""
    stamp, events, seconds = PeerStamp(), 0, 0.0
    for part in batches:
        rows = [(time_key(event.canonical_ns), event.stored) for event in stamp.batch(part)]
        started = time.perf_counter()
        batch = WriteBatch(raw_mode=True)
        for key, stored in rows:
            batch.put(key, stored)
        database.write(batch)
        database.flush_wal(True)
        seconds += time.perf_counter() - started
        events += len(rows)
    return events, seconds


def _rows(database: Rdict, start: bytes | None = None, *, backwards: bool = False) -> Iterator[Row]:
    # Its stub calls it an iterable of itself.
    return cast("Iterator[Row]", database.items(backwards=backwards, from_key=start))


def _replay(database: Rdict) -> int:
    rows, events = _rows(database), 0
    while chunk := list(islice(rows, CHUNK_EVENTS)):
        events += len(chunk)
    return events


def _random_times(database: Rdict, count: int) -> list[int]:
    (low, _), (high, _) = next(_rows(database)), next(_rows(database, backwards=True))
    dice = random.Random(2)
    return [dice.randint(time_of(low), time_of(high)) for _ in range(count)]


def _bytes(database: Rdict) -> int:
    return int(database.property_int_value("rocksdb.total-sst-files-size") or 0)
