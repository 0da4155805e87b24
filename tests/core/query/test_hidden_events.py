"""The audit trail is hidden from unfiltered reads, and costs them nothing where it is not."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.core.ordering import TIMEBASES, Timebase, time_key
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_filter import EventFilter
from nova.core.query.hidden_events import HiddenEvents
from nova.core.query.range_cursor import RangeCursor, Span
from nova.core.query.visibility import NO_AUDIT
from nova.core.store.archive import Archive
from nova.core.store.key_value import KeyValue
from nova.core.writer.committer import Committer
from nova.sdk.protocol.messages import Filters
from nova.sdk.timestamps import NS_MAX, NS_MIN
from nova.sdk.transport.base import Batch, Record
from tests.core.telling import START_NS
from tests.laws import law

Make = Callable[..., Record]
EXAMPLE_NS = 1_000
"""Between the events of one example and those of the next in the same archive."""

OTHERS = ("a", "b")
HIDDEN = ("h1", "h2", "h3")


class HidingWorld(NamedTuple):
    """An archive in which some units are of the audit trail."""

    view: ArchiveSnapshot
    committer: Committer
    record: Make
    number: Iterator[int]
    example: Iterator[int]

    def begin(self) -> int:
        """The start in ns of an example's instants, behind those of the ones before."""
        return START_NS + next(self.example) * EXAMPLE_NS

    def commit(self, start_ns: int, events: Sequence[tuple[int, str]]) -> None:
        """Commit events at these instants of these units."""
        records = [self._made(start_ns + instant, unit) for instant, unit in events]
        self.committer.add_batch("link", Batch(records))
        committed = self.committer.close_commit()
        for number, names in committed.series:
            self.view.add_series(number, names)
        self.view.advance(committed.watermark, committed.events)

    def _made(self, at_ns: int, unit: str) -> Record:
        number = next(self.number)
        plain = self.record(number, unit=unit, at_ns=at_ns)
        if unit not in HIDDEN:
            return plain
        value = plain.value.replace(b'"bus"', b'"nova"').replace(b'"eps"', b'"audit"')
        return Record(None, value, f"stream@{number}")

    def read(self, span: Span, max_events: int, max_bytes: int) -> list[bytes]:
        """A pass over a span as everybody sees it, in slices of these sizes."""
        visible = EventFilter(Filters(), self.view.series, NO_AUDIT)
        cursor, found = RangeCursor(self.view, visible, span), []
        while not cursor.done:
            found += [stored for _, stored in cursor.read_slice(max_events, max_bytes)]
        return found

    def expected(self, span: Span) -> list[bytes]:
        """The same without the shortcut, by the units of the events."""
        cursor, found = RangeCursor(self.view, EventFilter(Filters(), self.view.series), span), []
        while not cursor.done:
            found += [stored for _, stored in cursor.read_slice(1_000)]
        return [stored for stored in found if b'"audit"' not in stored]


@pytest.fixture
def world(
    tmp_path: Path, archive: Archive, committer: Committer, record: Make
) -> Iterator[HidingWorld]:
    """An empty world, whose view is a secondary, as in a reader process."""
    secondary = Archive.open_secondary(tmp_path, tmp_path / "scratch")
    counts = itertools.count(), itertools.count()
    yield HidingWorld(ArchiveSnapshot(secondary), committer, record, *counts)
    secondary.close()


EVENTS = st.lists(
    st.tuples(st.integers(0, 30), st.sampled_from((*OTHERS * 3, *HIDDEN))), max_size=120
)


