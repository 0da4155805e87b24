"""The stores without sockets: NOVA's writer and reader, and the peers under the same work."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bench import postgres_peer, probe, rocksdb_peer, sqlite_peer
from bench.figures import Figures
from bench.own import WriterSide
from bench.probe import Probed
from bench.table import Row
from nova.sdk.transport.base import Record

WARM_UP_SHARE = 10
"""One batch of this many is for warming up."""

Batches = Sequence[Sequence[Record]]


class Peers(NamedTuple):
    """The peers' figures; PostgreSQL's are empty where it is not installed."""

    sqlite: Figures
    postgres: Figures
    rocksdb: Figures


class Own(NamedTuple):
    """NOVA's ingest, what a reader measured, and bytes per event before and after compaction."""

    ingest_hz: float
    probed: Probed
    written: dict[str, float]
    compacted: dict[str, float]


def peers(folder: Path, batches: Batches, seeks: int) -> Peers:
    """Measure every peer, one after the other."""
    return Peers(
        sqlite_peer.measured(folder, batches, seeks),
        postgres_peer.measured(batches, seeks) or Figures(),
        rocksdb_peer.measured(folder, batches, seeks),
    )


def own(data: Path, batches: Batches, seeks: int) -> Own:
    """Measure NOVA, with its reader in a process of its own."""
    with WriterSide(data) as store:
        ingest_hz = store.ingest(batches, lambda: len(batches) // WARM_UP_SHARE)
        found = probe.in_process_of_its_own(data, seeks, replay=True)
        store.flush()
        written = _per_event(store)
        store.compact()
        return Own(ingest_hz, found, written, _per_event(store))


def _per_event(store: WriterSide) -> dict[str, float]:
    return {name: size / store.events for name, size in store.bytes_per_family().items()}


def rows(nova: Own, others: Peers) -> list[Row]:
    """The part of the table that has peers."""
    return [
        _compared(
            *("ingest, the writer's own path", nova.ingest_hz, "events/s"),
            *(others, "ingest_hz", "≥ 100,000"),
            note="all: checks, ids, both orders, durable per batch; RocksDB: bare puts",
        ),
        *_read_rows(nova.probed, others),
        Row("one entity's events", nova.probed.entity_p50_ms, "ms", "≤ 50", note=_entity(nova)),
        Row("latest before a time, p50", nova.probed.latest_p50_ms, "ms", "≤ 0.1"),
        Row("latest before a time, p99", nova.probed.latest_p99_ms, "ms"),
        Row("newest 50 of 50 rare series, p50", nova.probed.newest_p50_ms, "ms"),
        Row("newest 50 of 50 rare series, p99", nova.probed.newest_p99_ms, "ms", "≤ 5"),
        *_size_rows(nova, others),
    ]


def _entity(nova: Own) -> str:
    return f"{nova.probed.entity_events:,} events from a random time on, median"


def _read_rows(found: Probed, others: Peers) -> list[Row]:
    rows = []
    for base, wanted in (("canonical", "≥ 1,500,000"), ("source", "≥ 900,000")):
        hz = found.replay_hz[base]
        task, note = f"replay to frames, {base}", "RocksDB: rows alone, no frames"
        note = note if base == "canonical" else ""
        rows.append(_compared(task, hz, "events/s", others, f"{base}_hz", wanted, note=note))
    for base in probe.TIMEBASES:
        for share, wanted, values in (
            ("p50", "≤ 0.1", found.seek_p50_ms),
            ("p99", "≤ 2", found.seek_p99_ms),
        ):
            task, member = f"seek to first event, {base}, {share}", f"seek_{base}_{share}_ms"
            rows.append(_compared(task, values[base], "ms", others, member, wanted))
    return rows


def _size_rows(nova: Own, others: Peers) -> list[Row]:
    written, settled = sum(nova.written.values()), sum(nova.compacted.values())
    member = "bytes_per_event"
    parts = ", ".join(f"{name} {size:.0f}" for name, size in nova.compacted.items())
    return [
        _compared("on disk, as written", written, "bytes/event", others, member, "≤ 300"),
        _compared(
            *("on disk, compacted", settled, "bytes/event", others, member, "≤ 300"), note=parts
        ),
    ]


def _compared(
    task: str, figure: float, unit: str, others: Peers, member: str, wanted: str, *, note: str = ""
) -> Row:
    """A row with every peer's figure of the same name."""
    sqlite, postgres, rocksdb = (getattr(figures, member) for figures in others)
    return Row(task, figure, unit, wanted, sqlite, postgres, rocksdb, note)
