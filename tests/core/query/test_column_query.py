"""Columns are the values of the events: both timebases, page by page, with and without samples."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.core.errors import RequestError
from nova.core.ordering import TIMEBASES, Timebase
from nova.core.query.column_query import ColumnLimits, ColumnQueries
from nova.core.query.visibility import Visibility
from nova.core.store.archive import Archive
from nova.sdk import timestamps
from nova.sdk.client.column_table import ColumnTable
from nova.sdk.field_types import JsonObject
from nova.sdk.protocol.column_messages import Columns, ColumnsResponse
from tests.core.query.test_find_query import MS, SAMPLING, STEADY, TIMES, events_of
from tests.core.query.test_sample_query import SampleWorld, empty_world
from tests.core.telling import START_NS
from tests.laws import law

PAGE_BYTES = 4 * 1024 * 1024
FIELDS = ["mode", "n", "on", "gps.lat", "never"]

PAYLOADS = st.fixed_dictionaries(
    {},
    optional={
        "n": st.integers(-2, 2) | st.sampled_from([0.5, 1e308, "one"]),
        "on": st.booleans(),
        "mode": st.sampled_from(["safe", "eclipse", "nominal"]),
        "gps": st.fixed_dictionaries({"lat": st.floats(-90, 90)}),
    },
)
RUNS = st.lists(st.tuples(TIMES, PAYLOADS), max_size=14)


@pytest.fixture
def found(tmp_path: Path, archive: Archive) -> Iterator[SampleWorld]:
    """An empty world whose columns are read."""
    with empty_world(tmp_path, archive) as empty:
        yield empty


def request_of(fields: list[str], **members: Any) -> Columns:
    """A request about the numeric series."""
    return msgspec.convert(
        {
            "type": "columns",
            "scopeId": "sat",
            "systemId": "bus",
            "containerId": "eps",
            "uniqueId": "u",
            "lane": "parsed",
            "messageType": "Numbers",
            "fields": fields,
            **members,
        },
        Columns,
    )


async def pages(
    queries: ColumnQueries, request: Columns, timebase: Timebase
) -> list[ColumnsResponse]:
    found = []
    while True:
        page = await queries.respond(request, timebase, PAGE_BYTES)
        assert not page.behind and page.rows <= request.limit
        found.append(page)
        if page.next_key is None:
            return found
        request.after_key = page.next_key


def value_at(payload: Any, path: str) -> Any:
    for name in path.split("."):
        payload = payload.get(name) if isinstance(payload, dict) else None
    return payload


def by_hand(world: SampleWorld, request: Columns, timebase: Timebase) -> list[list[Any]]:
    """Time, and of each field its number and its text, of the events of the span that have one."""
    start = timestamps.parse(request.start_time) if request.start_time else -(2**63)
    stop = timestamps.parse(request.stop_time) if request.stop_time else 2**63
    rows = []
    for event, payload in events_of(world):
        values = [value_at(payload, path) for path in request.fields]
        if start <= event.time(timebase) <= stop and any(value is not None for value in values):
            rows.append((event.time(timebase), event.canonical_ns, values))
    return [[time, *values] for time, _, values in sorted(rows, key=lambda one: one[:2])]


def rows_of(table: ColumnTable, fields: list[str]) -> list[list[Any]]:
    """The same of a table."""
    rows = []
    for place, time in enumerate(table.times_ns.tolist()):
        values: list[Any] = []
        for path in fields:
            names = [name for name in (path, f"{path} (text)") if name in table.names]
            held = [table[name][place] for name in names]
            values.append(next((one for one in held if one is not np.ma.masked), None))
        rows.append([time, *values])
    return rows


@law(10)
@given(
    commits=st.lists(RUNS | STEADY, min_size=1, max_size=6),
    writes=st.lists(st.integers(0, 9), min_size=6, max_size=6),
    fields=st.sampled_from([FIELDS, ["n"], ["on"], ["mode"], ["never", "gps.lat"]]),
    span=st.none() | st.tuples(TIMES, TIMES),
    limit=st.sampled_from([1, 3, 1_000]),
)
async def test_columns_are_those_of_brute_force(
    found: SampleWorld,
    commits: list[list[tuple[int, JsonObject]]],
    writes: list[int],
    fields: list[str],
    span: tuple[int, int] | None,
    limit: int,
) -> None:
    """Late events, equal times, fields that come and go and change their kind, any span, a sampler
    that is behind.
    """
    for events, until in zip(commits, writes, strict=False):
        mark = found.commit(events)
        if until:
            found.sample(mark, until, SAMPLING)
    limits = ColumnLimits(part_max_events=3)
    queries = ColumnQueries(found.view, found.data, found.data / "columns", limits)
    try:
        for timebase in TIMEBASES:
            request = request_of(fields, limit=limit)
            if span is not None:
                start, stop = sorted(span)
                request.start_time = timestamps.text(START_NS + start * MS)
                request.stop_time = timestamps.text(START_NS + stop * MS)
            table = ColumnTable.of_pages(await pages(queries, request, timebase))
            assert rows_of(table, fields) == by_hand(found, request, timebase)
    finally:
        queries.close()


async def test_what_is_in_no_block_is_read_or_said(found: SampleWorld) -> None:
    """In canonical time page by page; in source time, where it may belong anywhere, not at all if
    it is too much.
    """
    found.sample(found.commit([(n, {"n": n}) for n in range(8)]), 99, SAMPLING)
    found.commit([(n + 100, {"n": n}) for n in range(9)])
    queries = ColumnQueries(found.view, found.data, found.data / "columns", ColumnLimits(4, 2))
    request = request_of(["n"])
    table = ColumnTable.of_pages(await pages(queries, request, "canonical"))
    assert table["n"].tolist() == [*range(8), *range(9)]
    page = await queries.respond(request_of(["n"]), "source", PAGE_BYTES)
    held = [event.canonical_ns for event, _ in events_of(found)]
    assert (page.behind, page.rows) == (True, 8)
    assert page.complete_until == timestamps.text(held[7])
    queries.close()


async def test_a_page_ends_by_its_bytes(found: SampleWorld) -> None:
    found.sample(found.commit([(n, {"n": n, "m": -n}) for n in range(64)]), 99, SAMPLING)
    queries = ColumnQueries(found.view, found.data, found.data / "columns")
    for timebase in TIMEBASES:
        page = await queries.respond(request_of(["n", "m"]), timebase, 1_000)
        assert 20 < page.rows < 40 and page.next_key is not None
        assert len(msgspec.json.encode(page)) < 1_600
    queries.close()


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"startTime": "2026-01-02T00:00:00Z", "stopTime": "2026-01-01T00:00:00Z"}, "badRange"),
        ({"afterKey": "x"}, "badKey: afterKey"),
        ({"fields": ["free"]}, "notSampled: fields: 'free' is free text"),
    ],
)
async def test_bad_requests_for_columns_are_refused(
    found: SampleWorld, members: dict[str, Any], message: str
) -> None:
    found.sample(found.commit([(n, {"n": n, "free": "x" * 300}) for n in range(8)]), 99, SAMPLING)
    queries = ColumnQueries(found.view, found.data, found.data / "columns")
    with pytest.raises(RequestError, match=message):
        await queries.respond(request_of(**{"fields": ["n"], **members}), "source", PAGE_BYTES)
    queries.close()


async def test_columns_of_other_scopes_are_not_shown(found: SampleWorld) -> None:
    """To a principal that is limited to others: as if there were none."""
    found.sample(found.commit([(n, {"n": n}) for n in range(8)]), 99, SAMPLING)
    queries = ColumnQueries(found.view, found.data, found.data / "columns")
    for scopes, rows in ((["sat"], 8), (["moon"], 0)):
        seen = Visibility(scopes=frozenset(scopes))
        page = await queries.respond(request_of(["n"]), "source", PAGE_BYTES, seen)
        assert page.rows == rows
    queries.close()


async def test_fields_that_no_event_has_are_named(found: SampleWorld) -> None:
    found.sample(found.commit([(n, {"n": n}) for n in range(8)]), 99, SAMPLING)
    found.commit([(9, {"late": 1})])
    queries = ColumnQueries(found.view, found.data, found.data / "columns")
    request = request_of(["n", "late", "never"], stopTime=timestamps.text(START_NS - 1))
    for timebase in TIMEBASES:
        reply = await queries.respond(request, timebase, 2**20)
        assert (reply.rows, reply.unknown_fields) == (0, ["never"]) and not reply.unknown_series
        assert ColumnTable([reply]).unknown_fields == ["never"]
    reply = await queries.respond(request_of(["n"], uniqueId="nobody"), "source", 2**20)
    assert ColumnTable([reply]).unknown_series
    queries.close()
