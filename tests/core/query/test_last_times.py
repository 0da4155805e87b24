"""The last times of many series, by whatever way they are found."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from itertools import count, product

from hypothesis import given
from hypothesis import strategies as st

from nova.core.ordering import Timebase
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.last_times import LastTimes, LastTimesCosts
from nova.core.store.keys import series_bytes
from nova.sdk.transport.base import Batch, Record
from tests.core.conftest import START_NS
from tests.core.derived.test_checkpoint_maker import Archived
from tests.core.telling import ViewedEvent, told
from tests.laws import law

Make = Callable[..., Record]
MS_NS = 1_000_000
UNITS = "abcdef"
EVENTS = st.lists(st.tuples(st.integers(0, 9), st.sampled_from(UNITS)), max_size=12)
COSTS = [LastTimesCosts(rows, 2, per_seek) for rows, per_seek in product((1, 3), (0, 1, 50))]
"""No scan, one that ends early, and one to the end."""


def check_last_times(
    view: ArchiveSnapshot,
    events: list[ViewedEvent],
    timebase: Timebase,
    time_ns: int,
    costs: LastTimesCosts,
) -> None:
    """Compare those of all series, one of them not read ahead, with those of the events."""
    series = {name.unique_id: series_bytes(n) for n, name in enumerate(view.series.names)}
    known: dict[bytes, int | None] = {}
    found = LastTimes(view, timebase, time_ns, known, costs)
    ahead = {key for unit, key in series.items() if unit != "a"}
    for _ in found.read_ahead(ahead):
        pass
    assert known.keys() == ahead
    for unit, key in series.items():
        own = [one for one in events if one.unit == unit and one.time(timebase) <= time_ns]
        times = [one.time(timebase) for one in own if one.canonical_ns <= view.watermark]
        answer = found.find(key)
        is_hidden = timebase == "source" and len(times) < len(own)
        assert answer == max(times, default=None) or (answer is None and is_hidden)


@law(20)
@given(commits=st.lists(EVENTS, min_size=1, max_size=3), undurable=EVENTS)
def test_last_times_are_those_of_brute_force(
    record: Make, commits: list[list[tuple[int, str]]], undurable: list[tuple[int, str]]
) -> None:
    """Late events, ties, and events that are not durable yet, which are left out: found by a scan,
    by seeks or by both.
    """
    number = count()
    with ExitStack() as stack:
        archived = Archived(stack)
        view, marks = archived.view, [0]
        for events in [*commits, undurable]:
            made = [record(next(number), unit=u, at_ns=START_NS + t * MS_NS) for t, u in events]
            archived.committer.add_batch("link", Batch(made))
            marks.append(archived.committer.close_commit().watermark)
        view.advance(marks[-2])
        view.archive.catch_up()
        view.refresh()
        stored = told(view.archive)
        for costs in COSTS:
            for mark in marks:
                check_last_times(view, stored, "canonical", mark, costs)
            for at in range(-1, 11):
                check_last_times(view, stored, "source", START_NS + at * MS_NS, costs)
