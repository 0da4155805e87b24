"""`discover` at a time; the comparison with brute force is in test_range_cursor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from itertools import count
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.core.commit_feed import CommitFrame
from nova.core.effect.moment import moment_at
from nova.core.errors import RequestError
from nova.core.ordering import TIMEBASES, Timebase
from nova.core.query import discover
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.entity_page import EntityPage, encode_page
from nova.core.query.event_filter import EventFilter
from nova.core.server.live_stream import LiveTail
from nova.core.store.scan import Seeker
from nova.core.writer.committer import Committer
from nova.sdk import timestamps
from nova.sdk.protocol import messages
from nova.sdk.protocol.messages import Filters
from nova.sdk.timestamps import NS_MAX
from nova.sdk.transport.base import Batch, Record
from tests.core.conftest import START_NS
from tests.core.derived.test_checkpoint_maker import Archived
from tests.core.discovered import discovered, discovery_of, read_entity
from tests.core.effect.test_published import descriptor
from tests.laws import law

Make = Callable[..., Record]
Commit = Callable[[Sequence[Record]], CommitFrame]
MS_NS = 1_000_000


async def test_first_and_last_time_of_a_series_are_those_up_to_the_asked_time(
    view: ArchiveSnapshot, commit: Commit, record: Make
) -> None:
    """A-133: nothing of the future is listed."""
    commit([record(3), record(1), record(2), record(9)])
    view.refresh()
    at_ns = timestamps.parse("2026-01-01T00:00:00.005Z")
    (entity,) = await discovered(view, at_ns=at_ns)
    (series,) = entity.series
    assert (entity.scope_id, entity.unique_id, series.lane) == ("sat", "u", "parsed")
    assert series.first_time == "2026-01-01T00:00:00.001000000Z"
    assert series.last_time == "2026-01-01T00:00:00.003000000Z"
    assert await discovered(view, at_ns=at_ns - 5 * MS_NS) == []


async def test_of_what_is_new_only_those_series_are_listed_and_nothing_is_cached(
    view: ArchiveSnapshot, committer: Committer, record: Make
) -> None:
    """A late event is new too, though it moves no last time. Of a time before which the feed listed
    no events, all series may be new.
    """
    tail, discovery = LiveTail(view, keep_events=50), discovery_of(view)
    end, everything = moment_at("source", NS_MAX), EventFilter(Filters(), view.series)

    async def commit(*records: Record) -> str:
        committer.add_batch("link", Batch(records))
        await tail.apply(committer.close_commit())
        return timestamps.text(view.watermark)

    async def units(after: str | None, filters: Filters | None = None) -> dict[str, list[str]]:
        wanted = EventFilter(filters or Filters(), view.series)
        page = await discovery.page(wanted, end, received_after=after)
        found = [read_entity(entity) for entity in page.entities]
        return {one.unique_id: [series.last_time[-12:-7] for series in one.series] for one in found}

    seen = await commit(*(record(5, unit=unit) for unit in "abc"))
    now = await commit(record(9, unit="a"), record(2, unit="c"), record(9, unit="d", lane="raw"))
    assert await units(seen) == {"a": ["0.009"], "c": ["0.005"], "d": ["0.009"]}
    assert await units(seen, Filters(unique_id="c")) == {"c": ["0.005"]}
    assert await units(now) == {}
    assert list(await units(None)) == list(await units(timestamps.text(START_NS))) == list("abcd")
    with pytest.raises(RequestError, match="receivedAfter"):
        await discovery.page(everything, end, received_after="yesterday")


@pytest.mark.parametrize("limit", [1, 3, 12, 100])
async def test_pages_make_up_the_whole(
    view: ArchiveSnapshot, commit: Commit, record: Make, limit: int
) -> None:
    """Nothing repeated and nothing lost, whatever the size of a page; anew and
    remembered.
    """
    units = [f"u{number * 7 % 12}" for number in range(12)]
    commit([record(n, lane=lane, unit=u) for n, u in enumerate(units) for lane in ("ui", "raw")])
    discovery, selection = discovery_of(view), EventFilter(Filters(), view.series)
    end = moment_at("source", NS_MAX)
    for _ in range(2):
        found: list[str] = []
        after: str | None = None
        while True:
            page = await discovery.page(selection, end, limit=limit, after_key=after)
            assert len(page.entities) <= limit
            found += [read_entity(entity).unique_id for entity in page.entities]
            after = page.next_key
            if after is None:
                break
        assert found == sorted(units)


async def test_a_page_ends_by_bytes_too(
    view: ArchiveSnapshot, commit: Commit, record: Make
) -> None:
    """Memory for a client is bounded, and its next page continues."""
    commit([record(number, unit=f"u{number}") for number in range(5)])
    discovery, selection = discovery_of(view), EventFilter(Filters(), view.series)
    found: list[str] = []
    after: str | None = None
    for _ in range(5):
        page = await discovery.page(
            selection, moment_at("source", NS_MAX), after_key=after, max_bytes=1
        )
        found += [read_entity(entity).unique_id for entity in page.entities]
        after = page.next_key
        assert len(page.entities) == 1
    assert found == [f"u{number}" for number in range(5)] and after is None


async def test_a_key_of_something_else_is_refused(view: ArchiveSnapshot) -> None:
    """A page continues after the key of a page of the same kind."""
    selection = EventFilter(Filters(), view.series)
    with pytest.raises(RequestError, match="badKey"):
        await discovery_of(view).page(selection, moment_at("source", NS_MAX), after_key="7")


async def test_work_for_many_entities_is_cut_into_slices(
    view: ArchiveSnapshot, commit: Commit, record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A-133: sockets are served between them, whatever is asked for; the answer is the same."""
    units = [f"u{n * 7 % 60:02d}" for n in range(60)]
    commit([record(n, unit=unit) for n, unit in enumerate(units)])
    steps, most = 0, 0
    encode = discover.encode_entity

    def counted(entity: object) -> bytes:
        nonlocal steps
        steps += 1
        return encode(entity)

    async def serve() -> None:
        nonlocal steps, most
        while True:
            most, steps = max(most, steps), 0
            await asyncio.sleep(0)

    monkeypatch.setattr(discover, "encode_entity", counted)
    sockets = asyncio.create_task(serve())
    selection = EventFilter(Filters(), view.series)
    discovery = discovery_of(view, yield_every=7)
    page = await discovery.page(selection, moment_at("source", NS_MAX))
    sockets.cancel()
    entities = [read_entity(entity) for entity in page.entities]
    assert [entity.unique_id for entity in entities] == sorted(units)
    assert 0 < most <= 7
    for key in (None, "sat|bus|eps|u59"):
        frame = encode_page(7, "now", EntityPage(page.entities, key), [])
        reply = messages.DiscoverResponse(ref=7, time="now", entities=entities, next_key=key)
        assert messages.decode_reply(frame) == reply


