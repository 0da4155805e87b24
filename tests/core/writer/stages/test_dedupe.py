"""Deduplication: of events with one order key the first is new, wherever it is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nova.core.ordering import order_key
from nova.core.store.archive import Archive
from nova.core.store.deleted_ids import LEVELS, deleted_rows
from nova.core.writer.commit import Commit
from nova.core.writer.committer import Committer
from nova.core.writer.stages.dedupe import Dedupe, first_places
from nova.sdk.transport.base import Batch, Record
from tests.core.telling import START_NS
from tests.core.writer.staging import columns, run
from tests.sdk.events.mutated_records import needs_native

Make = Callable[..., Record]


def test_the_first_of_a_batch_is_new(archive: Archive, open_commit: Commit, record: Make) -> None:
    """A-056: copies behind it are not."""
    batch = columns([record(1), record(2), record(1), record(3), record(2)])
    events, added = run(Dedupe(archive), batch, open_commit)
    assert (list(events.numbers), events.received) == ([0, 1, 3], 3)
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
    assert list(events.numbers) == [2]
    nothing, added = run(dedupe, columns([record(1)]), open_commit)
    assert (list(nothing.numbers), nothing.received, len(added.keys)) == ([], 0, 0)


def test_copies_in_a_batch_count_once_beside_what_is_stored(
    archive: Archive, committer: Committer, open_commit: Commit, record: Make
) -> None:
    """A-056: whatever of a batch is older than the archive, and whatever is newer."""
    committer.add_batch("link", Batch([record(5)]))
    committer.close_commit()
    batch = columns([record(n) for n in (9, 5, 3, 9, 3, 5, 7)])
    events, added = run(Dedupe(archive), batch, open_commit)
    assert (list(events.numbers), events.received) == ([0, 2, 6], 3)
    assert set(added.keys) == {batch.keys[number] for number in events.numbers}


def test_a_deleted_event_is_a_copy_though_none_is_after_it(
    archive: Archive, open_commit: Commit, record: Make
) -> None:
    """A-081: retention may have deleted the newest events of an archive."""
    batch = columns([record(1), record(2)])
    rows = archive.batch()
    rows.put_records(deleted_rows(batch.keys[1:], LEVELS[0], order_key(0, 0, b"")))
    archive.write(rows)
    events, _ = run(Dedupe(archive), batch, open_commit)
    assert list(events.numbers) == [0]


def test_an_archive_that_was_opened_again_knows_its_newest_event(
    archive: Archive, committer: Committer, open_commit: Commit, record: Make
) -> None:
    """A-081: a new dedupe reads where the archive ends, and events of that time are looked up."""
    same_ns = START_NS + 50
    stored = record(1, at_ns=same_ns)
    committer.add_batch("link", Batch([stored]))
    committer.close_commit()
    batch = columns([stored, record(2, at_ns=same_ns), record(3, at_ns=same_ns + 1)])
    events, _ = run(Dedupe(archive), batch, open_commit)
    assert list(events.numbers) == [1, 2]


@pytest.mark.parametrize("native", ["0", pytest.param("1", marks=needs_native)])
@given(keys=st.lists(st.sampled_from((b"", b"a", b"b", b"bb", b"c")) | st.binary(max_size=3)))
@settings(deadline=None)
def test_the_first_of_equal_keys_is_found(native: str, keys: list[bytes]) -> None:
    """A-037: in any order, by the native part as by Python."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("NOVA_NATIVE", native)
        places, old, newest = first_places(keys, b"b")
    expected = [place for place, key in enumerate(keys) if key not in keys[:place]]
    assert list(places) == expected
    assert old == [place for place in expected if keys[place] <= b"b"]
    assert newest == max(keys, default=b"")
