"""Errors about invalid manifests name the place."""

from __future__ import annotations

import msgspec
import pytest

from nova.sdk.manifests.manifest import (
    Action,
    ArgumentSpec,
    CardManifest,
    Group,
    KeySpec,
    Layout,
    Limits,
)
from nova.sdk.manifests.manifest_lint import first_problem
from tests.sdk.manifests.test_manifest import MANIFEST


def with_key(spec: KeySpec) -> CardManifest:
    """A manifest that has this key too."""
    return msgspec.structs.replace(MANIFEST, allowed_keys={**MANIFEST.allowed_keys, "k": spec})


def with_argument(spec: ArgumentSpec) -> CardManifest:
    """A manifest whose action has this argument."""
    action = Action(command_type="go", title="Go", arguments={"a": spec})
    return msgspec.structs.replace(MANIFEST, actions=[action])


def test_a_sound_manifest_has_no_fault() -> None:
    assert first_problem(MANIFEST) is None


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        (with_key(KeySpec(type="enum")), "allowedKeys.k.labels: an enum needs a label"),
        (
            with_key(KeySpec(type="string", unit="V")),
            "allowedKeys.k.unit: only numbers may have it",
        ),
        (with_key(KeySpec(type="number", minimum=2, maximum=1)), "allowedKeys.k.minimum: 2 is"),
        (
            with_key(KeySpec(type="number", labels={"a": "b"})),
            "allowedKeys.k.labels: only an enum or a boolean",
        ),
        (
            with_key(KeySpec(type="boolean", labels={"on": "b"})),
            "allowedKeys.k.labels: a boolean may have",
        ),
        (
            with_key(KeySpec(type="number", limits=Limits(warning_low=3, critical_low=4))),
            "allowedKeys.k.limits.bounds: must be",
        ),
        (
            with_key(KeySpec(type="boolean", limits=Limits(warning_low=3))),
            "allowedKeys.k.limits.warningLow: only numbers may have it",
        ),
        (
            with_key(KeySpec(type="enum", labels={"a": "A"}, limits=Limits(critical=["b"]))),
            'allowedKeys.k.limits.warning: is "b", not one of a',
        ),
        (
            with_key(KeySpec(type="number", limits=Limits(warning=["b"]))),
            "allowedKeys.k.limits.warning: only an enum",
        ),
        (
            msgspec.structs.replace(MANIFEST, layout=Layout(shield=["absent"])),
            "layout.shield: 'absent' is not in allowedKeys",
        ),
        (
            msgspec.structs.replace(MANIFEST, layout=Layout(card=[Group(rows=["on", "on"])])),
            "layout.card: 'on' is given twice",
        ),
        (
            msgspec.structs.replace(MANIFEST, layout=Layout(sparklines=["name"])),
            "layout.sparklines: 'name' is not a number",
        ),
        (
            msgspec.structs.replace(MANIFEST, actions=MANIFEST.actions * 2),
            "actions: commandType 'pump.set' is given twice",
        ),
        (
            with_argument(ArgumentSpec(type="number", maximum=1, default=2)),
            "actions.go.a.default: is 2, above the maximum 1",
        ),
        (
            msgspec.structs.replace(MANIFEST, effective_time="2026-01-01"),
            "effectiveTime: ",
        ),
    ],
)
def test_a_fault_names_the_member(manifest: CardManifest, words: str) -> None:
    """`nova manifests check` prints the member and the rule."""
    assert (first_problem(manifest) or "").startswith(words)
