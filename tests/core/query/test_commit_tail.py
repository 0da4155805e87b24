"""What is read from the newest commits in memory is what the archive has."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.core.commit_feed import CommitFrame, CommittedEvent
from nova.core.ordering import time_key
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.commit_tail import CommitTail
from nova.core.query.event_filter import EventFilter
from nova.core.query.range_cursor import Hit, RangeCursor, Span
from nova.core.query.visibility import EVERYTHING, NO_AUDIT, Visibility
from nova.core.store.archive import Archive
from nova.core.writer.committer import Committer
from nova.sdk.protocol.messages import Filters
from nova.sdk.transport.base import Batch
from tests.core.filing import DAYS, MIDNIGHT_NS, PREFERENCES, FilingClock, arrivals, opened, tree
from tests.core.telling import START_NS, telling
from tests.laws import law

EVENT_BYTES = 10
WAIT_NS = 50


def event(time_ns: int) -> CommittedEvent:
    return time_key(time_ns) + bytes(4), b"%010d" % time_ns


@law(examples=300)
@given(
    st.lists(
        st.one_of(
            st.integers(0, 4).map(lambda count: ("commit", count)),
            st.tuples(st.just("release"), st.integers(0, 100)),
            st.just(("omitted", 1)),
            st.just(("forget", 0)),
        ),
        max_size=20,
    ),
    st.tuples(st.integers(0, 100), st.integers(0, 100)),
)
def test_it_covers_only_what_it_has_whole(
    steps: list[tuple[str, int]], bounds: tuple[int, int]
) -> None:
    """Whatever is committed, dropped for its size, released, omitted by the feed or missed."""
    tail, all_ns = CommitTail(max_bytes=6 * EVENT_BYTES), list[int]()
    tail.apply(CommitFrame(0, [], None))
    now = 0
    for step, number in steps:
        if step == "release":
            tail.release(number)
        elif step == "forget":
            tail.forget()
        else:
            fresh = range(now + 1, now + 1 + number)
            now += number
            all_ns += fresh
            events = [event(time_ns) for time_ns in fresh]
            tail.apply(CommitFrame(now, [], None if step == "omitted" else events))
    start, stop = min(bounds), max(bounds)
    found = [row for rows, _ in tail.blocks(time_key(start), time_key(stop + 1)) for row in rows]
    if tail.covers(start, stop):
        assert found == [event(time_ns) for time_ns in all_ns if start <= time_ns <= stop]
        assert stop <= now
    sizes = [(sum(len(row[1]) for row in rows), size) for rows, size in tail.blocks(b"", b"\xff")]
    assert all(one == other for one, other in sizes)
    assert sum(size for size, _ in sizes) <= 6 * EVENT_BYTES


def read(
    view: ArchiveSnapshot, filters: Filters, visibility: Visibility, slices: int, start_ns: int
) -> list[Hit]:
    """Everything from a canonical time on, in slices of this many events."""
    event_filter = EventFilter(filters, view.series, visibility)
    cursor, found = RangeCursor(view, event_filter, Span("canonical", start_ns)), list[Hit]()
    while not cursor.done:
        found += cursor.read_slice(slices)
    return found


@pytest.mark.parametrize("visibility", [EVERYTHING, NO_AUDIT])
@pytest.mark.parametrize("filters", [Filters(), Filters(lanes=["ui"]), Filters(scope_ids=["b"])])
def test_a_cursor_reads_from_it_what_the_archive_has(
    filters: Filters,
    visibility: Visibility,
    archive: Archive,
    view: ArchiveSnapshot,
    committer: Committer,
    tmp_path: Path,
) -> None:
    """The archive's secondary does not catch up meanwhile; once the tail has lost events it does,
    also in the middle of a pass.
    """
    view.tail = tail = CommitTail()
    tail.apply(CommitFrame(committer.last_ns, [], None))
    times: list[int] = []
    for number in range(30):
        lane = ("parsed", "ui", "metadata")[number % 3]
        records = [
            telling(START_NS + 10 * number + n, lane=lane, scope="ab"[n % 2]) for n in range(4)
        ]
        committer.add_batch("link", Batch(records))
        frame = committer.close_commit()
        for series, names in frame.series:
            view.add_series(series, names)
        tail.apply(frame)
        view.advance(frame.watermark)
        times.append(frame.watermark)
    archive.sync()
    seen = view.archive.events.last("canonical")
    for start_ns in (times[0] - WAIT_NS, times[7] + 1):
        for slices in (3, 1_000):
            own = Archive.open_secondary(tmp_path, tmp_path / "other")
            other = ArchiveSnapshot(own)
            other.advance(times[-1])
            wanted = read(other, filters, visibility, slices, start_ns)
            own.close()
            assert read(view, filters, visibility, slices, start_ns) == wanted and wanted
    assert view.archive.events.last("canonical") == seen

    cursor = RangeCursor(
        view, EventFilter(filters, view.series, visibility), Span("canonical", times[7] + 1)
    )
    found = cursor.read_slice(5)
    tail.release(times[20])
    while not cursor.done:
        found += cursor.read_slice(5)
    assert found == wanted


def test_daily_files_are_those_of_the_archive(tmp_path: Path) -> None:
    """Across midnight, with commits that the feed omits and a tail that is too small at times."""
    records, roots = arrivals(400), list[dict[str, bytes]]()
    for max_bytes in (1 << 30, 20_000, 0):
        data = tmp_path / str(max_bytes)
        clock = FilingClock(MIDNIGHT_NS - 400 * 10**9 // 2)
        with opened(data, PREFERENCES["csv"], clock) as archive:
            files, tail = archive.daily(), CommitTail(max_bytes)
            archive.view.tail = tail
            for start in range(0, len(records), 7):
                archive.committer.add_batch("link", Batch(records[start : start + 7]))
                frame = archive.committer.close_commit()
                for series, names in frame.series:
                    archive.view.add_series(series, names)
                tail.apply(frame.without_events() if start % 140 == 7 else frame)
                archive.archive.sync()
                if start % 3 == 0:
                    list(files.follow(frame.watermark))
                    tail.release(files.state.cursor_ns)
            list(files.follow(archive.committer.last_ns))
            files.save()
            files.close()
            roots.append({k: v for k, v in tree(archive.root).items() if k.startswith(DAYS)})
    assert roots[0] == roots[1] == roots[2] and roots[0]
