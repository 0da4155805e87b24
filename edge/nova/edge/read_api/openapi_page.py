"""A page that shows the description of the routes, made here: it needs no script and no network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
code { font: 13px/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
section { border-top: 1px solid #8886; margin-top: 1.5rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #8883; padding: .2rem .6rem .2rem 0; text-align: left; }
th, td { vertical-align: top; }
"""


def viewer_page(document: Mapping[str, Any]) -> str:
    """The page of an OpenAPI document."""
    info = document["info"]
    routes = "".join(_route(path, found["get"]) for path, found in document["paths"].items())
    links = " · ".join(
        f'<a href="#{escape(found["get"]["operationId"])}">{escape(path)}</a>'
        for path, found in document["paths"].items()
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(info['title'])}</title>"
        '<meta name="viewport" content="width=device-width">'
        '<link rel="stylesheet" href="viewer.css"></head><body>'
        f"<h1>{escape(info['title'])}</h1><p>{escape(info['description'])} "
        'For programs: <a href="openapi.json">openapi.json</a>.</p>'
        f"<nav>{links}</nav><main>{routes}</main></body></html>\n"
    )


def _route(path: str, operation: Mapping[str, Any]) -> str:
    name = escape(operation["operationId"])
    rows = "".join(map(_parameter, operation["parameters"]))
    return (
        f'<section id="{name}"><h2><code>GET /api/v1{escape(path)}</code></h2>'
        f"<p>{escape(operation['summary'])}</p>"
        "<table><thead><tr><th>parameter</th><th>what it may be</th><th></th></tr></thead>"
        f"<tbody>{rows}</tbody></table></section>"
    )


def _parameter(one: Mapping[str, Any]) -> str:
    notes = ["required"] if one.get("required") else []
    notes += [one["description"]] if "description" in one else []
    return (
        f"<tr><td><code>{escape(one['name'])}</code></td>"
        f"<td><code>{escape(_kind(one['schema']))}</code></td>"
        f"<td>{escape(', '.join(notes))}</td></tr>"
    )


def _kind(schema: Mapping[str, Any]) -> str:
    """A schema in a few words."""
    if "anyOf" in schema:
        return _either(_kind(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "const" in schema:
        return str(schema["const"])
    found = str(schema.get("type", "any"))
    if found == "array":
        return f"{_kind(schema.get('items', {}))}, …"
    bounds = [
        f"{sign} {schema[name]}"
        for name, sign in (("minimum", "from"), ("maximum", "to"))
        if name in schema
    ]
    return " ".join([found, *bounds])


def _either(kinds: Iterable[str]) -> str:
    return " | ".join(kind for kind in dict.fromkeys(kinds) if kind != "null")
