"""Requests of Grafana's plugin Infinity as its backend sends them, and the rows it reads of them.

Where they come from: `GetQueryURL`, `ApplyAcceptHeader` and `ApplyBearerToken` of the plugin's
backend. Parameters are sorted by name and encoded as Go does, which leaves no comma.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote_plus

from nova.sdk import timestamps
from tests.edge.read_api.http_reader import HttpAnswer, HttpReader

ACCEPT = {"json": "application/json;q=0.9,text/plain", "csv": "text/csv; charset=utf-8"}
VARIABLE = re.compile(r"\$(?:\{(\w+)(?::csv)?\}|(\w+))")


def targets(dashboard: Any) -> Iterator[tuple[str, Any]]:
    """Every query of a dashboard: of its variables, annotations and panels, by name."""
    for variable in dashboard["templating"]["list"]:
        yield variable["name"], variable["query"]["infinityQuery"]
    for annotation in dashboard["annotations"]["list"]:
        yield annotation["name"], annotation["target"]
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target


def interpolated(text: str, values: Mapping[str, str]) -> str:
    """A text with the values of variables and macros; one without a value is an error."""
    return VARIABLE.sub(lambda found: values[found[1] or found[2]], text)


def send(reader: HttpReader, target: Any, values: Mapping[str, str]) -> HttpAnswer:
    """The answer to a query."""
    params = sorted(
        (one["key"], interpolated(one["value"], values)) for one in target["url_options"]["params"]
    )
    query = "&".join(f"{quote_plus(key)}={quote_plus(value)}" for key, value in params)
    path = target["url"].removeprefix("/")
    return reader.get(f"{path}?{query}", {"Accept": ACCEPT[target["type"]]})


def rows(target: Any, answer: HttpAnswer) -> list[dict[str, Any]]:
    """What the backend parser makes of an answer: the columns of the query in their types. A column
    that is not there is an error, as an empty panel is.
    """
    assert answer.status == 200, answer.body
    assert target["parser"] == "backend" and target["root_selector"] == ""
    if target["type"] == "json":
        found = json.loads(answer.body)
        assert isinstance(found, list)
    else:
        found = list(csv.DictReader(io.StringIO(answer.body.decode(), newline="")))
        names = answer.body.decode().splitlines()[0].split(",")
        assert {column["selector"] for column in target["columns"]} <= set(names)
    return [
        {
            column["text"]: _cell(one[column["selector"]], column["type"])
            for column in target["columns"]
        }
        for one in found
    ]


def _cell(value: Any, kind: str) -> Any:
    if value is None or value == "":
        return None
    if kind == "timestamp":
        return timestamps.parse(value)
    return float(value) if kind == "number" else str(value)
