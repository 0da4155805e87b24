"""Reading the catalog's records, decoded."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nova.core.errors import ArchiveError
from nova.core.store import catalog
from nova.core.store.archive import Archive
from nova.core.store.catalog import Counters, Dispatch
from nova.core.writer.committer import Committer
from nova.sdk.transport.base import Batch, Record

Make = Callable[..., Record]


def test_a_new_archive_reads_as_empty(archive: Archive) -> None:
    record = archive.record
    record.check_schema()
    assert record.counters() == Counters() and record.last_canonical_ns() == 0
    assert record.positions("a") == {} and record.manifest_conflicts() == []
    assert record.request("s", "r") is None and record.archive_id() is None
    assert record.link_routes(b"carrier/x") == {} and record.binding(b"binding/x") is None
    assert list(record.series()) == [] and record.dispatches() == []
    assert record.rejects().first(0) is None


def test_counters_and_positions_are_those_of_the_last_commit(
    archive: Archive, committer: Committer, record: Make
) -> None:
    bad = Record(None, b"no JSON")
    committer.add_batch("a", Batch([record(1), bad, record(1)], {"s": 3}))
    frame = committer.close_commit()
    counters, last_ns = archive.record.counters_and_last_ns()
    assert (counters.events, counters.duplicates, counters.rejects) == (1, 1, 1)
    assert archive.record.counters() == counters
    assert archive.record.last_canonical_ns() == last_ns == frame.watermark
    assert archive.record.positions("a") == {"s": 3}


def test_series_come_with_their_numbers_from_the_first_wanted_on(
    archive: Archive, committer: Committer, record: Make
) -> None:
    committer.add_batch("a", Batch([record(1, unit=f"u{number}") for number in range(3)]))
    committer.close_commit()
    every = list(enumerate(committer.series.names))
    assert len(every) == 3 and list(archive.record.series()) == every
    assert list(archive.record.series(2)) == every[2:]


def test_rejects_come_by_number(archive: Archive, committer: Committer) -> None:
    committer.add_batch("a", Batch([Record(None, b"first"), Record(None, b"second")]))
    committer.close_commit()
    rejects = archive.record.rejects()
    for number, raw in enumerate((b"first", b"second")):
        found = rejects.first(number)
        assert found is not None and found[0] == number
        assert catalog.decode_reject(found[1]).raw == raw
    assert rejects.first(2) is None


def test_unfinished_dispatches_are_those_that_were_not_removed(
    archive: Archive, committer: Committer
) -> None:
    first, second = Dispatch(b"k1"), Dispatch(b"k2", is_begun=True)
    for number, dispatch in enumerate((first, second)):
        key = catalog.dispatch_key("s", f"r{number}")
        committer.open.put_record(key, catalog.encode_dispatch(dispatch))
    committer.close_commit()
    assert archive.record.dispatches() == [first, second]
    committer.open.delete_record(catalog.dispatch_key("s", "r0"))
    committer.close_commit()
    assert archive.record.dispatches() == [second]


def test_another_layout_is_refused(archive: Archive) -> None:
    batch = archive.batch()
    batch.put_record(catalog.SCHEMA_KEY, b"999")
    archive.write(batch)
    with pytest.raises(ArchiveError, match=r"layout 999.*later version"):
        archive.record.check_schema()
