"""The description names every route, parameter and format, and the struct of every reply."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from nova.edge.read_api.formats import MEDIA_TYPES
from nova.edge.read_api.openapi import reply_of
from nova.edge.read_api.read_routes import ROUTES
from nova.sdk.reading.read_requests import parameters_of
from tests.edge.read_api.http_reader import SERIES, HttpReader, at

TIMES = {"startTime": at(0), "stopTime": at(50), "timebase": "source", "time": at(50)}
SERIES_OF_A = {**SERIES, "scopeId": "alpha", "uniqueId": "a", "fields": "n", "buckets": "4"}
OTHERS = {"field": "n", "condition": "gap", "minSeconds": "1", "text": "m1", "direction": "next"}


@pytest.fixture(scope="module")
def document(api: HttpReader) -> Any:
    """As an edge serves it, to whoever asks."""
    answer = HttpReader(api.url).get("openapi.json")
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    return answer.json()


def test_it_names_every_route_and_parameter(document: Any) -> None:
    """Those that the routes take, and no others."""
    assert document["openapi"] == "3.1.0" and set(document["paths"]) == {
        f"/{one}" for one in ROUTES
    }
    for name, kind in ROUTES.items():
        operation = document["paths"][f"/{name}"]["get"]
        named = [one["name"] for one in operation["parameters"]]
        own = ["id"] if "{id}" in name else []
        assert named == [*own, *parameters_of(kind), "format", "shape"]
        assert operation["summary"].endswith(".")
        assert set(operation["responses"]["200"]["content"]) == set(MEDIA_TYPES.values())
    refs = re.findall(r"'#/components/schemas/(\w+)'", str(document))
    assert set(refs) <= set(document["components"]["schemas"])


@pytest.mark.parametrize("name", sorted(set(ROUTES) - {"events/{id}"}))
def test_replies_are_what_it_says(api: HttpReader, document: Any, name: str) -> None:
    """Each reply is of the struct whose schema its route names."""
    known = parameters_of(ROUTES[name])
    asked = {one: text for one, text in {**TIMES, **SERIES_OF_A, **OTHERS}.items() if one in known}
    if name in ("query", "latest", "state", "entities", "alarms", "alarmHistory"):
        asked = {one: text for one, text in asked.items() if one in TIMES}
    answer = api.get(name, **asked)
    assert answer.status == 200, answer.body
    content = document["paths"][f"/{name}"]["get"]["responses"]["200"]["content"]
    kind = reply_of(ROUTES[name])
    assert kind is not None
    assert content["application/json"]["schema"] == {
        "$ref": f"#/components/schemas/{kind.__name__}"
    }
    assert type(msgspec.json.decode(answer.body, type=kind)) is kind


def test_the_page_needs_nothing_else(api: HttpReader) -> None:
    """It names every route, and loads its own style alone."""
    page = HttpReader(api.url).get("")
    text = page.body.decode()
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "script-src 'self'" in page.headers["content-security-policy"]
    for name in ROUTES:
        assert f"GET /api/v1/{name}" in text
    assert re.findall(r'(?:src|href)="([^#"]+)"', text) == ["viewer.css", "openapi.json"]
    assert "http://" not in text and "https://" not in text
    assert HttpReader(api.url).get("viewer.css").status == 200
