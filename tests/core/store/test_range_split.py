"""Splitting a span: the pieces are complete, ordered and of about equal size, for any contents."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.core.ordering import TIMEBASES, Timebase
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_filter import EventFilter
from nova.core.query.range_cursor import RangeCursor, Span
from nova.core.store.archive import Archive
from nova.core.store.range_split import TimeDistribution, event_bytes
from nova.core.writer.committer import Committer
from nova.sdk import timestamps
from nova.sdk.protocol.messages import Filters
from nova.sdk.timestamps import NS_MAX, NS_MIN
from nova.sdk.transport.base import Batch, Record
from tests.laws import law

Make = Callable[..., Record]

START_NS = timestamps.parse("2026-01-01T00:00:00Z")
MANY = law(60)


class WritersView(ArchiveSnapshot):
    """The writer's own view, which need not catch up."""

    def refresh(self, until_ns: int = NS_MAX) -> None:
        """Nothing to do."""


class Filled:
    """An archive as a shard sees it, and the events in it."""

    def __init__(self, archive: Archive, committer: Committer, make: Make) -> None:
        self.archive = archive
        self._committer = committer
        self._make = make
        self._count = 0

    def put(self, times_ns: list[int]) -> None:
        """Commit an event at each of these source times."""
        records = [
            self._make(self._count + index, at_ns=at_ns) for index, at_ns in enumerate(times_ns)
        ]
        self._count += len(records)
        self._committer.add_batch("link", Batch(records))
        self._committer.close_commit()

    def flush(self) -> None:
        """Flush the memtables to files."""
        for family in self.archive.families.values():
            family.flush()

    def read(self, timebase: Timebase, start_ns: int, stop_ns: int) -> list[bytes]:
        """The events of a range, both ends included."""
        view = WritersView(self.archive)
        view.advance(self._committer.last_ns)
        view.series.load(self.archive)
        selection = EventFilter(Filters(), view.series)
        reading = RangeCursor(view, selection, Span(timebase, start_ns, stop_ns))
        found: list[bytes] = []
        while not reading.done:
            found += [stored for _, stored in reading.read_slice(1_000)]
        return found


@pytest.fixture
def filled(archive: Archive, committer: Committer, record: Make) -> Filled:
    """An empty one."""
    return Filled(archive, committer, record)


@pytest.mark.parametrize("timebase", TIMEBASES)
def test_an_empty_archive_is_cut_too(filled: Filled, timebase: Timebase) -> None:
    """Pieces cover the span without gap or overlap also where there is nothing in it."""
    for count in (1, 2, 7):
        pieces = TimeDistribution(filled.archive, timebase, NS_MIN, NS_MAX).split(count)
        assert len(pieces) == count
        assert pieces[0].start_ns == NS_MIN and pieces[-1].stop_ns == NS_MAX + 1
        assert [a.stop_ns for a in pieces[:-1]] == [b.start_ns for b in pieces[1:]]
        assert sum(piece.events for piece in pieces) == 0


@MANY
@given(
    batches=st.lists(
        st.tuples(st.lists(st.integers(-50, 50), min_size=1, max_size=30), st.booleans()),
        max_size=3,
    ),
    start=st.integers(-60, 60) | st.none(),
    length=st.integers(0, 120) | st.none(),
    count=st.integers(1, 9),
    timebase=st.sampled_from(TIMEBASES),
)
def test_the_pieces_are_the_whole(
    filled: Filled,
    batches: list[tuple[list[int], bool]],
    start: int | None,
    length: int | None,
    count: int,
    timebase: Timebase,
) -> None:
    """What the pieces hold, one after the other, is the whole range: in files, in memory only, in
    both, with ties and events before 1970, cut between any two of its moments.
    """
    for instants, is_flushed in batches:
        filled.put(instants)
        if is_flushed:
            filled.flush()
    start_ns = NS_MIN if start is None else start
    stop_ns = NS_MAX if length is None else max(start_ns, NS_MIN) + length
    shape = TimeDistribution(filled.archive, timebase, start_ns, stop_ns)
    shape.refine(count)
    pieces = shape.split(count)
    assert len(pieces) == count
    assert pieces[0].start_ns == start_ns and pieces[-1].stop_ns == stop_ns + 1
    assert [a.stop_ns for a in pieces[:-1]] == [b.start_ns for b in pieces[1:]]
    assert all(piece.start_ns <= piece.stop_ns for piece in pieces)
    parts = [filled.read(timebase, piece.start_ns, piece.stop_ns - 1) for piece in pieces]
    assert [*chain(*parts)] == filled.read(timebase, start_ns, stop_ns)


def late_and_bursts(dice: random.Random) -> list[int]:
    """Two bursts a day apart, and a few events that are up to three days late."""
    hour_ns = 3_600 * timestamps.NS_PER_SECOND
    times = [START_NS + dice.randrange(hour_ns) for _ in range(6_000)]
    times += [START_NS + 24 * hour_ns + dice.randrange(hour_ns // 60) for _ in range(6_000)]
    return times + [START_NS - dice.randrange(72 * hour_ns) for _ in range(600)]


@pytest.mark.parametrize("is_flushed", [True, False], ids=["in a file", "in memory"])
def test_pieces_are_about_equal_where_one_file_holds_everything(
    filled: Filled, is_flushed: bool
) -> None:
    """Within one file the density of the events counts, not the time that passes."""
    filled.put(late_and_bursts(random.Random(1)))
    if is_flushed:
        filled.flush()
    shape = TimeDistribution(filled.archive, "source", NS_MIN, NS_MAX)
    assert shape.events == 12_600
    shape.refine(4)
    found = [len(filled.read("source", low, high - 1)) for low, high, _ in shape.split(4)]
    assert sum(found) == 12_600
    assert max(found) < 1.3 * 12_600 / 4, found


def test_estimates_follow_a_part_of_the_span(filled: Filled) -> None:
    """The estimate for a span inside a file is about its number of events, as for its pieces."""
    filled.put([START_NS + number * 1_000_000 for number in range(10_000)])
    filled.flush()
    shape = TimeDistribution(filled.archive, "source", START_NS, START_NS + 2_500 * 1_000_000 - 1)
    assert 2_300 <= shape.events <= 2_700
    assert [500 <= piece.events <= 750 for piece in shape.split(4)] == [True] * 4
    assert 200 < event_bytes(filled.archive) < 500
