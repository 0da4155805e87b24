"""The peers, other stores under the same work, and the rows that they share with NOVA."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bench import duckdb_peer, postgres_peer, rocksdb_peer, sqlite_peer
from bench.figures import Figures
from bench.table import Row
from nova.sdk.transport.base import Record

Batches = Sequence[Sequence[Record]]


class Peers(NamedTuple):
    """The peers' figures, named as the members of a row; PostgreSQL's are empty where it is not
    installed.
    """

    sqlite: Figures
    postgres: Figures
    duckdb: Figures
    rocksdb: Figures


NO_PEERS = Peers(*(Figures() for _ in Peers._fields))


def measured(folder: Path, batches: Batches, seeks: int) -> Peers:
    """Measure every peer, one after the other."""
    return Peers(
        sqlite_peer.measured(folder, batches, seeks),
        postgres_peer.measured(batches, seeks) or Figures(),
        duckdb_peer.measured(folder, batches, seeks),
        rocksdb_peer.measured(folder, batches, seeks),
    )


def compared(
    task: str,
    figure: float,
    unit: str,
    others: Peers,
    member: str,
    wanted: str = "",
    *,
    note: str = "",
) -> Row:
    """A row with every peer's figure of the same name."""
    figures = {name: getattr(peer, member) for name, peer in others._asdict().items()}
    return Row(task, figure, unit, wanted, note=note, **figures)
