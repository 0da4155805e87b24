"""One range in every format: the same events and values in the same order."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow
import pytest

from nova.edge.read_api import arrow_encoders
from nova.sdk.client.client import Client
from nova.sdk.errors import NovaError
from nova.sdk.protocol.column_messages import Columns
from nova.sdk.protocol.messages import Filters, Query
from nova.sdk.timestamps import parse
from tests.edge.read_api.http_reader import COUNT, SCOPES, SERIES, UNITS, HttpReader, at

ALPHA_A = {**SERIES, "scopeId": "alpha", "uniqueId": "a"}
SPAN = {"startTime": at(100), "stopTime": at(COUNT - 100), "timebase": "source"}


def table(body: bytes) -> list[dict[str, str]]:
    """The rows of a CSV body."""
    return list(csv.DictReader(io.StringIO(body.decode(), newline="")))


def arrow_rows(body: bytes) -> Any:
    """The table of an Arrow body."""
    return pyarrow.ipc.open_stream(body).read_all()


def digest(ids: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()


async def test_one_range_by_every_door(api: HttpReader) -> None:
    """WebSocket, JSON, lines, CSV and Arrow: one digest of the eventIds, equal times and bodies."""
    query = Query(
        start_time=SPAN["startTime"],
        stop_time=SPAN["stopTime"],
        timebase="source",
        filters=Filters(scope_ids=list(SCOPES)),
    )
    async with await Client.to_edge(api.url, api.token) as client:
        stored = [json.loads(event) async for event in client.query(query)]
    assert len(stored) > COUNT
    asked = {**SPAN, "scopeIds": ",".join(SCOPES), "limit": "all"}
    found = {kind: api.get("query", **asked, format=kind).body for kind in ("json", "ndjson")}
    rows = table(api.get("query", **asked, format="csv").body)
    arrow = arrow_rows(api.get("query", **asked, format="arrow").body)
    assert json.loads(found["json"])["events"] == stored
    assert [json.loads(line) for line in found["ndjson"].splitlines()] == stored
    whole = digest(event["eventId"] for event in stored)
    assert digest(row["eventId"] for row in rows) == whole
    assert digest(arrow["eventId"].to_pylist()) == whole
    for place, event in enumerate(stored):
        body = event.get("payload", event.get("data", event.get("bytes")))
        assert json.loads(rows[place]["body"]) == body
    assert [row["body"] for row in rows] == arrow["body"].to_pylist()
    times = [parse(event["sourceTruthTime"]) for event in stored]
    assert [parse(row["sourceTruthTime"]) for row in rows] == times
    assert arrow["sourceTruthTime"].cast("int64").to_pylist() == times
    flat = api.get("query", **asked, shape="rows").json()
    assert [one["eventId"] for one in flat] == arrow["eventId"].to_pylist()
    assert flat[0]["body"] == json.loads(rows[0]["body"])


async def test_values_of_a_series_in_every_format(api: HttpReader) -> None:
    """Numbers, booleans and texts, as the client's own table has them."""
    fields = ["n", "even", "mode", "not there"]
    request = Columns(
        scope_id="alpha",
        system_id="bus",
        container_id="eps",
        unique_id="a",
        lane="parsed",
        message_type="Count",
        fields=fields,
        start_time=SPAN["startTime"],
        stop_time=SPAN["stopTime"],
        timebase="source",
    )
    async with await Client.to_edge(api.url, api.token) as client:
        expected = await client.columns(request)
    asked = {**ALPHA_A, **SPAN, "fields": ",".join(fields), "limit": "all"}
    arrow = arrow_rows(api.get("columns", **asked, format="arrow").body)
    assert arrow.column_names == ["sourceTruthTime", *fields]
    assert np.array_equal(arrow["sourceTruthTime"].to_numpy(), expected.times)
    for name in ("n", "even", "mode"):
        assert arrow[name].to_pylist() == expected[name].tolist()
    assert arrow["not there"].null_count == len(expected) == (COUNT - 200) // len(UNITS) + 1
    rows = table(api.get("columns", **asked, format="csv").body)
    assert [float(row["n"]) for row in rows] == expected["n"].tolist()
    assert [row["mode"] for row in rows] == expected["mode"].tolist()
    assert {row["not there"] for row in rows} == {""}
    lines = [json.loads(line) for line in api.get("columns", **asked, format="ndjson").lines]
    assert [(one["n"], one["even"]) for one in lines] == list(
        zip(expected["n"], expected["even"], strict=True)
    )
    pages = list(paged(api, {**asked, "limit": "300", "format": "arrow"}))
    assert pyarrow.concat_tables(pages).equals(arrow.combine_chunks()) and len(pages) > 3


