"""A principal limited to a scope or a lane sees only that by every route, whatever it asks for."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nova.edge.read_api.read_routes import ROUTES
from nova.sdk.reading.read_requests import parameters_of
from tests.edge.read_api.http_reader import COUNT, HttpReader, at
from tests.laws import law

VALUES: dict[str, list[str]] = {
    "startTime": [at(0), at(50), "0"],
    "stopTime": [at(60), at(COUNT), "now"],
    "time": [at(0), at(99), at(COUNT), "now"],
    "timebase": ["source", "canonical"],
    "scopeIds": ["alpha", "beta", "alpha,beta", ""],
    "scopeId": ["alpha", "beta"],
    "lanes": ["parsed", "raw", "ui,raw", "metadata"],
    "lane": ["parsed", "ui"],
    "systemId": ["bus", "nova"],
    "containerId": ["eps", "audit"],
    "uniqueId": ["a", "b"],
    "messageType": ["Count", ""],
    "viewId": ["panel", ""],
    "fields": ["n", "n,mode"],
    "field": ["n"],
    "condition": ["gap", "atLeast", "change"],
    "value": ["0"],
    "text": ["m1", "count", "beta"],
    "direction": ["next", "previous"],
    "listing": ["all"],
    "buckets": ["8"],
    "limit": ["5", "all"],
    "reverse": ["true", "false"],
    "updates": ["true"],
    "minSeconds": ["1"],
    "gapSeconds": ["60"],
}
OPTIONAL_SHARE = 3
"""One in this many of the parameters that a route does not require is given."""


@st.composite
def reads(draw: st.DrawFn) -> tuple[str, dict[str, str]]:
    """A route with parameters that name what is there, of all scopes and lanes."""
    name = draw(st.sampled_from(sorted(set(ROUTES) - {"events/{id}"})))
    asked = {}
    for one in parameters_of(ROUTES[name]).values():
        wanted = one.required or draw(st.integers(1, OPTIONAL_SHARE)) == 1
        if wanted and one.name in VALUES:
            asked[one.name] = draw(st.sampled_from(VALUES[one.name]))
    if "buckets" in parameters_of(ROUTES[name]):
        asked["buckets"] = "8"
    asked["format"] = draw(st.sampled_from(["json", "ndjson", "csv", "arrow"]))
    return name, asked


@law(240)
@given(reads())
def test_nothing_of_another_scope_is_answered(
    api: HttpReader, read: tuple[str, dict[str, str]]
) -> None:
    """Neither its name nor an id of its events is anywhere in an answer, in any format."""
    name, asked = read
    answer = api.by("alpha-only").get(name, **asked)
    if answer.status != 200:
        assert answer.status == 400, answer.body
        return
    assert b"beta" not in answer.body, (name, asked)


@law(120)
@given(reads())
def test_a_limited_answer_is_the_part_that_may_be_seen(
    api: HttpReader, read: tuple[str, dict[str, str]]
) -> None:
    """Of what lists events: what an unlimited key gets, without the rest, in the same order."""
    _, asked = read
    known = parameters_of(ROUTES["query"])
    asked = {one: text for one, text in asked.items() if one in known} | {"limit": "all"}
    for key, member, seen in (
        ("alpha-only", "scopeId", "alpha"),
        ("parsed-only", "lane", "parsed"),
    ):
        whole = rows(api, asked)
        assert rows(api.by(key), asked) == [row for row in whole if row[member] == seen]


def rows(reader: HttpReader, asked: dict[str, str]) -> list[dict[str, Any]]:
    """The rows of all events that a query selects, the instance's own left out."""
    answer = reader.get("query", **asked, format="csv")
    assert answer.status == 200, (answer.body, asked)
    found = csv.DictReader(io.StringIO(answer.body.decode(), newline=""))
    return [row for row in found if row["scopeId"] in ("alpha", "beta")]


@law(400)
@given(
    st.sampled_from(sorted(ROUTES)),
    st.lists(
        st.tuples(
            st.sampled_from(sorted({*VALUES, "format", "shape", "afterKey", "intervalMs"}))
            | st.text(max_size=8),
            st.sampled_from(sorted({text for texts in VALUES.values() for text in texts}))
            | st.text(max_size=30),
        ),
        max_size=6,
    ),
)
def test_any_parameters_are_answered_or_refused(
    api: HttpReader, name: str, texts: list[tuple[str, str]]
) -> None:
    """Whatever a URL has (property): no failure of the edge or the reader, and one clear error."""
    parameters: dict[str, Any] = {}
    for key, text in texts:
        parameters.setdefault(key, []).append(text)
    parameters.pop("method", None)
    answer = api.get(name.replace("{id}", "0" * 64), **parameters)
    assert answer.status in (200, 400, 404, 413), (answer.status, answer.body)
    if answer.status != 200:
        error = json.loads(answer.body)
        assert set(error) == {"code", "message"} and error["message"]