@pytest.mark.law
@law(40)
@given(
    parts=st.lists(EVENTS, min_size=1, max_size=3),
    timebase=st.sampled_from(TIMEBASES),
    reverse=st.booleans(),
    max_events=st.sampled_from([1, 7, 64, 1_000]),
    max_bytes=st.sampled_from([1, 900, 20_000, 2**20]),
    window=st.tuples(st.integers(-1, 31), st.integers(-1, 31)),
)
def test_nothing_hidden_is_read_and_nothing_else_is_left_out(
    world: HidingWorld,
    parts: list[list[tuple[int, str]]],
    timebase: Timebase,
    reverse: bool,
    max_events: int,
    max_bytes: int,
    window: tuple[int, int],
) -> None:
    """In any slices, also those whose end is read again because its events were too large."""
    start_ns, before_ns = world.begin(), world.view.watermark
    for part in parts:
        world.commit(start_ns, part)
    span = Span(timebase, start_ns + min(window), start_ns + max(window), reverse)
    if timebase == "canonical":
        span = Span(timebase, before_ns + 1, NS_MAX, reverse)
    assert world.read(span, max_events, max_bytes) == world.expected(span)


@pytest.mark.parametrize("reverse", [False, True])
def test_a_range_ends_beside_events_that_are_larger_than_a_slice(
    world: HidingWorld, reverse: bool
) -> None:
    """What is beyond the range counts towards no slice; the cursor never ended otherwise."""
    world.commit(START_NS, [(t, "a") for t in range(5)])
    visible = EventFilter(Filters(), world.view.series)
    span = Span("source", START_NS + 2, START_NS + 2, reverse)
    cursor = RangeCursor(world.view, visible, span)
    slices = [len(cursor.read_slice(10, max_bytes=1)) for _ in range(3)]
    assert sum(slices) == 1 and cursor.done


SERIES = 3


@pytest.mark.law
@law(30)
@given(
    hidden=st.sets(st.integers(0, 400), max_size=40),
    blocks=st.lists(st.tuples(st.integers(1, 90), st.booleans()), min_size=1, max_size=40),
    reverse=st.booleans(),
    rows_per_seek=st.sampled_from([1, 5, 50]),
)
def test_any_blocks_lose_exactly_the_hidden_rows(
    world: HidingWorld,
    hidden: set[int],
    blocks: list[tuple[int, bool]],
    reverse: bool,
    rows_per_seek: int,
) -> None:
    """Blocks in turn, each slice starting anywhere in the one before, with any budget of seeks."""
    start_ns = world.begin()
    bounds_ns = start_ns, start_ns + EXAMPLE_NS - 1
    world.commit(start_ns, [(t, HIDDEN[t % SERIES] if t in hidden else "a") for t in range(401)])
    world.view.refresh()
    visible = HiddenEvents(
        world.view, "source", bounds_ns, reverse=reverse, rows_per_seek=rows_per_seek
    )
    rows = list(
        world.view.archive.events.scan("source", *map(time_key, bounds_ns), reverse=reverse)
    )
    start = slice_start = 0
    for size, goes_back in blocks:
        starts_slice = goes_back or start == 0
        if goes_back:  # As where the events of a slice were too large to be read in it.
            start = slice_start = (slice_start + start) // 2
        block = rows[start : start + size]
        assert visible.without(list(block), starts_slice=starts_slice) == plain(world, block)
        start += len(block)


def plain(world: HidingWorld, rows: list[KeyValue]) -> list[KeyValue]:
    """The rows that are not hidden, each looked at."""
    visible = EventFilter(Filters(), world.view.series, NO_AUDIT).key_suffixes
    return [row for row in rows if row[1][8:] in visible]


class CountedSeeks(HiddenEvents):
    """Counts what is filtered row by row."""

    filtered = 0

    def _filtered(self, rows: list[KeyValue]) -> list[KeyValue]:
        self.filtered += len(rows)
        return super()._filtered(rows)


def test_blocks_without_hidden_events_are_not_looked_at(world: HidingWorld) -> None:
    """All that are behind the first."""
    world.commit(START_NS, [(t, "h1" if t == 150 else "a") for t in range(1_000)])
    world.view.refresh()
    counted = CountedSeeks(world.view, "source", (NS_MIN, NS_MAX), reverse=False)
    rows = list(world.view.archive.events.scan("source", time_key(NS_MIN), time_key(NS_MAX)))
    kept = [
        row
        for start in range(0, 1_000, 100)
        for row in counted.without(rows[start : start + 100], starts_slice=True)
    ]
    assert kept == plain(world, rows) and len(kept) == 999
    assert counted.filtered == 1
