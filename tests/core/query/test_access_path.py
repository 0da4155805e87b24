"""The access path changes the cost of a read, never its result."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from nova.core.commit_feed import CommitFrame
from nova.core.ordering import LAST_TAIL, TIMEBASES, Timebase
from nova.core.query.access_path import merge_is_cheaper
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_filter import EventFilter
from nova.core.query.range_cursor import RangeCursor, Span
from nova.sdk.protocol.messages import Filters
from tests.core.conftest import Make

Commit = Callable[[Sequence[object]], CommitFrame]
EVERYTHING = (b"", b"\xff" * 8 + LAST_TAIL)


def merges(view: ArchiveSnapshot, timebase: Timebase, **filters: object) -> bool:
    """What is decided for these filters over everything."""
    view.refresh()
    selection = EventFilter(Filters(**filters), view.series)  # type: ignore[arg-type]
    return merge_is_cheaper(view, selection, timebase, *EVERYTHING)


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


def test_many_series_are_never_merged(view: ArchiveSnapshot, commit: Commit, record: Make) -> None:
    """A slice opens every index that it merges."""
    commit([record(n, unit="rare" if n % 50 == 7 else "common") for n in range(1_000)])
    assert merges(view, "source", unique_id="rare")
    selection = EventFilter(Filters(unique_id="rare"), view.series)
    assert not merge_is_cheaper(view, selection, "source", *EVERYTHING, merged_max_series=0)


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
