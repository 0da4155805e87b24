"""A merge of series' indexes yields what a scan of the timeline yields, wherever its slices end."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from nova.core.commit_feed import CommitFrame
from nova.core.ordering import LAST_TAIL, TIMEBASES, Timebase, time_key
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_filter import EventFilter
from nova.core.query.range_cursor import Hit, RangeCursor, Span
from nova.core.query.series_merge import SeriesMerge
from nova.core.store.archive import Archive
from nova.sdk.protocol.messages import Filters
from nova.sdk.timestamps import NS_MAX, NS_MIN
from nova.sdk.transport.base import Record
from tests.core.conftest import START_NS, Make
from tests.core.retaining import Retaining

Commit = Callable[[Sequence[Record]], CommitFrame]
LANES = ("metadata", "ui", "parsed", "raw")
UNITS = ("a", "b", "c", "d", "e")


def fill(commit: Commit, record: Make, events: int = 600) -> None:
    """Commit events of 20 series, many at the same source time, some of them late."""
    dice = random.Random(5)
    for start in range(0, events, 100):
        commit(
            [
                record(
                    number,
                    lane=dice.choice(LANES),
                    unit=dice.choice(UNITS),
                    at_ns=START_NS + dice.randrange(40) * 1_000,
                )
                for number in range(start, start + 100)
            ]
        )


def read(cursor: RangeCursor, dice: random.Random) -> list[Hit]:
    """Read a cursor to its end, in slices that end by count or by bytes."""
    found: list[Hit] = []
    while not cursor.done:
        found += cursor.read_slice(dice.randint(1, 60), dice.choice((1, 700, 5_000, 1 << 20)))
    return found


@pytest.mark.parametrize("timebase", TIMEBASES)
@pytest.mark.parametrize("reverse", [False, True])
def test_slices_of_any_size_and_pages_make_up_what_a_scan_finds(
    timebase: Timebase, reverse: bool, view: ArchiveSnapshot, commit: Commit, record: Make
) -> None:
    fill(commit, record)
    view.refresh()
    dice = random.Random(7)
    for filters in (Filters(), Filters(unique_id="b"), Filters(lanes=["ui", "raw"])):
        selection = EventFilter(filters, view.series)
        for _ in range(8):
            bounds = sorted(START_NS + dice.randrange(-2, 42) * 1_000 for _ in range(2))
            start, stop = bounds if timebase == "source" else (NS_MIN, NS_MAX)
            span = Span(timebase, start, stop, reverse)
            scanned = read(RangeCursor(view, selection, span, merge=False), dice)
            assert read(RangeCursor(view, selection, span, merge=True), dice) == scanned
            for after, _ in scanned[:: len(scanned) // 5 + 1]:
                rest = scanned[[key for key, _ in scanned].index(after) + 1 :]
                page = RangeCursor(view, selection, span, after, merge=True)
                assert read(page, dice) == rest


@pytest.mark.parametrize("timebase", TIMEBASES)
def test_opening_many_series_takes_several_slices(
    timebase: Timebase, view: ArchiveSnapshot, commit: Commit, record: Make
) -> None:
    """No slice holds up the sockets, however many series are wanted."""
    fill(commit, record)
    view.refresh()
    numbers = EventFilter(Filters(), view.series).numbers()
    bounds = time_key(NS_MIN), time_key(NS_MAX) + LAST_TAIL
    merge = SeriesMerge(view, numbers, timebase, reverse=False, seeks_per_slice=6)
    slices = [merge.read(*bounds, b"", 10_000) for _ in range(-(-len(numbers) // 6))]
    assert not any(slices[:-1])
    assert merge.done
    assert [key for key, _ in slices[-1]] == sorted(key for key, _ in slices[-1])
    assert len(slices[-1]) == 600


async def test_known_rows_of_events_that_are_deleted_since_are_forgotten(tmp_path: Path) -> None:
    """What is left of the range is returned, as by a reading that began later."""
    retaining = Retaining(tmp_path, 60)
    retaining.fill()
    retaining.sync()
    with closing(Archive.open_secondary(tmp_path, tmp_path / "scratch")) as secondary:
        view = ArchiveSnapshot(secondary)
        view.advance(retaining.committer.last_ns)
        view.refresh()
        everything = EventFilter(Filters(), view.series)
        begun = {one: RangeCursor(view, everything, Span(one), merge=True) for one in TIMEBASES}
        for cursor in begun.values():
            assert cursor.read_slice(1)
        await retaining.give_back()
        view.advance(retaining.committer.last_ns)
        view.refresh()
        for timebase, cursor in begun.items():
            later = RangeCursor(
                view, everything, Span(timebase), cursor.after, watermark=cursor.watermark
            )
            dice = random.Random(1)
            assert read(cursor, dice) == read(later, dice) != []
