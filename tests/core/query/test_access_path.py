"""The access path changes the cost of a read, never its result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from nova.core.commit_feed import CommitFrame
from nova.core.ordering import LAST_TAIL, TIMEBASES, Timebase
from nova.core.query.access_path import merge_is_cheaper
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_filter import EventFilter
from nova.core.query.range_cursor import Hit, RangeCursor, Span
from nova.core.store.event_reader import EventReader
from nova.core.store.key_value import Block
from nova.sdk.protocol.messages import Filters
from tests.core.conftest import Make

Commit = Callable[[Sequence[object]], CommitFrame]
EVERYTHING = (b"", b"\xff" * 8 + LAST_TAIL)
PAGE_EVENTS = 50


def merges(view: ArchiveSnapshot, timebase: Timebase, **filters: object) -> bool:
    """What is decided for these filters over everything."""
    view.refresh()
    selection = EventFilter(Filters(**filters), view.series)  # type: ignore[arg-type]
    return merge_is_cheaper(view, selection, timebase, EVERYTHING, PAGE_EVENTS)


@pytest.mark.parametrize("timebase", TIMEBASES)
def test_what_is_rare_is_merged_and_what_is_common_is_scanned(
    timebase: Timebase, view: ArchiveSnapshot, commit: Commit, record: Make
) -> None:
    """nova.md §5: by the share of the events, not by the kind of the filter."""
    commit([record(n, unit="rare" if n % 50 == 7 else "common") for n in range(1_000)])
    assert merges(view, timebase, unique_id="rare")
    assert not merges(view, timebase, unique_id="common")
    assert not merges(view, timebase, lanes=["parsed"])
    assert not merges(view, timebase)


@pytest.mark.parametrize("timebase", TIMEBASES)
def test_nothing_wanted_is_nothing_read(
    timebase: Timebase, view: ArchiveSnapshot, commit: Commit, record: Make
) -> None:
    """A filter that no series fits must not scan the archive to say so."""
    commit([record(n) for n in range(10)])
    assert merges(view, timebase, unique_id="nobody")


@pytest.mark.parametrize("timebase", TIMEBASES)
def test_many_rare_series_are_merged_where_a_scan_would_read_much_more(
    timebase: Timebase, view: ArchiveSnapshot, commit: Commit, record: Make
) -> None:
    """The commands of a hundred targets, of which each has had one, among many other events."""
    units = {n * 180: f"rare-{n}" for n in range(100)}
    commit(
        [
            record(n, lane="metadata" if n in units else "parsed", unit=units.get(n, "common"))
            for n in range(20_000)
        ]
    )
    assert merges(view, timebase, lanes=["metadata"])
    assert not merges(view, timebase, lanes=["metadata", "parsed"])


@pytest.mark.parametrize("timebase", TIMEBASES)
def test_a_scan_that_turns_out_dear_becomes_a_merge(
    timebase: Timebase,
    view: ArchiveSnapshot,
    commit: Commit,
    record: Make,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is common where the estimate samples may be rare where the reading begins."""
    scanned = 0
    scan_blocks = EventReader.scan_blocks

    def counted(*args: Any, **options: Any) -> Iterator[Block]:
        nonlocal scanned
        for block in scan_blocks(*args, **options):
            scanned += len(block[0])
            yield block

    commit(
        [
            record(n, lane="metadata", unit=f"u{n % 60}") if n < 4_000 else record(n)
            for n in range(16_000)
        ]
    )
    view.refresh()
    selection = EventFilter(Filters(lanes=["metadata"]), view.series)
    assert not merge_is_cheaper(view, selection, timebase, EVERYTHING, PAGE_EVENTS)
    monkeypatch.setattr(EventReader, "scan_blocks", counted)
    cursor = RangeCursor(view, selection, Span(timebase, reverse=True))
    found: list[Hit] = []
    while not found:
        found = cursor.read_slice(PAGE_EVENTS)
    assert scanned < 6_000
    while not cursor.done:
        found += cursor.read_slice(1_000)
    assert len(found) == 4_000


@pytest.mark.parametrize("timebase", TIMEBASES)
@pytest.mark.parametrize("reverse", [False, True])
def test_both_ways_give_the_same(
    timebase: Timebase,
    reverse: bool,
    view: ArchiveSnapshot,
    commit: Commit,
    record: Make,
) -> None:
    """A-145: the same events with the same keys, in slices that may end anywhere."""
    commit([record(n * 7 % 300, unit=f"u{n % 7}") for n in range(300)])
    view.refresh()
    found: list[list[tuple[bytes, bytes]]] = []
    for merging in (True, False):
        selection = EventFilter(Filters(unique_id="u3"), view.series)
        events: list[tuple[bytes, bytes]] = []
        after: bytes | None = None
        while True:
            one = RangeCursor(
                view, selection, Span(timebase, reverse=reverse), after, merge=merging
            )
            part = one.read_slice(5)
            events += part
            if one.done:
                break
            after = part[-1][0] if part else one.after
        found.append(events)
    assert found[0] == found[1]
    assert len(found[0]) == 43
