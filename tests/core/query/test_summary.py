"""`summary` equals brute force, and reads no more than rollups."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.core.errors import RequestError
from nova.core.ordering import TIMEBASES, Timebase
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.summary import summarize
from nova.core.store.archive import Archive
from nova.core.writer.committer import Committer
from nova.sdk import timestamps
from nova.sdk.address import LANES
from nova.sdk.protocol.timeline import Summary, SummaryResponse
from nova.sdk.timestamps import NS_MAX, NS_MIN
from nova.sdk.transport.base import Batch
from tests.core.telling import START_NS, ViewedEvent, telling, told
from tests.laws import law

SCOPES = ("sat", "other", "third")
YEAR_NS = 365 * 86_400 * 1_000_000_000


class SummaryWorld(NamedTuple):
    """An archive with its view, as in a reader process."""

    archive: Archive
    view: ArchiveSnapshot
    commit: Callable[[list[tuple[int, str, str]]], None]


@pytest.fixture
def world(tmp_path: Path, archive: Archive) -> Iterator[SummaryWorld]:
    """An archive whose writer restarts for each commit."""
    Committer(archive, tmp_path)
    view = ArchiveSnapshot(Archive.open_secondary(tmp_path, tmp_path / "scratch"))

    def commit(events: list[tuple[int, str, str]]) -> None:
        committer = Committer(archive, tmp_path)
        records = [
            telling(START_NS + offset, {"n": number}, lane=lane, scope=scope)
            for number, (offset, lane, scope) in enumerate(events)
        ]
        committer.add_batch("link", Batch([*records, *records[:3]]))
        view.advance(committer.close_commit().watermark)

    yield SummaryWorld(archive, view, commit)
    view.archive.close()


def counted_by_hand(
    events: list[ViewedEvent], answer: SummaryResponse, scopes: list[str] | None
) -> dict[str, list[int]]:
    """The lanes that an answer has to have, for the buckets that it has."""
    lanes = {lane: [0] * len(answer.lanes.raw) for lane in LANES}
    begin = timestamps.parse(answer.start_time)
    for one in events:
        place = (one.time(answer.timebase) - begin) // answer.bucket_ns
        if 0 <= place < len(answer.lanes.raw) and (scopes is None or one.scope in scopes):
            lanes[one.lane][place] += 1
    return lanes


def shown(answer: SummaryResponse) -> dict[str, list[int]]:
    """The lanes of an answer."""
    return {lane: getattr(answer.lanes, lane) for lane in LANES}


def check_span(answer: SummaryResponse, start: int, stop: int, buckets: int) -> None:
    """The buckets hold the span, are aligned, and no more than were asked for."""
    begin, count = timestamps.parse(answer.start_time), len(answer.lanes.raw)
    assert answer.bucket_ns.bit_count() == 1
    assert (begin - NS_MIN) % answer.bucket_ns == 0
    assert begin <= start < begin + answer.bucket_ns
    assert begin + (count - 1) * answer.bucket_ns <= stop < begin + count * answer.bucket_ns
    assert count <= buckets + 1


OFFSETS = st.sampled_from([0, 1, 134_000_000, 10**9, 60 * 10**9, 86_400 * 10**9]) | st.integers(
    -3 * YEAR_NS, 3 * YEAR_NS
)
COMMITS = st.lists(
    st.lists(st.tuples(OFFSETS, st.sampled_from(LANES), st.sampled_from(SCOPES)), max_size=15),
    min_size=1,
    max_size=4,
)


@law(60)
@given(
    commits=COMMITS,
    timebase=st.sampled_from(TIMEBASES),
    span=st.tuples(OFFSETS, OFFSETS),
    buckets=st.sampled_from([1, 2, 7, 600, 4096]),
    scopes=st.none() | st.lists(st.sampled_from((*SCOPES, "nobody")), max_size=3),
)
async def test_counts_are_the_brute_force_answer(
    world: SummaryWorld,
    commits: list[list[tuple[int, str, str]]],
    timebase: Timebase,
    span: tuple[int, int],
    buckets: int,
    scopes: list[str] | None,
) -> None:
    """Any span, timebase and scopes; late events, copies and restarts of the writer."""
    for events in commits:
        world.commit(events)
    start, stop = (START_NS + offset for offset in sorted(span))
    request = Summary(
        start_time=timestamps.text(start),
        stop_time=timestamps.text(stop),
        buckets=buckets,
        scope_ids=scopes,
    )
    answer = await summarize(world.view, request, timebase)
    check_span(answer, start, stop, buckets)
    assert shown(answer) == counted_by_hand(told(world.archive), answer, scopes)


@pytest.mark.parametrize("timebase", TIMEBASES)
async def test_many_rows_are_read_in_parts(world: SummaryWorld, timebase: Timebase) -> None:
    """A part may end between any two rows, and the next continues there."""
    world.commit([(n * 134_217_728, "ui", SCOPES[n % 2]) for n in range(50)])
    everything = Summary(
        start_time=timestamps.text(START_NS - YEAR_NS),
        stop_time=timestamps.text(START_NS + 8 * 10**9),
        buckets=4096,
    )
    narrow = Summary(
        start_time=timestamps.text(START_NS), stop_time=everything.stop_time, buckets=100
    )
    for request in (everything, narrow):
        whole = await summarize(world.view, request, timebase)
        assert await summarize(world.view, request, timebase, read_max_rows=3) == whole
    assert sum(whole.lanes.ui) == (50 if timebase == "source" else 0)


async def test_all_times_that_there_are_are_a_span(world: SummaryWorld) -> None:
    """The widest span has an answer too."""
    world.commit([(0, "raw", "sat"), (YEAR_NS, "raw", "sat")])
    request = Summary(
        start_time=timestamps.text(NS_MIN), stop_time=timestamps.text(NS_MAX), buckets=1
    )
    answer = await summarize(world.view, request, "source")
    assert (answer.bucket_ns, answer.lanes.raw) == (2**63, [0, 2])


@pytest.mark.parametrize(
    ("start", "stop", "code"),
    [
        ("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z", "badRange"),
        ("yesterday", "2026-01-01T00:00:00Z", "badTime"),
    ],
)
async def test_a_span_that_cannot_be_is_refused(
    world: SummaryWorld, start: str, stop: str, code: str
) -> None:
    """The error names the member."""
    with pytest.raises(RequestError, match=code):
        await summarize(world.view, Summary(start_time=start, stop_time=stop, buckets=5), "source")
