"""NOVA's writer and reader without sockets, beside the peers under the same work."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from bench import probe
from bench.own import WriterSide
from bench.peers import Batches, Peers, compared
from bench.probe import Probed
from bench.table import Row

WARM_UP_SHARE = 10
"""One batch of this many is for warming up."""


class Own(NamedTuple):
    """NOVA's ingest, what a reader measured, and bytes per event before and after compaction."""

    ingest_hz: float
    probed: Probed
    written: dict[str, float]
    compacted: dict[str, float]


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
        compared(
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
        rows.append(compared(task, hz, "events/s", others, f"{base}_hz", wanted, note=note))
    for base in probe.TIMEBASES:
        for share, wanted, values in (
            ("p50", "≤ 0.1", found.seek_p50_ms),
            ("p99", "≤ 2", found.seek_p99_ms),
        ):
            task, member = f"seek to first event, {base}, {share}", f"seek_{base}_{share}_ms"
            rows.append(compared(task, values[base], "ms", others, member, wanted))
    return rows


def _size_rows(nova: Own, others: Peers) -> list[Row]:
    written, settled = sum(nova.written.values()), sum(nova.compacted.values())
    member = "bytes_per_event"
    parts = ", ".join(f"{name} {size:.0f}" for name, size in nova.compacted.items())
    return [
        compared("on disk, as written", written, "bytes/event", others, member, "≤ 300"),
        compared(
            *("on disk, compacted", settled, "bytes/event", others, member, "≤ 300"), note=parts
        ),
    ]
