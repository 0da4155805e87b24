"""Deduplication: of events with one order key the first is new, wherever it is."""

from __future__ import annotations

from collections.abc import Callable

from nova.core.store.archive import Archive
from nova.core.writer.commit import Commit
from nova.core.writer.committer import Committer
from nova.core.writer.stages.dedupe import Dedupe
from nova.sdk.transport.base import Batch, Record
from tests.core.writer.staging import columns, run

Make = Callable[..., Record]


def test_the_first_of_a_batch_is_new(archive: Archive, open_commit: Commit, record: Make) -> None:
    """A-056: copies behind it are not."""
    batch = columns([record(1), record(2), record(1), record(3), record(2)])
    events, added = run(Dedupe(archive), batch, open_commit)
    assert (events.numbers, events.received) == ([0, 1, 3], 3)
    assert set(added.keys) == set(batch.keys) and len(added.keys) == 3


def test_what_the_archive_has_is_not_new(
    archive: Archive, committer: Committer, open_commit: Commit, record: Make
) -> None:
    """A-081: nor is what an earlier batch has added to the open commit."""
    committer.add_batch("link", Batch([record(1)]))
    committer.close_commit()
    dedupe = Dedupe(archive)
    _, added = run(dedupe, columns([record(2)]), open_commit)
    open_commit.add(added)
    events, _ = run(dedupe, columns([record(1), record(2), record(3)]), open_commit)
    assert events.numbers == [2]
    nothing, added = run(dedupe, columns([record(1)]), open_commit)
    assert (nothing.numbers, nothing.received, len(added.keys)) == ([], 0, 0)
