"""The measurement of counting: one archive with rollups and one without, otherwise equal."""

from __future__ import annotations

from pathlib import Path

from bench.counting import rounds_of
from nova.core.store.archive import Archive
from nova.core.store.rollup import counted_events

EVENTS = 2_000


def test_only_one_of_the_archives_is_counted(tmp_path: Path) -> None:
    """Two rounds, so that archives are opened anew."""
    rounds = list(rounds_of(tmp_path, EVENTS, 2))
    assert len(rounds) == 2 and all(rate > 0 for pair in rounds for rate in pair)
    held, seen = [], []
    for name in ("with", "without"):
        archive = Archive.open_primary(tmp_path / name)
        held.append(archive.record.counters().events)
        seen.append(counted_events(archive))
        archive.close()
    assert held[0] == held[1] == seen[0] == 2 * EVENTS and seen[1] == 0
