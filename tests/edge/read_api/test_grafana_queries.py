"""The dashboard of `deploy/grafana`: each query, sent as Infinity sends it, gives its rows."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from nova.sdk.client.client import Client
from nova.sdk.protocol.timeline import Sample
from nova.sdk.timestamps import parse, text
from tests.edge.read_api.http_reader import COUNT, SCOPES, START_NS, UNITS, HttpReader, at
from tests.edge.read_api.infinity import VARIABLE, rows, send, targets
from tests.test_tidy import ROOT

FOLDER = ROOT / "deploy" / "grafana" / "provisioning"
DASHBOARD: Any = msgspec.json.decode((FOLDER / "dashboards" / "telemetry.json").read_bytes())
TARGETS = dict(targets(DASHBOARD))
MS = 1_000_000
VALUES = {
    "__from": str(START_NS // MS),
    "__to": str((START_NS + COUNT * 10**9) // MS),
    "__interval_ms": "100000",
    "scope": "alpha",
    "system": "bus",
    "container": "eps",
    "unit": "a",
    "message": "Count",
    "field": "n,even",
}


def asked(api: HttpReader, name: str, **values: str) -> list[dict[str, Any]]:
    """The rows of one query of the dashboard."""
    target = TARGETS[name]
    return rows(target, send(api, target, {**VALUES, **values}))


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_each_query_is_answered(api: HttpReader, name: str) -> None:
    """With every column that the dashboard names, within what variables there are."""
    target = TARGETS[name]
    used = {found[1] or found[2] for found in VARIABLE.finditer(str(target["url_options"]))}
    known = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    assert used <= known | {"__from", "__to", "__interval_ms"}
    asked(api, name)


def test_variables_lead_from_a_scope_to_a_field(api: HttpReader) -> None:
    """Each lists what those before it leave."""
    assert {row["scopeId"] for row in asked(api, "scope")} >= set(SCOPES)
    assert {row["uniqueId"] for row in asked(api, "unit")} == set(UNITS)
    assert {row["messageType"] for row in asked(api, "message")} == {"Count"}
    assert {row["field"] for row in asked(api, "field")} == {"n", "even", "mode", "x"}
    assert asked(api, "unit", scope="nowhere") == []


async def test_a_panel_has_the_samples_of_the_client(api: HttpReader) -> None:
    """Bucket by bucket, as wide as Grafana asks for at least."""
    request = Sample(
        start_time=at(0),
        stop_time=at(COUNT),
        buckets=COUNT // 100,
        timebase="source",
        scope_id="alpha",
        system_id="bus",
        container_id="eps",
        unique_id="a",
        lane="parsed",
        message_type="Count",
        fields=["n", "even"],
    )
    async with await Client.to_edge(api.url, api.token) as client:
        reply = await client.sample(request)
    expected = [
        (parse(reply.start_time) + place * reply.bucket_ns, one.field, one.mean[place])
        for one in reply.fields
        for place in range(len(one.count))
    ]
    found = asked(api, "$unit: $field")
    assert [(row["time"], row["field"], row["mean"]) for row in found] == expected
    assert reply.bucket_ns >= 100_000 * MS


def test_annotations_are_marks_on_the_axis(api: HttpReader) -> None:
    """With a time and a text each; the two entities are heard each second one."""
    silences = TARGETS["Silences over a minute"]
    params = [
        {**one, "value": "1"} if one["key"] == "minSeconds" else one
        for one in silences["url_options"]["params"]
    ]
    target = {**silences, "url_options": {**silences["url_options"], "params": params}}
    marks = rows(target, send(api, target, {**VALUES, "field": "n"}))
    assert len(marks) == 500
    assert (text(marks[0]["time"]), text(marks[0]["timeEnd"])) == (at(0), at(2))
    assert marks[0]["title"] == "gap" and "bus/eps/a n" in marks[0]["text"]
    for annotation in DASHBOARD["annotations"]["list"]:
        columns = [column["text"] for column in annotation["target"]["columns"]]
        assert columns == ["time", "timeEnd", "title", "text", "tags"]


def test_the_newest_events_come_first(api: HttpReader) -> None:
    """As flat objects, bodies as values."""
    events = asked(api, "Newest events of $unit")
    assert len(events) == 50
    assert events[0]["sourceTruthTime"] == max(one["sourceTruthTime"] for one in events)
    assert sum(row["parsed"] for row in asked(api, "Events by lane")) == COUNT


def test_the_data_source_takes_a_key_from_outside() -> None:
    """No secret is in the file; it names what to set."""
    source = (FOLDER / "datasources" / "nova.yaml").read_text()
    assert "bearerToken: $NOVA_KEY" in source and "url: $NOVA_URL/api/v1" in source
    page = (ROOT / "docs" / "grafana.md").read_text()
    shown = re.search(r"```sh\n(.*?)```", page, re.DOTALL)
    assert shown is not None and len(shown[1].strip().splitlines()) <= 5
    assert "NOVA_KEY" in shown[1] and "NOVA_URL" in shown[1]
