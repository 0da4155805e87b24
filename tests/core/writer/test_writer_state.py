"""The writer's state: what a new writer finds is what the last commit left."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nova.core.errors import ArchiveDamagedError
from nova.core.store.archive import Archive
from nova.core.store.durability_marker import write_marker
from nova.core.writer.committer import Committer
from nova.core.writer.writer_state import recover
from nova.sdk.transport.base import Batch, Record

Make = Callable[..., Record]


def test_a_new_archive_has_an_empty_state(archive: Archive, tmp_path: Path) -> None:
    """Its canonical time begins at the epoch."""
    state = recover(archive, tmp_path, lambda: 5)
    assert (state.series.names, state.counters.events, state.positions) == ([], 0, {})
    assert (state.clock.last_ns, state.clock.next_ns()) == (0, 5)


def test_the_state_is_that_of_the_last_commit(
    archive: Archive, committer: Committer, record: Make, tmp_path: Path
) -> None:
    """What was in the open commit is not in it."""
    committer.add_batch("a", Batch([record(1, unit="x"), record(2, unit="y")], {"s": 2}))
    committer.add_batch("b", Batch([record(1, unit="x")], {"t": 1}))
    committer.close_commit()
    last_ns = committer.last_ns
    committer.add_batch("a", Batch([record(3, unit="z")], {"s": 3}))
    state = recover(archive, tmp_path, lambda: 0)
    assert [names.unique_id for names in state.series.names] == ["x", "y"]
    assert (state.counters.events, state.counters.duplicates) == (2, 1)
    assert state.positions == {"a": {"s": 2}, "b": {"t": 1}}
    assert state.marker(archive.sequence()) == committer.marker()
    assert state.clock.next_ns() == last_ns + 1


def test_an_archive_that_lost_a_commit_is_refused(
    archive: Archive, committer: Committer, record: Make, tmp_path: Path
) -> None:
    """The durability marker records more than the archive holds."""
    committer.add_batch("a", Batch([record(1)]))
    committer.close_commit()
    marker = committer.marker()
    write_marker(tmp_path, marker)
    assert recover(archive, tmp_path, int).counters.events == 1
    marker.events += 1
    write_marker(tmp_path, marker)
    with pytest.raises(ArchiveDamagedError, match="event count 1"):
        recover(archive, tmp_path, int)
