"""Controls and tables of a manifest: their rules, and that they survive on the timeline."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from nova.sdk.manifests.manifest import (
    CardControl,
    CardManifest,
    EntityTable,
    Field,
    Layout,
    from_published,
    published_body,
)
from nova.sdk.manifests.manifest_files import load
from nova.sdk.manifests.manifest_lint import first_problem
from nova.sdk.protocol import tcp_streams
from nova.sdk.protocol.edge import decode_edge_request
from tests.sdk.manifests.test_manifest import MANIFEST


def with_controls(*controls: CardControl) -> CardManifest:
    return msgspec.structs.replace(MANIFEST, layout=Layout(controls=list(controls)))


def control(**members: Any) -> CardControl:
    return CardControl(request="editPump", title="Edit", **members)


def field(**members: Any) -> Field:
    return Field(type="integer", **members)


GOOD = control(
    members={"pumpId": "name"},
    fields={"a.b": field(begins_with="on", default=3), "c": field(shown_if={"a.b": ["3"]})},
    shown_if={"on": [True]},
    question="Sure?",
)


def test_a_control_is_published_as_it_is() -> None:
    table = EntityTable(entity_type="pump", title="Pumps", columns=["name"], controls=["editPump"])
    layout = Layout(name="name", tables=[table], controls=[GOOD])
    manifest = msgspec.structs.replace(MANIFEST, layout=layout)
    assert first_problem(manifest) is None
    assert from_published(msgspec.json.decode(msgspec.json.encode(published_body(manifest)))) == (
        manifest
    )


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        (with_controls(GOOD, GOOD), "layout.controls: request 'editPump' is given twice"),
        (
            with_controls(control(members={"a": "x"})),
            "editPump: 'x' is not in allowedKeys",
        ),
        (with_controls(control(shown_if={"x": [True]})), "'x' is not in allowedKeys"),
        (with_controls(control(fields={"a": field(begins_with="x")})), "'x' is not in allowedKeys"),
        (
            with_controls(control(members={"a": "name"}, fields={"a": field()})),
            "editPump.a: is among the members too",
        ),
        (
            with_controls(control(fields={"a": field(many=True, default=1)})),
            "a.default: a field",
        ),
        (
            with_controls(control(fields={"a": field(shown_if={"b": ["1"]})})),
            "a.shownIf: 'b' is not a field",
        ),
        (with_controls(control(fields={"a": field(labels={})})), "editPump.a.labels: only an enum"),
        (with_controls(control(fields={"a": field(default="x")})), "editPump.a.default: is"),
        (msgspec.structs.replace(MANIFEST, layout=Layout(name="x")), "layout.name: 'x' is not in"),
    ],
)
def test_a_rule_that_a_control_breaks_is_named(manifest: CardManifest, words: str) -> None:
    assert words in str(first_problem(manifest))


def test_shipped_controls_make_requests_that_an_edge_accepts() -> None:
    """Their fields are members of the definition, with its values as choices."""
    shipped = {manifest.manifest_id: manifest for _, manifest in load()}
    for manifest_id, entity_type in (
        (tcp_streams.STREAM_MANIFEST_ID, tcp_streams.STREAM_ENTITY_TYPE),
        (tcp_streams.SETUP_MANIFEST_ID, tcp_streams.SETUP_ENTITY_TYPE),
    ):
        manifest = shipped[manifest_id]
        assert manifest.manifest_version == tcp_streams.MANIFEST_VERSION
        assert manifest.entity_type == entity_type
        for one in manifest.layout.controls:
            request: dict[str, Any] = {"type": one.request, **dict.fromkeys(one.members, "x")}
            for path, spec in one.fields.items():
                for value in _values(spec):
                    *parents, last = path.split(".")
                    at = request
                    for parent in parents:
                        at = at.setdefault(parent, {})
                    at[last] = [value] if spec.many else value
                    if {"name", "port"} <= request.get("definition", {}).keys():
                        decode_edge_request(msgspec.json.encode(request))
            decode_edge_request(msgspec.json.encode(request))


def _values(spec: Field) -> list[object]:
    """Every value that a form may send, or an example."""
    if spec.type == "enum":
        return list(spec.labels or {})
    examples: dict[str, list[object]] = {
        "string": ["x"],
        "integer": [7_001],
        "boolean": [True, False],
    }
    return examples[spec.type]
