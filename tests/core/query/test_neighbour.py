"""Steps along a timeline equal brute force, including events that share a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from nova.core.commit_feed import CommitFrame
from nova.core.ordering import TIMEBASES, Timebase
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.neighbour import extent, neighbour
from nova.core.store.archive import Archive
from nova.core.writer.committer import Committer
from nova.sdk import timestamps
from nova.sdk.address import LANE_PRIORITY, LANES
from nova.sdk.events.event import check_stored
from nova.sdk.protocol.messages import Filters
from nova.sdk.protocol.timeline import AHEAD_MAX, Neighbour, NeighbourResponse
from nova.sdk.timestamps import NS_MAX, NS_MIN
from nova.sdk.transport.base import Batch, Record
from tests.core.telling import START_NS, ViewedEvent, telling, told
from tests.laws import law

Commit = Callable[[Sequence[Record]], CommitFrame]
EVENTS = st.lists(
    st.tuples(st.integers(0, 6), st.sampled_from(LANES), st.sampled_from("ab")), max_size=20
)
LATE = "2080-01-01T00:00:00Z"


def place(one: ViewedEvent, timebase: Timebase) -> tuple[int, int, bytes]:
    """Where an event stands in the order of a timebase."""
    event, _ = check_stored(one.stored)
    if timebase == "canonical":
        return (one.canonical_ns, 0, b"")
    return (one.source_ns, LANE_PRIORITY[one.lane], event.event_id)


@law(40)
@given(
    events=EVENTS,
    timebase=st.sampled_from(TIMEBASES),
    lanes=st.none() | st.lists(st.sampled_from(LANES), max_size=3),
    ms=st.integers(-1, 7),
)
async def test_steps_are_the_brute_force_answer(
    archive: Archive,
    view: ArchiveSnapshot,
    commit: Commit,
    events: list[tuple[int, str, str]],
    timebase: Timebase,
    lanes: list[str] | None,
    ms: int,
) -> None:
    """From a time to the next event, then event by event to the end, and back."""
    commit([telling(START_NS + at, {"n": at}, lane=lane, unit=u) for at, lane, u in events])
    ordered = sorted(told(archive), key=lambda one: place(one, timebase))
    wanted = [one for one in ordered if lanes is None or one.lane in lanes]
    filters = Filters(lanes=lanes)  # type: ignore[arg-type]  # they are lanes
    from_ns = START_NS + ms if timebase == "source" or not ordered else ordered[0].canonical_ns + ms
    at = timestamps.text(from_ns)
    after = [one.stored for one in wanted if one.time(timebase) > from_ns]
    before = [one.stored for one in wanted if one.time(timebase) < from_ns][::-1]
    for direction, expected in (("next", after), ("previous", before)):
        request = Neighbour(time=at, direction=direction, filters=filters)  # type: ignore[arg-type]
        found: list[bytes] = []
        while (step := await neighbour(view, request, timebase)).key is not None:
            assert step.event is not UNSET and step.time is not None
            found.append(bytes(step.event))
            request.after_key = step.key
        assert found == expected


@pytest.mark.parametrize("timebase", TIMEBASES)
async def test_the_extent_is_that_of_what_is_durable(
    view: ArchiveSnapshot, commit: Commit, committer: Committer, timebase: Timebase
) -> None:
    """Nothing past the mark, and nothing at all in an empty archive."""
    empty = await extent(view, timebase)
    assert (empty.start_time, empty.stop_time, empty.events) == (None, None, 0)
    committed = commit([telling(START_NS + second * 10**9) for second in (3, 1, 2)])
    committer.add_batch("link", Batch([telling(START_NS - 10**9), telling(START_NS + 10**12)]))
    committer.close_commit()
    view.archive.catch_up()
    found = await extent(view, timebase)
    if timebase == "source":
        assert found.start_time == timestamps.text(START_NS + 10**9)
        assert found.stop_time == timestamps.text(START_NS + 3 * 10**9)
    else:
        assert found.start_time == timestamps.text(committed.watermark - 2)
        assert found.stop_time == timestamps.text(committed.watermark)


async def test_beyond_all_times_there_is_nothing(view: ArchiveSnapshot, commit: Commit) -> None:
    """The ends of time are times too."""
    commit([telling(START_NS)])
    for time_ns, direction in ((NS_MAX, "next"), (NS_MIN, "previous")):
        at = timestamps.text(time_ns)
        request = Neighbour(time=at, direction=direction)  # type: ignore[arg-type]
        assert await neighbour(view, request, "source") == NeighbourResponse()


async def test_the_extent_tells_what_is_dated_ahead_of_now(
    view: ArchiveSnapshot, commit: Commit
) -> None:
    """The last event as of now, and the number and time of events dated ahead."""
    now_ns = timestamps.now()
    past, soon, late = (
        now_ns - 10**9,
        now_ns + 3600 * 10**9,
        timestamps.parse("2080-01-01T00:00:00Z"),
    )
    commit([telling(at) for at in (late, past, past - 10**9, soon, late)])
    found = await extent(view, "source")
    assert now_ns <= timestamps.parse(found.time) <= timestamps.now()
    assert found.start_time == timestamps.text(past - 10**9)
    assert (found.present_time, found.next_time, found.stop_time) == tuple(
        map(timestamps.text, (past, soon, late))
    )
    assert found.ahead == found.events - 2 > 0
    received = await extent(view, "canonical")
    assert received.present_time == received.stop_time
    assert (received.next_time, received.ahead) == (None, 0)


async def test_where_all_is_dated_ahead_there_is_no_present(
    view: ArchiveSnapshot, commit: Commit
) -> None:
    """And of very many that are ahead no more are counted than a bound."""
    late = timestamps.parse(LATE)
    commit([telling(late + n) for n in range(AHEAD_MAX + 5)])
    found = await extent(view, "source")
    assert (found.present_time, found.ahead) == (None, AHEAD_MAX)
    assert found.start_time == found.next_time == timestamps.text(late)
