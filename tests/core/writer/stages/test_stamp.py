"""Stamping: one time for a batch, a nanosecond per event, and numbers for series."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nova.core.ordering import time_of
from nova.core.store.keys import event_keys
from nova.core.writer.commit import Commit
from nova.core.writer.stages.stamp import Stamp
from nova.sdk.events import event
from nova.sdk.events.event import check_stored
from nova.sdk.native import native_part
from nova.sdk.timestamps import NS_MAX, NS_MIN
from nova.sdk.transport.base import Record
from tests.core.conftest import START_NS
from tests.core.writer.staging import columns, new_events, run
from tests.sdk.events.mutated_records import needs_native

Make = Callable[..., Record]


def test_events_are_stamped_in_the_order_of_their_numbers(
    open_commit: Commit, record: Make
) -> None:
    """AMB-15: what is stored, and under which keys, follows from the numbers alone."""
    events = new_events([record(n) for n in range(5)], [3, 0, 4])
    stamped, _ = run(Stamp(open_commit.state.clock), events, open_commit)
    assert [time_of(key) - START_NS for key in stamped.event_keys] == [0, 1, 2]
    assert stamped.source_keys == [events.columns.keys[number] for number in (3, 0, 4)]
    found = [check_stored(one) for one in stamped.stored]
    assert [canonical_ns - START_NS for _, canonical_ns in found] == [0, 1, 2]
    assert [event.source_ns - START_NS for event, _ in found] == [3_000_000, 0, 4_000_000]


def test_the_clock_is_read_once_a_batch(open_commit: Commit, record: Make) -> None:
    """The committer moves it past the events that it has added."""
    clock = open_commit.state.clock
    clock.last_ns = START_NS + 50
    events = new_events([record(1), record(2)])
    stamped, _ = run(Stamp(clock), events, open_commit)
    assert time_of(stamped.event_keys[0]) == clock.last_ns == START_NS + 51


def test_new_series_get_the_next_numbers(open_commit: Commit, record: Make) -> None:
    """Those of the archive keep theirs."""
    stamp = Stamp(open_commit.state.clock)
    known = new_events([record(1, unit="a"), record(2, unit="b")])
    _, added = run(stamp, known, open_commit)
    assert [number for number, _ in added.series] == [0, 1]
    open_commit.add(added)
    more = new_events([record(3, unit="b"), record(4, unit="c"), record(5, unit="b")])
    stamped, added = run(stamp, more, open_commit)
    assert [(number, names.unique_id) for number, names in added.series] == [(2, "c")]
    assert stamped.event_keys == event_keys(time_of(stamped.event_keys[0]), [1, 2, 1])


def test_a_part_has_the_same_events(open_commit: Commit, record: Make) -> None:
    """However a batch is split into commits."""
    events = new_events([record(n) for n in range(6)], [5, 4, 2, 1])
    stamped, _ = run(Stamp(open_commit.state.clock), events, open_commit)
    parts = [stamped.part(0, 1), stamped.part(1, 4)]
    assert stamped.part(0, 4) == stamped
    for field in ("numbers", "event_keys", "source_keys", "stored"):
        joined = [one for part in parts for one in getattr(part, field)]
        assert joined == getattr(stamped, field)
    assert parts[1].columns == columns([record(n) for n in range(6)])


@needs_native
@given(
    st.integers(NS_MIN, NS_MAX - 3_000) | st.sampled_from((NS_MIN, -1_001, -1, 0, 999_999_998)),
    st.lists(st.tuples(st.binary(max_size=5), st.integers(0, 2**32 - 1)), max_size=4),
    st.integers(0, 1_100),
)
@settings(deadline=None)
def test_the_native_part_stamps_alike(
    first_ns: int, events: list[tuple[bytes, int]], more: int
) -> None:
    """A-037: at any time, over the ends of seconds and years."""
    native = native_part()
    assert native is not None
    bodies, numbers = [body for body, _ in events], [number for _, number in events]
    bodies += [b"{"] * more
    numbers.append(7)
    series = [min(place, len(numbers) - 1) for place in range(len(bodies))]
    keys = [b"%d" % place for place in range(len(bodies))]
    expected = event_keys(first_ns, [numbers[index] for index in series])
    columns = keys, series, bodies
    native_columns = (
        native.BytesColumn(keys),
        native.NumberColumn(series),
        native.BytesColumn(bodies),
    )
    for given_columns in (columns, native_columns):
        found = native.stamped_rows(given_columns, None, numbers, first_ns)
        assert list(map(list, found)) == [expected, keys, event.stamped(bodies, first_ns)]
        places = [place for place in range(len(bodies)) if place % 3 != 1][::-1]
        found = native.stamped_rows(given_columns, places, numbers, first_ns)
        chosen = [numbers[series[place]] for place in places]
        assert list(map(list, found)) == [
            event_keys(first_ns, chosen),
            [keys[place] for place in places],
            event.stamped([bodies[place] for place in places], first_ns),
        ]


@needs_native
def test_the_native_part_refuses_what_it_cannot_stamp() -> None:
    """It reads nothing beyond its columns, and no time is beyond the range."""
    native = native_part()
    assert native is not None
    columns = [b"k"], [1], [b"{"]
    for places, numbers in ((None, [5]), ([0], [])):
        with pytest.raises(ValueError, match="no number"):
            native.stamped_rows(columns, places, numbers, 0)
    with pytest.raises(IndexError):
        native.stamped_rows(columns, [1], [5, 6], 0)
    with pytest.raises(OverflowError, match="int64"):
        native.stamped_rows(columns, None, [5, 6], NS_MAX)
