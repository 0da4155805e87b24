"""The latest event that has a field, from events and from columns, is that of brute force."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.core.effect.moment import moment_at
from nova.core.ordering import TIMEBASES, Timebase
from nova.core.query.column_query import ColumnLimits, ColumnQueries
from nova.core.query.event_filter import EventFilter
from nova.core.query.latest import LatestReply
from nova.core.query.latest_query import LATEST_LIMITS, LatestLimits, LatestQueries
from nova.core.store.archive import Archive
from nova.core.store.column_rows import ColumnRows
from nova.sdk.field_types import JsonObject
from nova.sdk.protocol.messages import Filters
from nova.sdk.timestamps import NS_MAX
from tests.core.query.test_column_query import FIELDS, PAYLOADS, value_at
from tests.core.query.test_find_query import MS, SAMPLING, STEADY, TIMES, events_of
from tests.core.query.test_sample_query import SampleWorld, empty_world
from tests.core.telling import START_NS
from tests.laws import law

NEAR = LatestLimits(near_max_events=0, part_max_events=3, searched_max_events=4)
RUNS = st.lists(st.tuples(TIMES, PAYLOADS), max_size=14)


class EventId(msgspec.Struct, rename="camel"):
    event_id: str


@pytest.fixture
def found(tmp_path: Path, archive: Archive) -> Iterator[SampleWorld]:
    """An empty world whose latest values are asked for."""
    with empty_world(tmp_path, archive) as empty:
        yield empty


@contextmanager
def latest_of(
    world: SampleWorld, limits: LatestLimits = NEAR, columns: ColumnLimits | None = None
) -> Iterator[LatestQueries]:
    queries = ColumnQueries(
        world.view, world.data, world.data / "columns", columns or ColumnLimits(part_max_events=3)
    )
    yield LatestQueries(world.view, queries.derived, queries.tails, limits)
    queries.close()


async def ask(
    latest: LatestQueries,
    world: SampleWorld,
    fields: list[str],
    timebase: Timebase = "source",
    time_ns: int = NS_MAX,
) -> LatestReply:
    """Those of the numeric series."""
    world.view.refresh()
    wanted = EventFilter(Filters(lanes=["parsed"], unique_id="u"), world.view.series)
    return await latest.page(wanted, fields, moment_at(timebase, time_ns))


def by_hand(world: SampleWorld, fields: list[str], timebase: Timebase, time_ns: int) -> set[bytes]:
    """The last event in the order of the archive with each field."""
    events = [
        ((one.time(timebase), msgspec.json.decode(one.stored, type=EventId).event_id), one, payload)
        for one, payload in events_of(world)
        if one.time(timebase) <= time_ns
    ]
    events.sort(key=lambda one: one[0])
    last = {
        path: one.stored
        for _, one, payload in events
        for path in fields
        if value_at(payload, path) is not None
    }
    return set(last.values())


@law(16)
@given(
    commits=st.lists(RUNS | STEADY, min_size=1, max_size=6),
    writes=st.lists(st.integers(0, 9), min_size=6, max_size=6),
    times=st.lists(TIMES, min_size=2, max_size=4),
)
async def test_the_latest_of_a_field_is_that_of_brute_force(
    found: SampleWorld,
    commits: list[list[tuple[int, JsonObject]]],
    writes: list[int],
    times: list[int],
) -> None:
    """Late events, equal times, fields that come and go and change their kind, a sampler that is
    behind, and a limit at which all are columns.
    """
    for events, until in zip(commits, writes, strict=False):
        mark = found.commit(events)
        if until:
            found.sample(mark, until, SAMPLING)
    with latest_of(found) as latest:
        for timebase in TIMEBASES:
            stored = [event.time(timebase) for event, _ in events_of(found)]
            drawn = [START_NS + ms * MS for ms in times]
            for time_ns in {NS_MAX, *drawn, *stored[:: len(stored) // 16 or 1]}:
                for fields in (FIELDS, ["gps.lat"], ["mode", "never"]):
                    page = await ask(latest, found, fields, timebase, time_ns)
                    expected = by_hand(found, fields, timebase, time_ns)
                    assert {one for _, one in page.events} == expected
                    assert page.events == sorted(page.events) and not page.is_behind


async def test_few_blocks_are_read_however_old_a_value_is(
    found: SampleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that has the value, of hundreds."""
    payloads: list[JsonObject] = [{"n": n} for n in range(900)]
    payloads[40]["rare"] = 40
    mark = found.commit([(n - 5 * (n % 7 == 0), one) for n, one in enumerate(payloads)])
    found.sample(mark, 10_000, SAMPLING)
    read: list[int] = []
    real = ColumnRows.block_columns

    def counted(self: ColumnRows, series: int, column: int, numbers: list[int]) -> object:
        read.extend(numbers)
        return real(self, series, column, numbers)

    monkeypatch.setattr(ColumnRows, "block_columns", counted)
    with latest_of(found) as latest:
        for timebase in TIMEBASES:
            read.clear()
            page = await ask(latest, found, ["rare", "n"], timebase)
            assert {one for _, one in page.events} == by_hand(
                found, ["rare", "n"], timebase, NS_MAX
            )
            assert len(page.events) == 2 and len(read) == 1 and not page.is_behind


async def test_what_is_not_read_is_said(found: SampleWorld) -> None:
    """Events behind the sampler that are too many, and texts of which there is no column."""
    found.sample(
        found.commit([(n, {"n": n, "old": n} if n < 2 else {"n": n}) for n in range(8)]), 9
    )
    found.commit([(100 + n, {"n": n}) for n in range(9)])
    with latest_of(found, columns=ColumnLimits(4, 2)) as latest:
        assert (await ask(latest, found, ["old", "n"])).is_behind
        assert not (await ask(latest, found, ["n"])).is_behind
    with latest_of(found) as latest:
        page = await ask(latest, found, ["old", "n"])
        assert len(page.events) == 2 and not page.is_behind
        found.sample(found.commit([(200 + n, {"free": "x" * 300 + str(n)}) for n in range(8)]), 99)
        found.commit([(300 + n, {"n": n}) for n in range(9)])
        assert (await ask(latest, found, ["free"])).is_behind
    with latest_of(found, LATEST_LIMITS) as latest:
        page = await ask(latest, found, ["free"])
        assert {one for _, one in page.events} == by_hand(found, ["free"], "source", NS_MAX)
        assert not page.is_behind and not (await ask(latest, found, ["never"])).is_behind


async def test_pages_have_every_series_once(found: SampleWorld) -> None:
    """With the events that its fields need; without fields they are those of `latest`."""
    found.commit([(1, {"n": 1}), (2, {"m": 2})])
    found.view.refresh()
    wanted = EventFilter(Filters(lanes=["parsed"]), found.view.series)
    at = moment_at("source", NS_MAX)
    with latest_of(found) as latest:
        first = await latest.page(wanted, ["n", "m"], at, limit=1)
        second = await latest.page(wanted, ["n", "m"], at, limit=1, after_key=first.next_key)
        assert (len(first.events), len(second.events), second.next_key) == (2, 2, None)
        assert first.events != second.events
        by_bytes = await latest.page(wanted, ["n"], at, max_bytes=1)
        assert by_bytes.next_key == first.next_key
        whole = await latest.page(wanted, None, at)
        assert [b'"m":2' in stored for _, stored in whole.events] == [True, True]
