"""Recordings equal brute force over the events, in both timebases, page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.core.errors import RequestError
from nova.core.ordering import TIMEBASES, Timebase
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.recording_gap import gap_of
from nova.core.query.recording_query import RecordingLimits, recordings
from nova.core.query.rollup_runs import ROWS_PER_LOOK_UP
from nova.core.query.visibility import EVERYTHING, Visibility
from nova.core.store.archive import Archive
from nova.core.writer.committer import Committer
from nova.sdk import timestamps
from nova.sdk.address import LANES
from nova.sdk.protocol.message import Filters
from nova.sdk.protocol.recording_messages import RecordingInfo, Recordings
from nova.sdk.timestamps import NS_MAX, NS_MIN
from nova.sdk.transport.base import Batch
from tests.core.telling import START_NS, ViewedEvent, telling, told
from tests.laws import law

SECOND_NS = 10**9
YEAR_NS = 365 * 86_400 * SECOND_NS
SCOPES = ("sat", "other")
UNITS = ("u", "v")
TELEMETRY = ("ui", "parsed", "raw")

Told = tuple[int, str, str, str]
"""Offset, lane, scope and unit of an event."""


class RecordingWorld(NamedTuple):
    """An archive and the view of a reader."""

    archive: Archive
    view: ArchiveSnapshot
    commit: Callable[[Sequence[Told]], None]


@pytest.fixture
def world(tmp_path: Path, archive: Archive) -> Iterator[RecordingWorld]:
    """An empty archive with its writer."""
    committer = Committer(archive, tmp_path)
    view = ArchiveSnapshot(Archive.open_secondary(tmp_path, tmp_path / "scratch"))

    def commit(events: Sequence[Told]) -> None:
        records = [
            telling(START_NS + offset, {"n": n}, lane=lane, scope=scope, unit=unit)
            for n, (offset, lane, scope, unit) in enumerate(events)
        ]
        committer.add_batch("link", Batch(records))
        view.advance(committer.close_commit().watermark)

    yield RecordingWorld(archive, view, commit)
    view.archive.close()


def by_hand(
    events: Sequence[ViewedEvent], timebase: Timebase, gap_ns: int
) -> list[tuple[int, int, int, int]]:
    """Start, stop, events and entities of each run, newest first."""
    runs: list[list[ViewedEvent]] = []
    last = NS_MIN
    for one in sorted(events, key=lambda one: one.time(timebase)):
        if not runs or one.time(timebase) - last > gap_ns:
            runs.append([])
        runs[-1].append(one)
        last = one.time(timebase)
    return [
        (
            run[0].time(timebase),
            run[-1].time(timebase),
            len(run),
            len({(one.scope, one.unit) for one in run}),
        )
        for run in reversed(runs)
    ]


async def all_pages(
    view: ArchiveSnapshot,
    request: Recordings,
    timebase: Timebase,
    visibility: Visibility = EVERYTHING,
    limits: RecordingLimits | None = None,
) -> list[RecordingInfo]:
    """The recordings of all replies."""
    found: list[RecordingInfo] = []
    while True:
        page = await recordings(view, request, timebase, visibility, limits or RecordingLimits())
        assert len(page.recordings) <= request.limit
        found += page.recordings
        if page.next_key is None:
            assert page.reached is None
            return found
        assert page.next_key != request.after_key
        request.after_key = page.next_key


def shown(found: Sequence[RecordingInfo]) -> list[tuple[int, int, int | None, int | None]]:
    """What replies list, with times in ns."""
    return [
        (
            timestamps.parse(one.start_time),
            timestamps.parse(one.stop_time),
            one.events,
            one.entities,
        )
        for one in found
    ]


GAPS_S = st.sampled_from([1.0, 1.5, 60.0, 86_400.0])
OFFSETS = (
    st.integers(0, 5 * SECOND_NS)
    | st.sampled_from([SECOND_NS, SECOND_NS + 1, 60 * SECOND_NS, 61 * SECOND_NS])
    | st.integers(0, 300).map(lambda n: n * SECOND_NS)
    | st.integers(-3 * YEAR_NS, 3 * YEAR_NS)
)
COMMITS = st.lists(
    st.lists(
        st.tuples(OFFSETS, st.sampled_from(LANES), st.sampled_from(SCOPES), st.sampled_from(UNITS)),
        max_size=15,
    ),
    min_size=1,
    max_size=3,
)
SMALL = RecordingLimits(rows_max=1, seeks_max=0)
"""A reply ends as soon as it may."""


@law(80)
@given(
    commits=COMMITS,
    timebase=st.sampled_from(TIMEBASES),
    gap_s=GAPS_S,
    filters=st.sampled_from(
        [
            Filters(),
            Filters(scope_ids=["sat"]),
            Filters(unique_id="u"),
            Filters(scope_ids=["sat"], unique_id="v"),
            Filters(lanes=["command", "raw"]),
        ]
    ),
    limit=st.sampled_from([1, 2, 100]),
    limits=st.sampled_from([RecordingLimits(), SMALL]),
    visibility=st.sampled_from(
        [
            EVERYTHING,
            Visibility(scopes=frozenset(["other"])),
            Visibility(lanes=frozenset(["metadata", "ui"])),
        ]
    ),
)
async def test_recordings_are_the_brute_force_answer(
    world: RecordingWorld,
    commits: list[list[Told]],
    timebase: Timebase,
    gap_s: float,
    filters: Filters,
    limit: int,
    limits: RecordingLimits,
    visibility: Visibility,
) -> None:
    """Any gap, filters and limits of a reply; late events, and users who see a part."""
    for events in commits:
        world.commit(events)
    request = Recordings(filters=filters, gap_seconds=gap_s, limit=limit)
    found = await all_pages(world.view, request, timebase, visibility, limits)
    wanted = [
        one
        for one in told(world.archive)
        if one.lane in (filters.lanes or TELEMETRY)
        and (filters.scope_ids is None or one.scope in filters.scope_ids)
        and filters.unique_id in (None, one.unit)
        and (visibility.scopes is None or one.scope in visibility.scopes)
        and (visibility.lanes is None or one.lane in visibility.lanes)
    ]
    assert shown(found) == by_hand(wanted, timebase, round(gap_s * SECOND_NS))


async def test_late_data_joins_recordings(world: RecordingWorld) -> None:
    """An event between two recordings makes them one, for whole scopes and for an entity."""
    world.commit([(0, "parsed", "sat", "u"), (100 * SECOND_NS, "parsed", "sat", "u")])
    for filters in (Filters(), Filters(unique_id="u")):
        request = Recordings(filters=filters, gap_seconds=60)
        assert len(await all_pages(world.view, request, "source")) == 2
    world.commit([(50 * SECOND_NS, "raw", "sat", "u")])
    for filters in (Filters(), Filters(unique_id="u")):
        request = Recordings(filters=filters, gap_seconds=60)
        (one,) = await all_pages(world.view, request, "source")
        assert one.events == 3


async def test_ends_of_time_are_times(world: RecordingWorld) -> None:
    """Events at the first and the last time that there is."""
    ends = [NS_MIN - START_NS, NS_MAX - START_NS]
    world.commit([(offset, "parsed", "sat", "u") for offset in ends])
    for filters in (Filters(), Filters(unique_id="u")):
        request = Recordings(filters=filters, gap_seconds=86_400, limit=1)
        found = await all_pages(world.view, request, "source")
        assert shown(found) == [(NS_MAX, NS_MAX, 1, 1), (NS_MIN, NS_MIN, 1, 1)]


async def test_a_reply_ends_where_each_event_has_to_be_looked_up(world: RecordingWorld) -> None:
    """Events that are just within the gap: by counts alone that is not known."""
    world.commit([(n * 60 * SECOND_NS, "parsed", "sat", "u") for n in range(20)])
    request = Recordings(gap_seconds=60)
    few = RecordingLimits(rows_max=ROWS_PER_LOOK_UP * 10)
    page = await recordings(world.view, request, "source", limits=few)
    assert page.recordings == [] and page.reached is not None
    assert timestamps.parse(page.reached) > START_NS + 5 * 60 * SECOND_NS
    (one,) = await all_pages(world.view, request, "source", limits=RecordingLimits(rows_max=1))
    assert one.events == 20


async def test_too_much_to_count_is_left_out(world: RecordingWorld) -> None:
    """A reply counts the newest recordings, and says nothing false of the others."""
    world.commit([(n * 100 * SECOND_NS, "parsed", "sat", UNITS[n % 2]) for n in range(4)])
    request = Recordings(filters=Filters(system_id="bus"), gap_seconds=60)
    page = await recordings(world.view, request, "source", limits=RecordingLimits())
    assert [(one.events, one.entities) for one in page.recordings] == [(1, 1)] * 4
    counted = RecordingLimits(counted_max_events=2)
    page = await recordings(world.view, request, "source", limits=counted)
    assert [one.events for one in page.recordings] == [1, 1, None, None]


@pytest.mark.parametrize("lane", ["parsed", "raw"])
async def test_gap_is_learnt_from_the_cadence(world: RecordingWorld, lane: str) -> None:
    """A minute for a fast source; an hour for a reading each half hour."""
    fast = [(n * SECOND_NS, lane, "sat", "u") for n in range(30)]
    slow = [(YEAR_NS + n * 1_800 * SECOND_NS, lane, "other", "v") for n in range(30)]
    world.commit([*fast, *slow])
    for scope, gap_s in (("sat", 60), ("other", 3_600), ("none", 60)):
        request = Recordings(filters=Filters(scope_ids=[scope]))
        page = await recordings(world.view, request, "source")
        assert page.gap_seconds == gap_s
        assert len(page.recordings) == (scope != "none")


@pytest.mark.parametrize(
    ("intervals_s", "gap_s"),
    [
        ([], 60),
        ([1] * 100 + [5_400] * 3, 60),
        ([0.1] * 90 + [61] * 5 + [90_000], 300),
        ([70] * 90 + [5_400] * 10, 300),
        ([60] * 90, 300),
        ([100_000] * 10, 86_400),
    ],
)
def test_gap_of_intervals(intervals_s: list[float], gap_s: int) -> None:
    """Fast data with passes; bursts each minute; beacons; a reading a minute; less than daily."""
    assert gap_of([round(one * SECOND_NS) for one in intervals_s]) == gap_s


@pytest.mark.parametrize(
    "key", ["x", "1:2", "1:5:1:0", "2:1:3:0", "1:2:3:4:5", f"{NS_MAX + 1}", ""]
)
async def test_keys_of_others_are_refused(world: RecordingWorld, key: str) -> None:
    """A key is a nextKey."""
    with pytest.raises(RequestError, match="afterKey is no nextKey"):
        await recordings(world.view, Recordings(after_key=key), "source")


async def test_commands_have_no_recordings(world: RecordingWorld) -> None:
    """A commandId is looked at in events, of which none are read."""
    request = Recordings(filters=Filters(command_id="c"))
    with pytest.raises(RequestError, match="commandId: recordings"):
        await recordings(world.view, request, "source")