def paged(api: HttpReader, asked: dict[str, str]) -> Iterator[Any]:
    """The tables of pages, each asked for with the key of the one before."""
    more: dict[str, str] = {}
    while True:
        answer = api.get("columns", **asked, **more)
        yield arrow_rows(answer.body)
        if "nova-next-key" not in answer.headers:
            return
        more = {"afterKey": answer.headers["nova-next-key"]}


def test_tables_of_what_is_no_event(api: HttpReader) -> None:
    """Series, samples, counts and findings are rows with times and numbers."""
    series = table(api.get("entities", **{"time": at(9), "timebase": "source"}, format="csv").body)
    parsed = [row for row in series if row["lane"] == "parsed"]
    assert [(row["scopeId"], row["uniqueId"]) for row in parsed] == [
        (scope, unit) for scope in SCOPES for unit in UNITS
    ]
    sample = {**ALPHA_A, **SPAN, "fields": "n,even", "intervalMs": "100000"}
    rows = table(api.get("sample", **sample, format="csv").body)
    whole = api.get("sample", **sample).json()
    assert len(rows) == sum(len(one["count"]) for one in whole["fields"])
    means = {row["field"] for row in rows if row["mean"] != ""}
    assert means == {"n", "even"}
    counts = arrow_rows(api.get("summary", **SPAN, buckets=8, format="arrow").body)
    assert sum(counts["parsed"].to_pylist()) >= len(SCOPES) * (COUNT - 200)
    gaps = {**ALPHA_A, "field": "n", "condition": "gap", "minSeconds": "1", "timebase": "source"}
    first = table(api.get("find", **gaps, format="csv").body)[0]
    assert (first["startTime"], first["stopTime"]) == (at(0), at(2))
    status = table(api.get("status", format="csv").body)
    assert [row["mode"] for row in status] == ["ground"]
    assert api.get("scopes", format="csv").lines[0] == b"scopeId,entities,firstTime,lastTime"


def test_annotations_have_a_time_a_title_and_a_text(api: HttpReader) -> None:
    """Of events, of findings; other replies have none."""
    marks = api.get("query", **SPAN, lanes="raw", limit=3, shape="annotations").json()
    assert [set(mark) for mark in marks] == [{"time", "timeEnd", "title", "text", "tags"}] * 3
    assert marks[0]["time"] == at(100) and marks[0]["tags"] == "raw,alpha,a"
    gaps = api.get(
        "find", **ALPHA_A, field="n", condition="gap", minSeconds="1", limit=1, shape="annotations"
    )
    assert gaps.json()[0]["timeEnd"] == at(2)
    assert api.get("status", shape="annotations").status == 400
    assert api.get("query", shape="reply", format="csv").status == 400
    assert api.get("query", shape="wide").status == 400


def test_an_edge_without_arrow_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """What to install, and what else there is."""

    def missing(module: str, extra: str) -> None:
        raise NovaError(f"{module} is not installed: pip install 'nova-sdk[{extra}]'")

    monkeypatch.setattr(arrow_encoders, "import_optional", missing)
    with pytest.raises(NovaError, match=r"notAcceptable: .*nova-sdk\[arrow\].* ndjson or csv"):
        arrow_encoders.require_arrow()
