"""Conflation for a slow LIVE client: the complete present, and the number of dropped events."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.core.commit_feed import CommitFrame
from nova.core.ordering import series_of_event_key, time_of
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.range_cursor import Hit
from nova.core.server.conflation import UNCONFLATED_LANES, ConflationBuffer
from nova.core.store.archive import Archive
from nova.core.writer.committer import Committer
from nova.sdk.address import LANES
from nova.sdk.transport.base import Batch, Record
from tests.core.telling import START_NS, telling
from tests.laws import law

Commit = Callable[[Sequence[Record]], CommitFrame]
TICKS = itertools.count()
"""No event of one example is a copy of another's."""


def lane_of(view: ArchiveSnapshot, event: Hit) -> str:
    """The lane of an event's series."""
    return view.series.names[series_of_event_key(event[0])].lane


@pytest.fixture
def live_view(tmp_path: Path, archive: Archive) -> Iterator[tuple[ArchiveSnapshot, Committer]]:
    """A snapshot with the series of the writer."""
    committer = Committer(archive, tmp_path)
    view = ArchiveSnapshot(Archive.open_secondary(tmp_path, tmp_path / "scratch"))
    yield view, committer
    view.archive.close()


@law(40)
@given(
    events=st.lists(st.tuples(st.sampled_from(LANES), st.sampled_from("ab")), max_size=60),
    part=st.integers(1, 9),
    most=st.integers(1, 20),
)
def test_what_is_kept_is_the_present_and_what_is_shed_is_told(
    live_view: tuple[ArchiveSnapshot, Committer],
    events: list[tuple[str, str]],
    part: int,
    most: int,
) -> None:
    """In order; metadata and commands whole; of each other series the newest; the rest
    counted, and only where there is too much.
    """
    view, committer = live_view
    records = [telling(START_NS + next(TICKS), lane=lane, unit=unit) for lane, unit in events]
    committer.add_batch("link", Batch(records))
    committed = committer.close_commit()
    for number, names in committed.series:
        view.add_series(number, names)
    found = committed.events or []
    pending = ConflationBuffer(view, most)
    for start in range(0, len(found), part):
        pending.add(found[start : start + part])
    pending.finish()
    shed = set(found) - set(pending.events)
    assert pending.events == [event for event in found if event not in shed]
    assert (pending.gap is None) == (not shed)
    newest = {series_of_event_key(place): place for place, _ in found}
    if len(found) <= most:
        assert not shed
    if pending.gap is not None:
        times = sorted(time_of(place) for place, _ in shed)
        assert pending.gap == (times[0], times[-1], len(shed))
        for event in pending.events:
            kept = lane_of(view, event) in UNCONFLATED_LANES
            assert kept or newest[series_of_event_key(event[0])] == event[0]
    for event in shed:
        assert lane_of(view, event) not in UNCONFLATED_LANES
        assert newest[series_of_event_key(event[0])] != event[0]
