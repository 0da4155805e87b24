"""`/api/v1` of a real NOVA: replies of the protocol, pages, all of a range, and refusals."""

from __future__ import annotations

import gzip

import msgspec
import pytest

from nova.edge.read_api.read_routes import ROUTES
from nova.sdk.client.client import Client
from nova.sdk.protocol.messages import Filters, Query, QueryResponse
from tests.edge.read_api.http_reader import COUNT, SCOPES, SERIES, START_NS, HttpReader, at

SPAN = {"startTime": at(0), "stopTime": at(COUNT), "timebase": "source"}
ALPHA_A = {**SERIES, "scopeId": "alpha", "uniqueId": "a"}


async def test_a_page_is_the_reply_of_the_protocol(api: HttpReader) -> None:
    """The same bytes of the same events, with the key of the next page."""
    query = Query(
        start_time=at(10), stop_time=at(19), timebase="source", filters=Filters(lanes=["parsed"])
    )
    query.limit = 7
    async with await Client.to_edge(api.url, api.token) as client:
        reply = await client.request(query, QueryResponse)
    span = {**SPAN, "startTime": at(10), "stopTime": at(19)}
    answer = api.get("query", lanes="parsed", limit=7, **span)
    got = msgspec.json.decode(answer.body, type=QueryResponse)
    assert [bytes(one) for one in got.events] == [bytes(one) for one in reply.events]
    assert got.next_key == reply.next_key == answer.headers["nova-next-key"]


def test_pages_are_all_of_a_range(api: HttpReader) -> None:
    """The link of each page leads to the next one; `limit=all` has them in one answer."""
    found, path = [], "query?lanes=parsed&timebase=source&limit=900&format=ndjson"
    while path:
        answer = api.get(path)
        found += answer.lines
        link = answer.headers.get("link", "")
        path = link.removeprefix("</api/v1/").partition(">")[0]
    whole = api.get("query", lanes="parsed", timebase="source", limit="all", format="ndjson")
    assert whole.lines == found and len(found) == COUNT * len(SCOPES)
    assert "content-length" not in whole.headers and "etag" not in whole.headers
    as_json = api.get("query", lanes="parsed", timebase="source", limit="all").json()
    events = [msgspec.json.decode(one) for one in found]
    assert as_json == {"type": "queryResponse", "events": events}
    assert api.lines(lanes="parsed", limit="all", reverse="true") == found[::-1]


def test_what_there_is(api: HttpReader) -> None:
    """Scopes with their entities, and what each route says of one series."""
    scopes = api.get("scopes", timebase="source", time=at(COUNT)).json()["scopes"]
    known = [one for one in scopes if one["scopeId"] in SCOPES]
    assert known == [
        {"scopeId": scope, "entities": 2, "firstTime": at(0), "lastTime": at(COUNT - 1)}
        for scope in SCOPES
    ]
    fields = api.get("fields", **ALPHA_A).json()["fields"]
    assert {one["field"] for one in fields} == {"n", "even", "mode", "x"}
    latest = api.lines("latest", time=at(99), lanes="parsed", scopeIds="beta")
    assert [msgspec.json.decode(one)["payload"]["n"] for one in latest] == [98, 99]
    counts = api.get("summary", **SPAN, buckets=4, scopeIds=list(SCOPES)).json()["lanes"]
    assert sum(counts["parsed"]) == COUNT * len(SCOPES)
    states = api.lines("state", time=at(55), scopeIds="alpha", updates="false")
    assert [msgspec.json.decode(one)["state"] for one in states] == [{"n": 50}]
    assert api.get("extent", timebase="source").json()["startTime"] == at(0)
    assert api.get("status").json()["mode"] == "ground"


def test_one_event_by_its_id_and_time(api: HttpReader) -> None:
    """The stored envelope as it is, for who may see it."""
    stored = api.lines(lanes="parsed", scopeIds="beta", limit=1)[0]
    event = msgspec.json.decode(stored)
    path, time = f"events/{event['eventId']}", event["sourceTruthTime"]
    assert api.get(path, time=time, format="ndjson").body.strip() == stored
    assert api.by("alpha-only").get(path, time=time).code == "notFound"
    assert api.get(path, time=at(COUNT + 5)).status == 404
    assert api.get("events/short", time=time).status == 400
    assert api.get(path).status == 400


def test_times_as_people_write_them(api: HttpReader) -> None:
    """Milliseconds since 1970 and times relative to now mean what ISO times do."""
    first = api.lines(startTime=at(10), stopTime=at(12))
    start_ms = START_NS // 1_000_000
    assert api.lines(startTime=start_ms + 10_000, stopTime=start_ms + 12_000) == first
    assert len(first) == 10
    assert api.lines(startTime="now-1ms") == []
    assert len(api.lines(stopTime="now", limit=1)) == 1


