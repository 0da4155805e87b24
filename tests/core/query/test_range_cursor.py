"""Reading equals brute force: any range, filter, direction, timebase and page size."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.core.commit_feed import CommitFrame
from nova.core.errors import RequestError
from nova.core.ordering import EVENT_ID_OFFSET, TIME_BYTES, TIMEBASES, Timebase, order_key, time_key
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_filter import EventFilter
from nova.core.query.latest import latest
from nova.core.query.page import read_page
from nova.core.query.playback import Playback, parse_rate, playback_bounds
from nova.core.query.range_cursor import Hit, RangeCursor, Span
from nova.core.server.conflation import Conflation, ConflationGap
from nova.core.server.live_stream import LiveStream, LiveTail
from nova.core.store.archive import Archive
from nova.core.store.keys import ID_HEAD_BYTES
from nova.core.writer.committer import Committer
from nova.sdk import timestamps
from nova.sdk.events.event import Event, Series, check_stored
from nova.sdk.protocol.messages import Filters
from nova.sdk.timestamps import NS_MAX, NS_MIN
from nova.sdk.transport.base import Batch, Record
from tests.core.discovered import discovered
from tests.laws import law

Make = Callable[..., Record]

START_NS = timestamps.parse("2026-01-01T00:00:00Z")
LANES = ("metadata", "ui", "parsed", "raw")
UNITS = tuple("abcd")


class KnownEvent(NamedTuple):
    """An event as the test knows it, beside the archive."""

    event: Event
    canonical_ns: int
    stored: bytes

    def key(self, timebase: Timebase) -> bytes:
        """Its place in an order."""
        if timebase == "canonical":
            return time_key(self.canonical_ns)
        return order_key(self.event.source_ns, self.event.lane, self.event.event_id)

    def matches(self, filters: Filters) -> bool:
        """Whether filters want it, judged from its content alone."""
        series = self.event.series
        return (
            (filters.lanes is None or series.lane in filters.lanes)
            and filters.unique_id in (None, series.unique_id)
            and (filters.message_types is None or series.message_type in filters.message_types)
        )


class CursorWorld(NamedTuple):
    """An archive with late events and ties in several lanes, and a snapshot of it."""

    view: ArchiveSnapshot
    committer: Committer
    tail: LiveTail
    known: list[KnownEvent]
    record: Make

    async def commit(self, numbers: list[tuple[int, str, str]]) -> None:
        """Commit events (instant, lane, unit) and notify the reader, as the writer does."""
        committed = self.write(numbers)
        self.learn(committed)
        await self.tail.apply(committed)

    def write(self, numbers: list[tuple[int, str, str]]) -> CommitFrame:
        """Commit events without telling anybody yet."""
        records = [
            self.record(index, lane=lane, unit=unit, at_ns=START_NS + instant * 1_000_000)
            for index, (instant, lane, unit) in enumerate(numbers, len(self.known))
        ]
        self.committer.add_batch("link", Batch(records))
        return self.committer.close_commit()

    def learn(self, committed: CommitFrame) -> None:
        """Record the committed events."""
        for _, stored in committed.events or ():
            event, canonical_ns = check_stored(stored)
            self.known.append(KnownEvent(event, canonical_ns, stored))


@pytest.fixture
def world(
    tmp_path: Path, archive: Archive, committer: Committer, record: Make
) -> Iterator[CursorWorld]:
    """An empty world; its view is a secondary, as in a reader process."""
    secondary = Archive.open_secondary(tmp_path, tmp_path / "scratch")
    view = ArchiveSnapshot(secondary)
    yield CursorWorld(view, committer, LiveTail(view, keep_events=50), [], record)
    secondary.close()


NUMBERS = st.lists(
    st.tuples(st.integers(0, 12), st.sampled_from(LANES), st.sampled_from(UNITS)), max_size=40
)
FILTERS = st.builds(
    Filters,
    lanes=st.none() | st.lists(st.sampled_from(LANES), max_size=2),
    unique_id=st.none() | st.sampled_from((*UNITS, "nobody")),
    message_types=st.none() | st.lists(st.sampled_from(["Count", "UiUpdate", "", "x"]), max_size=2),
)
MANY = law(40)


def expected(world: CursorWorld, filters: Filters, span: Span) -> list[bytes]:
    """Sorted and filtered by hand."""
    lower = time_key(span.start_ns)
    upper = order_key(span.stop_ns, 255, b"\xff" * 32)
    found = [(one.key(span.timebase), one.stored) for one in world.known if one.matches(filters)]
    inside = sorted(pair for pair in found if lower <= pair[0] <= upper)
    return [stored for _, stored in (inside[::-1] if span.reverse else inside)]


async def paged(world: CursorWorld, filters: Filters, span: Span, limit: int) -> list[bytes]:
    """The same by pages, each a reading of its own behind the key of the one before."""
    events: list[bytes] = []
    after: bytes | None = None
    while True:
        selection = EventFilter(filters, world.view.series)
        page = await read_page(RangeCursor(world.view, selection, span, after), limit)
        assert len(page.events) <= limit
        events += page.events
        if page.next_key is None:
            return events
        after = bytes.fromhex(page.next_key)


@MANY
@given(
    parts=st.lists(NUMBERS, max_size=3),
    filters=FILTERS,
    timebase=st.sampled_from(TIMEBASES),
    window=st.tuples(st.integers(-1, 13), st.integers(-1, 13)),
    reverse=st.booleans(),
    limit=st.integers(1, 9),
)
async def test_pages_are_the_brute_force_answer(
    world: CursorWorld,
    parts: list[list[tuple[int, str, str]]],
    filters: Filters,
    timebase: Timebase,
    window: tuple[int, int],
    reverse: bool,
    limit: int,
) -> None:
    """A-017, A-034…A-048, A-301, AMB-33: nothing repeated, nothing lost, in the one order."""
    for part in parts:
        await world.commit(part)
    start, stop = (START_NS + ms * 1_000_000 for ms in sorted(window))
    if timebase == "canonical":
        start, stop = NS_MIN, NS_MAX
    span = Span(timebase, start, stop, reverse)
    assert await paged(world, filters, span, limit) == expected(world, filters, span)


@MANY
@given(
    parts=st.lists(NUMBERS, max_size=3),
    filters=FILTERS,
    timebase=st.sampled_from(TIMEBASES),
    reverse=st.booleans(),
    merge=st.none() | st.booleans(),
    max_events=st.integers(1, 20),
    max_bytes=st.integers(1, 6_000),
)
async def test_slices_of_any_bytes_are_the_brute_force_answer(
    world: CursorWorld,
    parts: list[list[tuple[int, str, str]]],
    filters: Filters,
    timebase: Timebase,
    reverse: bool,
    merge: bool | None,
    max_events: int,
    max_bytes: int,
) -> None:
    """How many events a slice looks up at once decides nothing."""
    for part in parts:
        await world.commit(part)
    chosen, span = EventFilter(filters, world.view.series), Span(timebase, reverse=reverse)
    cursor = RangeCursor(world.view, chosen, span, merge=merge)
    events: list[bytes] = []
    while not cursor.done:
        found = [stored for _, stored in cursor.read_slice(max_events, max_bytes)]
        assert len(found) <= max_events
        assert sum(map(len, found[:-1])) < max_bytes
        events += found
    assert events == expected(world, filters, span)


@MANY
@given(
    numbers=NUMBERS, filters=FILTERS, timebase=st.sampled_from(TIMEBASES), ms=st.integers(-1, 13)
)
async def test_latest_and_discover_are_the_brute_force_answer(
    world: CursorWorld,
    numbers: list[tuple[int, str, str]],
    filters: Filters,
    timebase: Timebase,
    ms: int,
) -> None:
    """A-133: at any time, per series the last event, and the entities that had one."""
    await world.commit(numbers)
    at_ns = START_NS + ms * 1_000_000
    if timebase == "canonical":
        at_ns = world.known[ms % len(world.known)].canonical_ns if world.known else 0
    bound = order_key(at_ns, 255, b"\xff" * 32)
    newest: dict[Series, bytes] = {}
    for one in sorted(world.known, key=lambda one: one.key(timebase)):
        if one.matches(filters) and one.key(timebase) <= bound:
            newest[one.event.series] = one.key(timebase)
    selection = EventFilter(filters, world.view.series)
    found, _ = await latest(world.view, selection, timebase, at_ns)
    size = TIME_BYTES if timebase == "canonical" else EVENT_ID_OFFSET + ID_HEAD_BYTES
    assert [key[:size] for key, _ in found] == [key[:size] for key in sorted(newest.values())]
    entities = await discovered(world.view, timebase, at_ns, filters=filters)
    series = [
        (entity.unique_id, one.lane, one.message_type)
        for entity in entities
        for one in entity.series
    ]
    expected_series = [(s.unique_id, s.lane, s.message_type) for s in newest]
    assert sorted(series) == sorted(expected_series)


async def test_nothing_past_the_mark_is_served(world: CursorWorld) -> None:
    """Only durable events are shown, although a secondary sees more."""
    await world.commit([(1, "parsed", "a")])
    world.write([(2, "parsed", "a"), (3, "parsed", "b")])
    world.view.archive.catch_up()
    world.view.series.load(world.view.archive)
    for timebase in TIMEBASES:
        for filters in (Filters(), Filters(unique_id="a")):
            assert len(await paged(world, filters, Span(timebase), 10)) == 1
        selection = EventFilter(Filters(), world.view.series)
        newest, _ = await latest(world.view, selection, timebase, NS_MAX)
        assert len(newest) == 1


async def played(
    world: CursorWorld, span: Span, rate: float | None
) -> tuple[list[bytes], list[int]]:
    """The events and the cursors of one replay."""
    events: list[bytes] = []
    cursors: list[int] = []

    async def send(cursor: int, chunk: Sequence[Hit]) -> None:
        cursors.append(cursor)
        events.extend(stored for _, stored in chunk)

    reading = RangeCursor(world.view, EventFilter(Filters(), world.view.series), span)
    begin, end = await playback_bounds(world.view, reading)
    playback = Playback(reading, begin, end, chunk_max_events=7, interval_ms=10)
    assert await playback.run(rate, send) == end
    return events, cursors


async def test_a_replay_is_the_same_events_at_any_rate_and_its_clock_never_turns(
    world: CursorWorld,
) -> None:
    """A-005, A-156, A-302: rate and direction change when, never what; it reaches the end."""
    await world.commit([(ms * 37 % 500, LANES[ms % 4], UNITS[ms % 3]) for ms in range(100)])
    for timebase in TIMEBASES:
        forwards, _ = await played(world, Span(timebase), None)
        assert len(forwards) == 100
        for rate in (1.0, 5.0, 1e6):
            for reverse in (False, True):
                span = Span(timebase, reverse=reverse)
                events, cursors = await played(world, span, rate)
                assert events == (forwards[::-1] if reverse else forwards)
                assert cursors == sorted(cursors, reverse=reverse)


async def test_the_clock_moves_through_gaps(world: CursorWorld) -> None:
    """A gap of half a second gives empty chunks on the way, not one jump."""
    await world.commit([(0, "ui", "a"), (500, "ui", "a")])
    events, cursors = await played(world, Span("source"), 2.0)
    assert len(events) == 2
    assert len(cursors) > 5


@pytest.mark.parametrize("rate", [0, float("nan"), float("inf"), -float("inf")])
def test_a_rate_that_cannot_be_is_refused(rate: float) -> None:
    """AMB-35: pause is cancelStream, not rate 0."""
    with pytest.raises(RequestError, match="badRate"):
        parse_rate(rate)


async def follow(
    world: CursorWorld, tail: LiveTail, timebase: Timebase, received: list[bytes]
) -> int:
    """A LIVE stream of everything from the beginning on."""

    async def send(_: int, chunk: Sequence[Hit]) -> None:
        received.extend(stored for _, stored in chunk)
        await asyncio.sleep(0)

    selection = EventFilter(Filters(), world.view.series)
    stream = LiveStream(world.view, tail, selection, chunk_max_events=3)
    history = RangeCursor(world.view, selection, Span(timebase))
    return await stream.run(history, NS_MAX, send)


@pytest.mark.parametrize("timebase", TIMEBASES)
@pytest.mark.parametrize("keep_events", [50, 2])
async def test_history_joins_the_tail_without_gap_or_repeat(
    world: CursorWorld, timebase: Timebase, keep_events: int
) -> None:
    """AMB-34: a LIVE stream that starts anywhere in a run of commits sees each event once.

    Some commits come without their events, as to a reader that lags, and a tail of two events
    hardly ever reaches back: what is missing comes from the store, in its place.
    """
    tail = LiveTail(world.view, keep_events)
    received: list[list[bytes]] = []
    streams: list[asyncio.Task[int]] = []
    for step in range(30):
        numbers = [(step * 3 % 13, LANES[step % 4], UNITS[n % 4]) for n in range(step % 6)]
        committed = world.write(numbers)
        world.learn(committed)
        await tail.apply(committed.without_events() if step % 5 == 0 else committed)
        if step % 4 == 0:
            received.append([])
            streams.append(asyncio.create_task(follow(world, tail, timebase, received[-1])))
        await asyncio.sleep(0)
    async with asyncio.timeout(60):
        while any(len(events) < len(world.known) for events in received):
            await asyncio.sleep(0.01)
    for task in streams:
        task.cancel()
    in_order = [one.stored for one in world.known]
    for events in received:
        assert sorted(events) == sorted(in_order)
    if timebase == "canonical":
        assert all(events == in_order for events in received)


@pytest.mark.parametrize("keep_events", [1_000, 2])
async def test_a_slow_client_that_asked_for_it_is_kept_at_the_present(
    world: CursorWorld, keep_events: int
) -> None:
    """What it gets and what it hears was dropped make up everything; its last event of each
    series is the newest. It does not matter whether the tail still holds what is pending.
    """
    tail = LiveTail(world.view, keep_events)
    received: list[bytes] = []
    told: list[ConflationGap] = []
    drained = asyncio.Event()

    async def send(_: int, chunk: Sequence[Hit]) -> None:
        received.extend(stored for _, stored in chunk)
        if chunk:
            await drained.wait()

    async def tell(shed: ConflationGap) -> None:
        told.append(shed)

    selection = EventFilter(Filters(), world.view.series)
    conflation = Conflation(tell, pending_max_events=50)
    stream = LiveStream(world.view, tail, selection, chunk_max_events=1_000, conflation=conflation)
    history = RangeCursor(world.view, selection, Span("canonical"))
    task = asyncio.create_task(stream.run(history, NS_MAX, send))
    for step in range(30):
        numbers = [(step * 20 + n, LANES[n % 4], UNITS[n % 4]) for n in range(20)]
        committed = world.write(numbers)
        world.learn(committed)
        await tail.apply(committed)
        await asyncio.sleep(0.001)
    drained.set()
    newest = {one.event.series: one.stored for one in world.known}
    async with asyncio.timeout(60):
        while not set(newest.values()) <= set(received):
            await asyncio.sleep(0.01)
    task.cancel()
    in_order = [one.stored for one in world.known]
    assert received == [stored for stored in in_order if stored in set(received)]
    assert len(received) + sum(shed.events for shed in told) == len(in_order)
    assert told and len(received) < len(in_order) / 2
    kept = [one.stored for one in world.known if one.event.series.lane == "metadata"]
    assert set(kept) <= set(received)
