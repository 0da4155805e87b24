"""Undated events lie at the epoch and do not extend a timeline."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from nova.core.commit_feed import CommitFrame
from nova.core.ordering import UNDATED_NS
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_filter import EventFilter
from nova.core.query.neighbour import extent, neighbour
from nova.core.query.playback import Playback, playback_bounds
from nova.core.query.range_cursor import Hit, RangeCursor, Span
from nova.core.query.visibility import Visibility
from nova.sdk import timestamps
from nova.sdk.protocol.messages import Filters
from nova.sdk.protocol.timeline import Neighbour
from nova.sdk.transport.base import Record
from tests.core.telling import START_NS, telling

Commit = Callable[[Sequence[Record]], CommitFrame]
BEFORE_NS = -5 * 10**9


@pytest.mark.parametrize(
    ("times", "ends"),
    [
        ([UNDATED_NS, START_NS, START_NS + 7], (START_NS, START_NS + 7)),
        ([BEFORE_NS, UNDATED_NS, START_NS], (BEFORE_NS, START_NS)),
        ([BEFORE_NS, UNDATED_NS], (BEFORE_NS, BEFORE_NS)),
        ([UNDATED_NS], None),
    ],
)
async def test_a_timeline_ends_where_something_happened(
    commit: Commit, view: ArchiveSnapshot, times: list[int], ends: tuple[int, int] | None
) -> None:
    """AMB-14: manifests lie at the epoch, and no timeline begins in 1970 for them."""
    commit([telling(at_ns, {"n": 1}) for at_ns in times])
    found = await extent(view, "source")
    expected = (None, None) if ends is None else tuple(map(timestamps.text, ends))
    assert (found.start_time, found.stop_time) == expected
    clip = await playback_bounds(
        view, RangeCursor(view, EventFilter(Filters(), view.series), Span("source"))
    )
    assert clip == (ends or (0, 0))


@pytest.mark.parametrize("reverse", [False, True])
async def test_a_replay_of_everything_has_what_is_timeless_and_does_not_wait_for_it(
    commit: Commit, view: ArchiveSnapshot, reverse: bool
) -> None:
    """A-005: the same events forwards and backwards, in seconds and not in half a century."""
    commit([telling(at_ns, {"n": 1}) for at_ns in (UNDATED_NS, START_NS, START_NS + 10**8)])
    span = Span("source", reverse=reverse)
    reading = RangeCursor(view, EventFilter(Filters(), view.series), span)
    begin, end = await playback_bounds(view, reading)
    playback = Playback(reading, begin, end, chunk_max_events=10, interval_ms=10)
    found: list[Hit] = []

    async def send(_: int, events: Sequence[Hit]) -> None:
        found.extend(events)

    assert await playback.run(1.0, send) == end
    keys = [key for key, _ in found]
    assert len(keys) == 3 and keys == sorted(keys, reverse=reverse)


async def test_no_step_leads_to_what_is_timeless(commit: Commit, view: ArchiveSnapshot) -> None:
    """From the first event there is no previous one, unless there was something before 1970."""
    commit([telling(at_ns, {"n": 1}) for at_ns in (UNDATED_NS, START_NS)])
    back = Neighbour(time=timestamps.text(START_NS), direction="previous")
    assert (await neighbour(view, back, "source")).time is None
    commit([telling(BEFORE_NS, {"n": 1})])
    assert (await neighbour(view, back, "source")).time == timestamps.text(BEFORE_NS)
    on = Neighbour(time=timestamps.text(BEFORE_NS), direction="next")
    assert (await neighbour(view, on, "source")).time == timestamps.text(START_NS)


@pytest.mark.parametrize("reverse", [False, True])
async def test_a_replay_begins_and_ends_with_what_its_client_may_see(
    commit: Commit, view: ArchiveSnapshot, reverse: bool
) -> None:
    """A hidden event at either end would reveal its time, and a paced replay would wait for it."""
    times = [START_NS - 10**15, START_NS, START_NS + 7, START_NS + 10**15]
    scopes = ["hidden", "seen", "seen", "hidden"]
    commit(
        [telling(at_ns, {"n": 1}, scope=name) for at_ns, name in zip(times, scopes, strict=True)]
    )
    visibility = Visibility(scopes=frozenset({"seen"}))
    reading = RangeCursor(
        view,
        EventFilter(Filters(), view.series, visibility),
        Span("source", reverse=reverse),
    )
    ends = await playback_bounds(view, reading, visibility)
    assert sorted(ends) == [START_NS, START_NS + 7]