@pytest.mark.parametrize(
    ("path", "code", "says"),
    [
        ("query?limit=0", "badRequest", "limit"),
        ("query?limit=10001", "badRequest", "limit"),
        ("query?limit=1&limit=2", "badRequest", "'limit' is given twice"),
        ("query?limit=all&limit=2", "badRequest", "'limit' is given twice"),
        ("query?lanes=ui,other", "badRequest", "'other'"),
        ("query?startTime=yesterday", "badTime", "startTime"),
        ("query?startTime=now&stopTime=now-1h", "badRange", "startTime is after stopTime"),
        ("query?afterKey=x", "badKey", "afterKey"),
        ("query?wanted=x", "badRequest", "'wanted'"),
        ("query?format=xml", "badRequest", "'xml'"),
        ("query?format=json&format=json", "badRequest", "'format' is given twice"),
        ("sample?lane=ui", "badRequest", "'startTime' is missing"),
        ("status?limit=all", "badRequest", "'limit'"),
        ("find?field=n", "badRequest", "'scopeId' is missing"),
    ],
)  # fmt: skip
def test_what_is_refused_says_why(api: HttpReader, path: str, code: str, says: str) -> None:
    """The code and the text of the protocol, and the id of the request in the logs."""
    answer = api.get(path)
    assert (answer.status, answer.code) == (400, code)
    assert says in answer.json()["message"] and answer.headers["nova-request-id"]


def test_reading_only(api: HttpReader) -> None:
    """No other method has a route, and nothing is read without a token."""
    for name in ROUTES:
        path = name.replace("{id}", "0" * 64)
        assert HttpReader(api.url).get(path).status == 401
        for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            answer = api.get(path, method=method)
            assert (answer.status, answer.headers["allow"]) == (405, "GET,HEAD"), (method, name)
    head = api.get("query", method="HEAD", limit=2)
    assert head.status == 200 and head.headers["nova-next-key"] and head.body == b""
    assert api.get("query", method="HEAD", limit="all").status == 200


def test_formats_by_accept(api: HttpReader) -> None:
    """The most wanted one that there is; a browser gets JSON."""
    kinds = {
        "": "application/json",
        "text/html,application/xhtml+xml,*/*;q=0.8": "application/json",
        "application/x-ndjson": "application/x-ndjson",
        "application/json;q=0.5, application/x-ndjson;q=0.9": "application/x-ndjson",
    }
    for accept, kind in kinds.items():
        answer = api.get("query", {"Accept": accept}, limit=1)
        assert answer.headers["content-type"] == kind, accept
    refused = api.get("query", {"Accept": "image/png, application/json;q=0"}, limit=1)
    assert (refused.status, refused.code) == (406, "notAcceptable")


def test_nothing_is_sent_twice(api: HttpReader) -> None:
    """A page that is as before is answered with 304; a changed one has another tag."""
    first = {"limit": "3", "stopTime": at(5), "timebase": "source"}
    answer = api.get("query", **first)
    tag = answer.headers["etag"]
    for known in (tag, f'"x", {tag}', tag.removeprefix("W/"), "*"):
        again = api.get("query", {"If-None-Match": known}, **first)
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag), known
    assert api.get("query", {"If-None-Match": tag}, **{**first, "limit": "4"}).status == 200


@pytest.mark.parametrize("limit", ["all", "1000"])
def test_compressed_where_it_is_accepted(api: HttpReader, limit: str) -> None:
    """The same bytes in less."""
    asked = {"lanes": "parsed", "limit": limit, "format": "ndjson"}
    plain = api.get("query", **asked)
    packed = api.get("query", {"Accept-Encoding": "br, gzip;q=0.5"}, **asked)
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < len(plain.body) / 3
    refused = api.get("query", {"Accept-Encoding": "gzip;q=0"}, **asked)
    assert "content-encoding" not in refused.headers


def test_csv_ends_lines_with_lf(api: HttpReader) -> None:
    """Of events, as of columns; a break within a text stays."""
    answer = api.get("query", format="csv", limit="3")
    assert answer.body.endswith(b"\n") and b"\r" not in answer.body


def test_an_unknown_parameter_is_refused_with_those_that_there_are(api: HttpReader) -> None:
    """Those of the answer too."""
    refused = api.get("query", nothing="1")
    assert refused.status == 400
    assert b"stopTime" in refused.body and b"format, shape" in refused.body
