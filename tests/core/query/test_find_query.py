"""`find` equals brute force over the events, in both timebases and directions, page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from operator import eq, ge, gt, le, lt, ne
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.core.derived.sampler_limits import SamplerLimits
from nova.core.errors import RequestError
from nova.core.ordering import TIMEBASES, Timebase
from nova.core.query.find_query import FindLimits, FindQueries
from nova.core.query.visibility import EVERYTHING, Visibility
from nova.core.store.archive import Archive
from nova.core.store.column_tree import BlockSizes
from nova.sdk import timestamps
from nova.sdk.field_types import JsonObject
from nova.sdk.protocol.timeline import FieldFinding, Find
from nova.sdk.timestamps import NS_MAX, NS_MIN
from tests.core.query.test_sample_query import SampleWorld, empty_world
from tests.core.telling import START_NS, ViewedEvent, told
from tests.laws import law

SAMPLING = SamplerLimits(
    BlockSizes(unit_events=2, block_units=2, fan_out=2, cells_max=3), chunk_max_events=9
)
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "above": gt,
    "atLeast": ge,
    "below": lt,
    "atMost": le,
    "equal": eq,
    "notEqual": ne,
}
MS = 1_000_000

Value = tuple[int, int, Any]
"""Time, canonical time and value of an event with the field."""


@pytest.fixture
def found(tmp_path: Path, archive: Archive) -> Iterator[SampleWorld]:
    """An empty world for samples, and what finds in them beside it."""
    with empty_world(tmp_path, archive) as empty:
        yield empty


def request_of(field: str, condition: str, **members: Any) -> Find:
    """A request about the numeric series."""
    return msgspec.convert(
        {
            "type": "find",
            "scopeId": "sat",
            "systemId": "bus",
            "containerId": "eps",
            "uniqueId": "u",
            "lane": "parsed",
            "messageType": "Numbers",
            "field": field,
            "condition": condition,
            **members,
        },
        Find,
    )


def events_of(world: SampleWorld) -> list[tuple[ViewedEvent, JsonObject]]:
    """The events of the numeric series with their payloads."""
    return [
        (event, msgspec.json.decode(event.stored)["payload"])
        for event in told(world.archive)
        if event.unit == "u"
    ]


def values_of(
    events: Sequence[tuple[ViewedEvent, JsonObject]], request: Find, timebase: Timebase
) -> list[Value]:
    """The values of a field in the span, in order."""
    start = timestamps.parse(request.start_time) if request.start_time else NS_MIN
    stop = timestamps.parse(request.stop_time) if request.stop_time else NS_MAX
    is_text = isinstance(request.value, str) or request.field == "mode"
    values = []
    for event, payload in events:
        value, at_ns = payload.get(request.field), event.time(timebase)
        if value is not None and isinstance(value, str) == is_text and start <= at_ns <= stop:
            values.append((at_ns, event.canonical_ns, value))
    return sorted(values, key=lambda one: one[:2])


def by_hand(values: Sequence[Value], request: Find) -> list[FieldFinding]:
    """All findings in order of time."""
    pairs = list(pairwise(values))
    if request.condition == "gap":
        longer = request.min_seconds * 1e9
        return [finding(a[0], b[0]) for a, b in pairs if b[0] - a[0] > longer]
    if request.condition == "change":
        return [
            finding(b[0], b[0], samples=1, before=a[2], after=b[2])
            for a, b in pairs
            if a[2] != b[2]
        ]
    runs: list[list[Value]] = [[]]
    for one in values:
        if request.condition == "steady":
            is_same = bool(runs[-1]) and runs[-1][-1][2] == one[2]
            runs[-1:] = [[*runs[-1], one]] if is_same else [runs[-1], [one]]
        elif COMPARISONS[request.condition](one[2], request.value):
            runs[-1].append(one)
        else:
            runs.append([])
    return [
        run_of(run)
        for run in filter(None, runs)
        if len(run) >= request.min_samples and run[-1][0] - run[0][0] >= request.min_seconds * 1e9
    ]


def run_of(run: Sequence[Value]) -> FieldFinding:
    bounds = {}
    if not isinstance(run[0][2], str):
        numbers = [float(value) for _, _, value in run]
        bounds = {"min": min(numbers), "max": max(numbers)}
    return finding(run[0][0], run[-1][0], samples=len(run), **bounds)


def finding(start_ns: int, stop_ns: int, **members: Any) -> FieldFinding:
    return FieldFinding(
        start_time=timestamps.text(start_ns), stop_time=timestamps.text(stop_ns), **members
    )


async def pages(queries: FindQueries, request: Find, timebase: Timebase) -> list[FieldFinding]:
    """The findings of all pages."""
    findings: list[FieldFinding] = []
    while True:
        page = await queries.respond(request, timebase)
        assert not page.behind and len(page.findings) <= request.limit
        findings += page.findings
        assert (page.reached is None) == (page.next_key is None)
        if page.next_key is None:
            return findings
        assert page.next_key != request.after_key, "every reply gets further"
        request.after_key = page.next_key


TIMES = st.integers(0, 30) | st.sampled_from([500, 60_000, 86_400_000])
PAYLOADS = st.fixed_dictionaries(
    {},
    optional={
        "n": st.integers(-2, 2) | st.sampled_from([0.5, 7]),
        "on": st.booleans(),
        "mode": st.sampled_from(["safe", "eclipse", "nominal"]),
    },
)
RUNS = st.lists(st.tuples(TIMES, PAYLOADS), max_size=14)
STEADY = st.builds(
    lambda first, count, payload: [(first + n, payload) for n in range(count)],
    TIMES,
    st.integers(1, 14),
    PAYLOADS,
)
NUMERIC = st.builds(
    lambda condition, value, samples, seconds: request_of(
        "n", condition, value=value, minSamples=samples, minSeconds=seconds
    ),
    st.sampled_from(sorted(COMPARISONS)),
    st.integers(-2, 2) | st.just(0.5),
    st.integers(1, 3),
    st.sampled_from([0, 0, 0.002, 30]),
)
OTHERS = st.one_of(
    st.builds(
        lambda condition, value: request_of("mode", condition, value=value),
        st.sampled_from(["equal", "notEqual"]),
        st.sampled_from(["safe", "never"]),
    ),
    st.builds(
        lambda field, samples, seconds: request_of(
            field, "steady", minSamples=samples, minSeconds=seconds
        ),
        st.sampled_from(["n", "on", "mode"]),
        st.integers(2, 4),
        st.sampled_from([0, 0.002, 30]),
    ),
    st.builds(lambda field: request_of(field, "change"), st.sampled_from(["n", "on", "mode"])),
    st.builds(
        lambda field, seconds: request_of(field, "gap", minSeconds=seconds),
        st.sampled_from(["n", "on", "mode"]),
        st.sampled_from([0.001, 0.3, 1_000]),
    ),
)


@law(10)
@given(
    commits=st.lists(RUNS | STEADY, min_size=1, max_size=6),
    writes=st.lists(st.integers(0, 9), min_size=6, max_size=6),
    requests=st.lists(NUMERIC | OTHERS, min_size=1, max_size=3),
    span=st.none() | st.tuples(TIMES, TIMES),
    page=st.sampled_from([7, 1_000]),
    values_max=st.sampled_from([1, 4, 1_000]),
)
async def test_findings_are_those_of_brute_force(
    found: SampleWorld,
    commits: list[list[tuple[int, JsonObject]]],
    writes: list[int],
    requests: list[Find],
    span: tuple[int, int] | None,
    page: int,
    values_max: int,
) -> None:
    """Late events, equal times, fields that come and go, any span, a sampler that is behind;
    replies that end after a value, a few or none.
    """
    for events, until in zip(commits, writes, strict=False):
        mark = found.commit(events)
        if until:
            found.sample(mark, until, SAMPLING)
    limits = FindLimits(values_max=values_max)
    queries = FindQueries(found.view, found.data, found.data / "finding", limits)
    held = events_of(found)
    try:
        for request in requests:
            request.limit = page
            if span is not None:
                start, stop = sorted(span)
                request.start_time = timestamps.text(START_NS + start * MS)
                request.stop_time = timestamps.text(START_NS + stop * MS)
            for timebase in TIMEBASES:
                expected = by_hand(values_of(held, request, timebase), request)
                request.reverse, request.after_key = False, None
                assert await pages(queries, request, timebase) == expected
                request.reverse, request.after_key = True, None
                assert await pages(queries, request, timebase) == expected[::-1]
    finally:
        queries.close()


async def test_findings_reach_from_the_first_to_the_last_nanosecond(found: SampleWorld) -> None:
    times = [NS_MIN, NS_MIN, -1, 0, NS_MAX, NS_MAX, NS_MIN, NS_MAX - 1]
    found.sample(found.commit_at([(at_ns, {"n": n % 3}) for n, at_ns in enumerate(times)]), 99)
    queries = FindQueries(found.view, found.data, found.data / "finding")
    for request in (
        request_of("n", "change", limit=1),
        request_of("n", "above", value=0, limit=2),
        request_of("n", "gap", minSeconds=1, limit=1),
    ):
        expected = by_hand(values_of(events_of(found), request, "source"), request)
        assert len(expected) > 1
        assert await pages(queries, request, "source") == expected
        request.reverse, request.after_key = True, None
        assert await pages(queries, request, "source") == expected[::-1]
    queries.close()


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"condition": "above"}, "badRequest: value: 'above' needs a value"),
        ({"condition": "change", "value": 1}, "badRequest: value: 'change' compares with no value"),
        ({"condition": "below", "value": "x"}, "badRequest: value: texts are not ordered"),
        ({"condition": "steady"}, "badRequest: minSeconds: 'steady' needs"),
        ({"condition": "gap"}, "badRequest: minSeconds: 'gap' needs the seconds"),
        ({"condition": "gap", "minSeconds": 1, "minSamples": 2}, "badRequest: minSamples"),
        ({"condition": "change", "minSeconds": 1}, "badRequest: minSeconds: a change has no"),
        ({"condition": "change", "afterKey": "x"}, "badKey: afterKey"),
        ({"condition": "change", "afterKey": f"{2**70}:1"}, "badKey: afterKey"),
        ({"condition": "change", "field": "free"}, "notSampled: field: 'free' is free text"),
    ],
)
async def test_bad_requests_are_refused(
    found: SampleWorld, members: dict[str, Any], message: str
) -> None:
    mark = found.commit([(n, {"n": n, "free": "x" * 300}) for n in range(8)])
    found.sample(mark, 99, SAMPLING)
    queries = FindQueries(found.view, found.data, found.data / "finding")
    with pytest.raises(RequestError, match=message):
        await queries.respond(request_of(**{"field": "n", **members}), "source")
    queries.close()


async def test_newest_values_that_are_not_searched_are_said(found: SampleWorld) -> None:
    """Too many events that are in no block: what the blocks have is found."""
    found.sample(found.commit([(n, {"n": n % 2}) for n in range(8)]), 99, SAMPLING)
    found.commit([(n + 100, {"n": n % 2}) for n in range(9)])
    queries = FindQueries(found.view, found.data, found.data / "finding", FindLimits(5))
    answer = await queries.respond(request_of("n", "equal", value=1), "source")
    assert answer.behind and len(answer.findings) == 4
    queries.close()


async def test_what_no_event_has_is_said(found: SampleWorld) -> None:
    """An unknown series or field is not like one without a finding; a hidden series is unknown."""
    found.sample(found.commit([(n, {"n": n, "mode": "safe"}) for n in range(8)]), 99, SAMPLING)
    found.commit([(9, {"late": 1})])
    queries = FindQueries(found.view, found.data, found.data / "finding", FindLimits(5))
    for field, value, unknown in (
        ("n", 99, []),
        ("n", "text", []),
        ("mode", 1, []),
        ("late", 2, []),
        ("never", 1, ["never"]),
    ):
        answer = await queries.respond(request_of(field, "equal", value=value), "source")
        assert (answer.findings, answer.unknown_fields) == ([], unknown), field
        assert not answer.unknown_series
    found.commit([(n + 100, {"n": n}) for n in range(9)])
    answer = await queries.respond(request_of("never", "change"), "source")
    assert answer.behind and answer.unknown_fields == [], "an event that is not read may have it"
    hidden = Visibility(lanes=frozenset({"ui"}))
    elsewhere = request_of("n", "change", uniqueId="nobody")
    for asked, sees in ((request_of("n", "change"), hidden), (elsewhere, EVERYTHING)):
        answer = await queries.respond(asked, "source", sees)
        assert answer.unknown_series and answer.unknown_fields == []
    queries.close()


@pytest.mark.parametrize("condition", ["change", "gap", "steady", "above"])
async def test_replies_of_one_value_get_further(found: SampleWorld, condition: str) -> None:
    """A reply that ends after a value does not end where it began, also where each is a part."""
    found.commit([(n * 10, {"n": n // 2}) for n in range(6)])
    queries = FindQueries(found.view, found.data, found.data / "finding", FindLimits(values_max=1))
    members: dict[str, dict[str, Any]] = {
        "gap": {"minSeconds": 0.001},
        "steady": {"minSamples": 2},
        "above": {"value": 0},
    }
    for timebase in TIMEBASES:
        request = request_of("n", condition, **members.get(condition, {}))
        expected = by_hand(values_of(events_of(found), request, timebase), request)
        assert await pages(queries, request, timebase) == expected
        request.reverse, request.after_key = True, None
        assert await pages(queries, request, timebase) == expected[::-1]
    queries.close()
