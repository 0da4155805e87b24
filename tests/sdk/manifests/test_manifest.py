"""Manifests as data: which values they allow, and that an event can hold one whole."""

from __future__ import annotations

import msgspec
import pytest

from nova.sdk.events.envelope import ManifestPublished
from nova.sdk.events.event import check
from nova.sdk.field_types import JsonObject
from nova.sdk.manifests.manifest import (
    ANY_KEY,
    Action,
    ArgumentSpec,
    CardManifest,
    Group,
    KeySpec,
    Layout,
    Limits,
    argument_problem,
    from_published,
    published_body,
    update_problem,
)

MANIFEST = CardManifest(
    manifest_id="pump",
    manifest_version="1.2.0",
    view_id="telemetry.pump",
    entity_type="pump",
    title="Pump",
    allowed_keys={
        "flow": KeySpec(type="number", unit="l/s", minimum=0, maximum=10, precision=1),
        "turns": KeySpec(type="integer"),
        "name": KeySpec(type="string"),
        "on": KeySpec(type="boolean"),
        "state": KeySpec(type="enum", labels={"run": "running", "halt": "halted"}),
        "since": KeySpec(type="time"),
    },
    layout=Layout(
        shield=["flow"],
        card=[Group(title="All", rows=["flow"])],
        sparklines=["flow"],
        stale_after_s=2.5,
    ),
    actions=[
        Action(
            command_type="pump.set",
            title="Set",
            arguments={
                "flow": ArgumentSpec(type="number", minimum=0, maximum=10, required=True),
                "note": ArgumentSpec(type="string", default=""),
            },
            critical=True,
        )
    ],
)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"flow": 0},
        {"flow": 10.0, "turns": 3},
        {"turns": 3.0},
        {"name": "", "on": False, "state": "halt", "since": "2026-01-01T00:00:00Z"},
        {"flow": None},
    ],
)
def test_data_that_is_allowed(data: JsonObject) -> None:
    """A-218: a partial update names any of the keys; null says that there is no value."""
    assert update_problem(MANIFEST, data) is None


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"speed": 1}, "key 'speed' is not in the allowedKeys of pump 1.2.0"),
        ({"flow": "1"}, "key 'flow' is \"1\", not a number"),
        ({"flow": True}, "key 'flow' is true, not a number"),
        ({"flow": -0.1}, "key 'flow' is -0.1, below the minimum 0"),
        ({"flow": 11}, "key 'flow' is 11, above the maximum 10"),
        ({"turns": 1.5}, "key 'turns' is 1.5, not an integer"),
        ({"name": 1}, "key 'name' is 1, not a string"),
        ({"on": 1}, "key 'on' is 1, not a boolean"),
        ({"state": "stop"}, "key 'state' is \"stop\", not one of run, halt"),
        ({"since": "yesterday"}, "key 'since' is \"yesterday\", not a time"),
        ({"flow": 1, "name": {"a": 1}}, "key 'name' is {\"a\":1}, not a string"),
    ],
)
def test_data_that_is_not_allowed_names_key_and_rule(data: JsonObject, words: str) -> None:
    """A-218, AMB-48: who reads the reject log knows what to mend."""
    assert (update_problem(MANIFEST, data) or "").startswith(words)


def test_a_manifest_may_allow_all_other_keys() -> None:
    """A-231: the default card shows whatever comes."""
    allowed = {ANY_KEY: KeySpec(type="any"), "flow": KeySpec(type="number")}
    manifest = msgspec.structs.replace(MANIFEST, allowed_keys=allowed)
    assert update_problem(manifest, {"x": {"y": [1]}, "flow": 1}) is None
    assert update_problem(manifest, {"flow": "1"}) is not None


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ({"flow": 1}, None),
        ({"flow": 1, "note": None}, None),
        ({"flow": 11}, "argument 'flow' is 11, above the maximum 10"),
        ({}, "argument 'flow' of pump.set is missing"),
        ({"flow": None}, "argument 'flow' is null, not a number"),
        ({"flow": 1, "x": 1}, "pump.set has no argument 'x'; it takes flow, note"),
    ],
)
def test_arguments_of_a_command(payload: JsonObject, words: str | None) -> None:
    """A-171: a command is checked by the action that its card offers."""
    assert argument_problem(MANIFEST.actions[0], payload) == words


def test_an_event_holds_the_whole_manifest() -> None:
    """A-216: what was published is read back as it was written, by anybody."""
    header = {
        "scopeId": "sat",
        "lane": "metadata",
        "systemId": "__scope__",
        "containerId": "__scope__",
        "uniqueId": "__scope__",
        "messageType": "ManifestPublished",
        "sourceTruthTime": MANIFEST.effective_time,
    }
    event = check(msgspec.json.encode({**header, **published_body(MANIFEST)}))
    assert isinstance(event.envelope, ManifestPublished)
    assert from_published(msgspec.json.decode(event.body)) == MANIFEST


def test_a_published_manifest_of_another_form_is_none() -> None:
    """Anybody may publish one: it is stored, and no card is drawn from it."""
    body = published_body(MANIFEST)
    assert from_published({**body, "allowedKeys": {"x": {"type": "colour"}}}) is None
    assert from_published({**body, "manifestVersion": "one"}) is None
    assert from_published({**body, "actions": {"pump.set": 3}}) is None


def test_a_manifest_is_camel_case_on_the_wire() -> None:
    """What is left at its default is left out."""
    limits = Limits(warning_low=1.5)
    spec = KeySpec(type="number", limits=limits)
    assert msgspec.json.encode(spec) == b'{"type":"number","limits":{"warningLow":1.5}}'