@pytest.mark.parametrize("timebase", TIMEBASES)
async def test_what_has_no_news_is_not_read_again(
    timebase: Timebase,
    view: ArchiveSnapshot,
    committer: Committer,
    record: Make,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ten thousand entities are listed at once; of the past, a row of each series that has
    gone on since.
    """
    tail, discovery = LiveTail(view, keep_events=50), discovery_of(view)

    async def commit(records: Sequence[Record]) -> None:
        committer.add_batch("link", Batch(records))
        await tail.apply(committer.close_commit())

    looked: list[bytes] = []
    for name in ("first", "last"):
        real: Callable[..., object] = getattr(Seeker, name)

        def seen(
            self: Seeker, lower: bytes, upper: bytes, real: Callable[..., object] = real
        ) -> object:
            looked.append(lower)
            return real(self, lower, upper)

        monkeypatch.setattr(Seeker, name, seen)

    await commit([record(n, unit=f"u{n % 5}") for n in range(20)])
    half = view.watermark
    await commit([record(n, unit="u3") for n in range(20, 40)])

    async def reads(at_ns: int) -> int:
        looked.clear()
        assert len(await discovered(view, timebase, at_ns, discovery=discovery)) == 5
        return len(looked)

    past_ns = half if timebase == "canonical" else START_NS + 19 * MS_NS
    assert await reads(NS_MAX) == 2 * 5
    assert await reads(NS_MAX) == 0
    assert await reads(past_ns) == 1
    assert await reads(past_ns - 1) == 2
    await commit([record(40, unit="u1")])
    assert await reads(NS_MAX) == 2


class DiscoverStep(NamedTuple):
    """A commit, announced to a reader in full or not, and a request after it."""

    events: list[tuple[int, str, bool]]
    told: bool
    ask: int


STEPS = st.lists(
    st.builds(
        DiscoverStep,
        st.lists(st.tuples(st.integers(0, 12), st.sampled_from("abc"), st.booleans()), max_size=8),
        st.booleans(),
        st.integers(-1, 14),
    ),
    max_size=8,
)


@given(steps=STEPS, timebase=st.sampled_from(TIMEBASES))
@law(20)
async def test_memory_changes_nothing(
    record: Make, steps: list[DiscoverStep], timebase: Timebase
) -> None:
    """One that remembers says at any time what one says that reads anew, with events and
    descriptors that come late, tie, or take effect later; also of commits that nobody announced.
    """
    counter = count()

    def drawn(instant: int, unit: str, describes: bool) -> Record:
        number, at_ns = next(counter), START_NS + instant * MS_NS
        if describes:
            return descriptor(at_ns, at_ns + number % 3 * MS_NS, f"c{number}", unit)
        return record(number, unit=unit, at_ns=at_ns)

    with ExitStack() as stack:
        archived = Archived(stack)
        view = archived.view
        tail, discovery = LiveTail(view, keep_events=3), discovery_of(view)
        marks = [0]
        for step in steps:
            archived.committer.add_batch("link", Batch([drawn(*one) for one in step.events]))
            committed = archived.committer.close_commit()
            await tail.apply(committed if step.told else committed.without_events())
            marks.append(view.watermark)
            at_ns = START_NS + step.ask * MS_NS
            if timebase == "canonical":
                at_ns = marks[step.ask % len(marks)]
            for moment in (at_ns, NS_MAX, at_ns, at_ns - MS_NS):
                remembered = await discovered(view, timebase, moment, discovery=discovery)
                assert remembered == await discovered(view, timebase, moment)


async def test_what_comes_in_the_middle_of_a_page_is_not_forgotten(
    view: ArchiveSnapshot, committer: Committer, record: Make
) -> None:
    """Sockets are served between slices: what another question learns then is newer than what the
    first one still reads.
    """
    tail, discovery = LiveTail(view, keep_events=50), discovery_of(view, yield_every=1)
    units = [f"u{n}" for n in range(6)]

    async def commit(first: int) -> None:
        committer.add_batch("link", Batch([record(first + n, unit=u) for n, u in enumerate(units)]))
        await tail.apply(committer.close_commit())

    await commit(0)
    slow = asyncio.create_task(discovered(view, discovery=discovery))
    for _ in range(3):
        await asyncio.sleep(0)
    await commit(10)
    few = EventFilter(Filters(), view.series)
    await discovery.page(few, moment_at("source", NS_MAX), limit=1)
    await slow
    assert await discovered(view, discovery=discovery) == await discovered(view)
