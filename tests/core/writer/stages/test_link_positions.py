"""Positions: each link's own, advanced by the streams that a batch names."""

from __future__ import annotations

from nova.core.store.archive import Archive
from nova.core.writer.commit import Commit
from nova.core.writer.stages.link_positions import advance_positions
from tests.core.writer.staging import delivered, run


def test_streams_that_a_batch_does_not_name_stay(archive: Archive, open_commit: Commit) -> None:
    """AMB-18: and the record of a link has all of its streams."""
    for link, positions in (("a", {"s/0": 5, "s/1": 2}), ("a", {"s/1": 3}), ("b", {"s/1": 9})):
        batch = delivered(positions=positions, link=link)
        open_commit.add(run(advance_positions, batch, open_commit))
    expected = {"a": {"s/0": 5, "s/1": 3}, "b": {"s/1": 9}}
    assert open_commit.state.positions == expected
    open_commit.write(())
    for link, positions in expected.items():
        assert archive.record.positions(link) == positions


def test_a_batch_without_positions_writes_none(open_commit: Commit) -> None:
    """An import has none."""
    assert not run(advance_positions, delivered(), open_commit).positions
    assert open_commit.state.positions == {}
