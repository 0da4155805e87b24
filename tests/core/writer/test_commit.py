"""The open commit: nothing of it is in the archive until it is written, and then all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nova.core.commit_feed import NewSeries
from nova.core.store import catalog
from nova.core.store.archive import Archive
from nova.core.store.catalog import LinkCounters
from nova.core.store.keys import FAMILIES
from nova.core.store.scan import scan
from nova.core.writer.additions import Additions, Increments
from nova.core.writer.commit import Commit
from nova.core.writer.commit_limits import CommitLimits
from nova.core.writer.writer_state import recover
from nova.sdk.transport.base import Record
from tests.core.conftest import START_NS
from tests.core.writer.staging import columns, new_events, stamped

Make = Callable[..., Record]


def opened(archive: Archive, data: Path, **limits: int) -> Commit:
    """A commit on an archive, with limits that are large unless given."""
    large = {"commit_max_bytes": 10**9, "commit_max_events": 10**6}
    state = recover(archive, data, lambda: START_NS)
    return Commit(archive, state, CommitLimits(**(large | limits)))


def rows(archive: Archive) -> dict[bytes, bytes]:
    """All rows of all families."""
    return {
        family.encode() + b":" + key: value
        for family in FAMILIES
        for key, value in scan(archive.families[family], b"", b"\xff" * 64)
    }


def test_all_of_a_commit_is_written_together(
    archive: Archive, tmp_path: Path, record: Make
) -> None:
    """AMB-18: events, series, keys, rows, selections, counters and positions."""
    commit, before = opened(archive, tmp_path), rows(archive)
    events = stamped(new_events([record(1), record(2)]), commit)
    commit.add_events(events)
    commit.add(
        Additions(
            rows=[(b"request/x", b"1")],
            selections={b"binding/x": "jsonl@1.0.0"},
            increments=Increments(duplicates=3),
            links={"a": LinkCounters(received=5)},
            positions={"a": {"s": 7}},
        )
    )
    commit.put_record(b"dispatch/x", b"2")
    assert rows(archive) == before
    frame = commit.write([(b"rollup/x", b"3")])
    written = {key: value for key, value in rows(archive).items() if key not in before}
    assert frame.watermark == START_NS + 1
    assert frame.series == [NewSeries(0, columns([record(1)]).names[0])]
    assert frame.events == list(zip(events.event_keys, events.stored, strict=True))
    for key, value in ((b"request/x", b"1"), (b"dispatch/x", b"2"), (b"rollup/x", b"3")):
        assert written[b"catalog:" + key] == value
    assert written[b"catalog:binding/x"] == b"jsonl@1.0.0"
    assert sum(key.startswith(b"source:") for key in written) == 2
    counters = catalog.decode_counters(written[b"catalog:" + catalog.COUNTERS_KEY])
    assert (counters.events, counters.duplicates, counters.links["a"].received) == (2, 3, 5)
    again = recover(archive, tmp_path, int)
    assert again.clock.last_ns == frame.watermark
    assert (again.positions, again.series.names) == ({"a": {"s": 7}}, columns([record(1)]).names)


def test_a_key_is_known_by_the_commit_and_by_the_archive(archive: Archive, tmp_path: Path) -> None:
    """A key that was added is taken at once; a removed record is not."""
    first = opened(archive, tmp_path)
    first.add(Additions(keys=[b"request/a"], rows=[(b"request/a", b"1")]))
    assert first.has_key(b"request/a") and not first.has_key(b"request/b")
    first.write(())
    second = opened(archive, tmp_path)
    assert second.has_key(b"request/a")
    second.delete_record(b"request/a")
    second.write(())
    assert not opened(archive, tmp_path).has_key(b"request/a")


@pytest.mark.parametrize("size", [1, 200, 5_000])
@pytest.mark.parametrize("already", [0, 4])
def test_a_commit_takes_events_up_to_the_one_that_fills_it(
    archive: Archive, tmp_path: Path, record: Make, size: int, already: int
) -> None:
    """At least one, whatever is in it already, so that a batch always continues."""
    sizes = [size * (1 + n % 3) for n in range(30)]
    for most in (1, 100, 3_000, 10**6):
        commit = opened(archive, tmp_path, commit_max_bytes=most, commit_max_events=20)
        if already:
            commit.add_events(stamped(new_events([record(n) for n in range(already)]), commit))
        empty_bytes = most - _room(commit)
        for start in (0, 5):
            end = commit.fitting_end([bytes(one) for one in sizes], start)
            assert start < end <= min(30, start + 20 - already)
            if end < min(30, start + 20 - already):
                assert empty_bytes + sum(sizes[start:end]) >= most
            if end - start > 1:
                assert empty_bytes + sum(sizes[start : end - 1]) < most


def _room(commit: Commit) -> int:
    """The bytes that a commit has room for, found by trying."""
    low, high = 0, 10**6 + 1
    while low < high:
        middle = (low + high) // 2
        if commit.fitting_end([bytes(middle), b""], 0) == 1:
            high = middle
        else:
            low = middle + 1
    return low


def test_a_commit_is_full_by_events_or_by_bytes(
    archive: Archive, tmp_path: Path, record: Make
) -> None:
    """Rows of the catalog count too."""
    by_events = opened(archive, tmp_path, commit_max_events=2)
    by_bytes = opened(archive, tmp_path, commit_max_bytes=1_000)
    assert not by_events.is_full() and not by_bytes.is_full()
    by_events.add_events(stamped(new_events([record(1), record(2)]), by_events))
    by_bytes.add(Additions(rows=[(b"reject/x", bytes(1_000))]))
    assert by_events.is_full() and by_bytes.is_full()
